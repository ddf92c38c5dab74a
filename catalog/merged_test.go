package catalog_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/blob"
	"inlet/catalog"
)

// stored reads what a merge has to know of a picture; nil if there is none.
func (h *harness) stored(ctx context.Context, id uuid.UUID) (*catalog.Stored, error) {
	rows, err := h.Pool.Query(ctx, `SELECT `+catalog.StoredColumns+` FROM images i WHERE i.id = $1`, id)
	if err != nil {
		return nil, err
	}
	stored, err := pgx.CollectOneRow(rows, pgx.RowToAddrOfStructByName[catalog.Stored])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}

	return stored, err
}

// merge makes an image one of the ids of another. It does nothing if one of them
// has gone.
func (h *harness) merge(ctx context.Context, id, into uuid.UUID) error {
	copied, err := h.stored(ctx, id)
	if err != nil || copied == nil {
		return err
	}
	stays, err := h.stored(ctx, into)
	if err != nil || stays == nil {
		return err
	}

	return h.Merge(ctx, *stays, *copied, 1)
}

// beginMerge is merge up to the commit. It returns the content that was merged.
func (h *harness) beginMerge(ctx context.Context, tx pgx.Tx, id, into uuid.UUID) [32]byte {
	h.t.Helper()
	copied, err := h.stored(ctx, id)
	must(h.t, err)
	stays, err := h.stored(ctx, into)
	must(h.t, err)
	must(h.t, h.BeginMerge(ctx, tx, *stays, *copied, 1))

	return copied.Sum()
}

// near lists two images as near.
func (h *harness) near(a, b uuid.UUID, distance int) {
	h.t.Helper()
	h.exec(`INSERT INTO near VALUES ($1, $2, $3), ($2, $1, $3)`, a, b, distance)
}

// fingerprint gives an image one; hash is in hexadecimal.
func (h *harness) fingerprint(id uuid.UUID, hash string) {
	h.t.Helper()
	h.exec(`UPDATE images SET phash = ('x' || left($2, 16))::bit(64)::bigint WHERE id = $1`, id, hash)
	h.exec(`INSERT INTO fingerprints VALUES ($1, '', ('x' || $2)::bit(256), '{1,2}', '')`, id, hash)
}

// fetch reads a picture under an id.
func (h *harness) fetch(id uuid.UUID, width int) (string, error) {
	img, content, err := h.Fetch(h.t.Context(), id, width)
	if err != nil {
		return "", err
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	if err == nil && width == 0 && sha256.Sum256(text) != img.SHA256 {
		err = fmt.Errorf("%s is not what Image says", text)
	}
	return string(text), err
}

// One picture that came three times, and another one. The second was merged into
// the first after the third had been merged into the second.
func TestMergedIDs(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	ids := []uuid.UUID{h.add("first", nil), h.add("second", row{"link": "b", "flags": []string{"dark"}, "uploaded_at": noon.Add(23 * time.Hour)}), h.add("third", row{"link": "c"})}
	other := h.add("other", row{"format": "png"})
	_, err := h.SetLabels(t.Context(), ids[1], []string{"cat"})
	must(t, err)
	must(t, h.merge(t.Context(), ids[2], ids[1]))
	must(t, h.merge(t.Context(), ids[1], ids[0]))
	h.checkCounters()

	want, err := h.Metadata(t.Context(), ids[0])
	must(t, err)
	if want.ID != ids[0] || want.Uploads != 3 || !slices.Equal(want.Labels, []string{"cat"}) {
		t.Errorf("the picture that stays is %+v", want)
	}
	small, err := h.fetch(ids[0], 160)
	must(t, err)
	for i, id := range ids {
		if img, err := h.Get(t.Context(), id); err != nil || img.ID != ids[0] || img.SHA256 != sha256.Sum256([]byte("first")) {
			t.Errorf("id %d is %+v, %v", i, img, err)
		}
		if got, err := h.fetch(id, 0); got != "first" || err != nil {
			t.Errorf("id %d serves %q, %v", i, got, err)
		}
		if got, err := h.fetch(id, 160); got != small || err != nil {
			t.Errorf("id %d serves %q, %v; want %q", i, got, err, small)
		}
		if got, err := h.Metadata(t.Context(), id); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("id %d is %+v, %v", i, got, err)
		}
	}
	for _, through := range []string{"", "a", "b", "c"} {
		docs, _, err := h.List(t.Context(), catalog.Filter{Link: through, Format: "jpeg"}, 10, "")
		if err != nil || len(docs) != 1 || docs[0].ID != ids[0] {
			t.Errorf("the link %q lists %v, %v", through, docs, err)
		}
	}

	if got, err := h.SetLabels(t.Context(), ids[2], []string{"dog"}); err != nil || !slices.Equal(got, []string{"dog"}) {
		t.Errorf("set labels: %q, %v", got, err)
	}
	unknown := uuid.New()
	table := fmt.Sprintf("%s,x\n%s,y\n%s,y\n%s,z\n%s,z\n", ids[0], ids[1], ids[2], unknown, other)
	result, err := h.ImportLabels(t.Context(), strings.NewReader(table))
	if err != nil || result.Set != 4 || !slices.Equal(result.Unknown, []string{unknown.String()}) {
		t.Errorf("import: %+v, %v", result, err)
	}
	doc, err := h.Metadata(t.Context(), ids[0])
	if err != nil || !slices.Equal(doc.Labels, []string{"dog", "x", "y"}) {
		t.Errorf("labels %q, %v", doc.Labels, err)
	}

	must(t, h.Delete(t.Context(), ids[2]))
	h.checkCounters()
	for i, id := range ids {
		if _, err := h.fetch(id, 0); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("id %d after the deletion: %v", i, err)
		}
		if err := h.Delete(t.Context(), id); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("id %d is deleted again: %v", i, err)
		}
	}
	for _, content := range []string{"first", "second", "third"} {
		if h.hasBlob(content) {
			t.Errorf("the blob %q is left", content)
		}
	}
	if n := h.count(`SELECT count(*) FROM merges`); n != 0 || !h.hasBlob("other") {
		t.Errorf("%d ids are left; the other blob: %v", n, h.hasBlob("other"))
	}
}

// meanwhile runs do once, after the first query with this text.
type meanwhile struct {
	once sync.Once
	text string
	do   func()
}

type queryText struct{}

func (m *meanwhile) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, queryText{}, q.SQL)
}

func (m *meanwhile) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if text, _ := ctx.Value(queryText{}).(string); strings.Contains(text, m.text) {
		m.once.Do(m.do)
	}
}

// A picture is merged between the look-up and the opening of its blob.
func TestMergedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, width := range []int{0, 160} {
		h := newHarness(t)
		first, second := h.add("first", nil), h.add("second", nil)
		stale, err := h.Get(t.Context(), second)
		must(t, err)

		cfg := h.Pool.Config()
		cfg.ConnConfig.Tracer = &meanwhile{text: "SELECT id, sha256", do: func() { must(t, h.merge(t.Context(), second, first)) }}
		pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
		must(t, err)
		t.Cleanup(pool.Close)
		s := catalog.New(catalog.Options{Pool: pool, Vault: h.Vault})
		img, content, err := s.Fetch(t.Context(), second, width)
		must(t, err)
		defer content.Close()
		text, err := io.ReadAll(content)
		must(t, err)
		want := "first"
		if width > 0 {
			want = fmt.Sprintf("jpeg of %x at %d", sha256.Sum256([]byte("first")), width)
		}
		if img.ID != first || string(text) != want {
			t.Errorf("width %d: %s is %q, want %q", width, img.ID, text, want)
		}

		if _, err := h.Open(t.Context(), stale); !errors.Is(err, catalog.ErrMerged) {
			t.Errorf("Open: %v", err)
		}
		if _, err := h.Variant(t.Context(), stale, 320); !errors.Is(err, catalog.ErrMerged) {
			t.Errorf("Variant: %v", err)
		}
		// One whose blob is lost is not mistaken for it.
		must(t, h.Blobs.Delete(t.Context(), keyOf("first")))
		if _, err := h.fetch(second, 0); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("lost: %v", err)
		}
	}
}

// Others wait for the lock of a picture that is being merged.
func TestLockedWhileMerging(t *testing.T) {
	t.Parallel()
	labelled := func(want ...string) func(h *harness, stays uuid.UUID) error {
		return func(h *harness, stays uuid.UUID) error {
			doc, err := h.Metadata(h.t.Context(), stays)
			if err == nil && !slices.Equal(doc.Labels, want) {
				err = fmt.Errorf("labels %q, want %q", doc.Labels, want)
			}
			return err
		}
	}
	gone := func(h *harness, stays uuid.UUID) error {
		if _, err := h.Get(h.t.Context(), stays); !errors.Is(err, catalog.ErrNotFound) {
			return fmt.Errorf("the picture that stays: %w", err)
		}
		if h.hasBlob("first") || h.hasBlob("second") {
			return errors.New("a blob is left")
		}
		return nil
	}
	tests := map[string]struct {
		do    func(h *harness, merged, other uuid.UUID) error
		check func(h *harness, stays uuid.UUID) error
	}{
		"Delete": {func(h *harness, merged, _ uuid.UUID) error { return h.Delete(h.t.Context(), merged) }, gone},
		"EraseLink": {func(h *harness, _, _ uuid.UUID) error {
			n, err := h.EraseLink(h.t.Context(), "a")
			if err == nil && n != 2 {
				err = fmt.Errorf("erased %d", n)
			}
			return err
		}, gone},
		"SetLabels": {func(h *harness, merged, _ uuid.UUID) error {
			_, err := h.SetLabels(h.t.Context(), merged, []string{"cat"})
			return err
		}, labelled("cat")},
		"ChangeLabels": {func(h *harness, merged, other uuid.UUID) error {
			n, err := h.ChangeLabels(h.t.Context(), []uuid.UUID{other, merged}, []string{"cat"}, nil)
			if err == nil && n != 2 {
				err = fmt.Errorf("changed %d", n)
			}
			return err
		}, labelled("cat")},
		"ImportLabels": {func(h *harness, merged, other uuid.UUID) error {
			table := fmt.Sprintf("%s,dog\n%s,ant\n%s,cat\n", merged, other, merged)
			result, err := h.ImportLabels(h.t.Context(), strings.NewReader(table))
			if err == nil && (result.Set != 3 || len(result.Unknown) != 0) {
				err = fmt.Errorf("imported %+v", result)
			}
			return err
		}, labelled("cat", "dog")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			first := h.add("first", nil)
			second, other := h.add("second", nil), h.add("other", nil)
			tx, err := h.Pool.Begin(t.Context())
			must(t, err)
			sum := h.beginMerge(t.Context(), tx, second, first)
			done := make(chan error)
			go func() { done <- test.do(h, second, other) }()
			eventually(t, func() bool { return h.count(`SELECT count(*) FROM pg_locks WHERE NOT granted`) > 0 })
			must(t, tx.Commit(t.Context()))
			must(t, h.Vault.Remove(t.Context(), sum))
			must(t, <-done)
			must(t, test.check(h, first))
			h.checkCounters()
		})
	}
}

// Pictures are merged, deleted and read at once. A reader gets a picture as it
// was stored, or hears that there is none.
func TestMergesAgainstReadersAndDeletions(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var ids []uuid.UUID
	for i := range 60 {
		ids = append(ids, h.add(fmt.Sprint("picture ", i), nil))
	}
	anyID := func() uuid.UUID { return ids[rand.IntN(len(ids))] }
	var working sync.WaitGroup
	repeat := func(n int, work func() error) {
		working.Go(func() {
			for range n {
				if err := work(); err != nil && !errors.Is(err, catalog.ErrNotFound) {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 2 {
		repeat(40, func() error {
			if a, b := anyID(), anyID(); a != b {
				return h.merge(ctx, a, b)
			}
			return nil
		})
		repeat(200, func() error {
			_, err := h.fetch(anyID(), 0)
			return err
		})
	}
	repeat(30, func() error { return h.Delete(ctx, anyID()) })
	repeat(30, func() error {
		_, err := h.SetLabels(ctx, anyID(), []string{"cat"})
		return err
	})
	repeat(30, func() error {
		_, err := h.ImportLabels(ctx, strings.NewReader(fmt.Sprintf("%s,dog\n%s,dog\n%s,ant\n", anyID(), anyID(), anyID())))
		return err
	})
	working.Wait()

	h.checkCounters()
	images, blobs := h.count(`SELECT count(*) FROM images`), int64(0)
	for i := range ids {
		if h.hasBlob(fmt.Sprint("picture ", i)) {
			blobs++
		}
	}
	if images != blobs {
		t.Errorf("%d images, %d blobs", images, blobs)
	}
	if n := h.count(`SELECT count(*) FROM merges m JOIN merges n ON n.id = m.image_id`); n != 0 {
		t.Errorf("%d chains", n)
	}
}
