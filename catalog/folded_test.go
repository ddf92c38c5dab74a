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
	"inlet/gallery"
	"inlet/stats"
)

// fold makes an image one of the ids of another, as package upload does. It does
// nothing if one of them has gone.
func (h *house) fold(ctx context.Context, id, into uuid.UUID) error {
	var sum []byte
	err := pgx.BeginFunc(ctx, h.Pool, func(tx pgx.Tx) (err error) {
		sum, err = beginFold(ctx, tx, id, into)
		return err
	})
	if err != nil || sum == nil {
		return err
	}
	return h.RemoveOrphan(ctx, [32]byte(sum))
}

// beginFold is fold up to the commit. It returns the content that was folded.
func beginFold(ctx context.Context, tx pgx.Tx, id, into uuid.UUID) (sum []byte, err error) {
	tag, err := tx.Exec(ctx, `SELECT FROM images WHERE id = ANY($1) ORDER BY id FOR UPDATE`, []uuid.UUID{id, into})
	if err != nil || tag.RowsAffected() < 2 {
		return nil, err
	}
	d := stats.Delta{Images: -1, Formats: map[string]int64{"jpeg": -1}, Stored: -1, Duplicates: 1}
	var at time.Time
	err = tx.QueryRow(ctx, `
		UPDATE uploads SET image_id = $2, status = 'duplicate', match = 'perceptual', distance = 1
		 WHERE image_id = $1 AND status = 'stored' RETURNING uploaded_at`, id, into).Scan(&at)
	if err != nil {
		return nil, err
	}
	d.Days = []stats.Day{{Date: at.UTC().Format(time.DateOnly), Stored: -1, Duplicates: 1}}
	for _, query := range []string{
		`UPDATE uploads SET image_id = $2 WHERE image_id = $1`,
		`UPDATE aliases SET image_id = $2 WHERE image_id = $1`,
		`INSERT INTO labels (image_id, label) SELECT $2, label FROM labels WHERE image_id = $1 ON CONFLICT DO NOTHING`,
		`WITH others AS (UPDATE folded SET image_id = $2 WHERE image_id = $1) INSERT INTO folded VALUES ($1, $2)`,
	} {
		if _, err := tx.Exec(ctx, query, id, into); err != nil {
			return nil, err
		}
	}
	if err := tx.QueryRow(ctx, `DELETE FROM images WHERE id = $1 RETURNING sha256, -bytes`, id).Scan(&sum, &d.Bytes); err != nil {
		return nil, err
	}
	var batch pgx.Batch
	stats.Queue(&batch, d)
	return sum, tx.SendBatch(ctx, &batch).Close()
}

// near lists two images as near.
func (h *house) near(a, b uuid.UUID, distance int) {
	h.t.Helper()
	h.exec(`INSERT INTO near VALUES ($1, $2, $3), ($2, $1, $3)`, a, b, distance)
}

// print gives an image a fingerprint; hash is in hexadecimal.
func (h *house) print(id uuid.UUID, hash string) {
	h.t.Helper()
	h.exec(`INSERT INTO fingerprints VALUES ($1, '', ('x' || $2)::bit(256), '{1,2}', '')`, id, hash)
}

// fetch reads a picture under an id.
func (h *house) fetch(id uuid.UUID, width int) (string, error) {
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

// One picture that came three times, and another one. The second was folded into
// the first after the third had been folded into the second.
func TestFoldedIDs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ids := []uuid.UUID{h.add("first", nil), h.add("second", row{"link": "b"}), h.add("third", row{"link": "c"})}
	other := h.add("other", row{"format": "png"})
	_, err := h.SetLabels(t.Context(), ids[1], []string{"cat"})
	must(t, err)
	must(t, h.fold(t.Context(), ids[2], ids[1]))
	must(t, h.fold(t.Context(), ids[1], ids[0]))
	h.checkCounters()

	want, err := h.Metadata(t.Context(), ids[0])
	must(t, err)
	if want.ID != ids[0] || want.Uploads != 3 || !slices.Equal(want.Labels, []string{"cat"}) {
		t.Errorf("the kept picture is %+v", want)
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
		docs, _, err := h.List(t.Context(), gallery.Filter{Link: through, Format: "jpeg"}, 10, "")
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
		if _, err := h.fetch(id, 0); !errors.Is(err, gallery.ErrNotFound) {
			t.Errorf("id %d after the deletion: %v", i, err)
		}
		if err := h.Delete(t.Context(), id); !errors.Is(err, gallery.ErrNotFound) {
			t.Errorf("id %d is deleted again: %v", i, err)
		}
	}
	for _, content := range []string{"first", "second", "third"} {
		if h.hasBlob(content) {
			t.Errorf("the blob %q is left", content)
		}
	}
	if n := h.count(`SELECT count(*) FROM folded`); n != 0 || !h.hasBlob("other") {
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

// A picture is folded between the look-up and the opening of its blob.
func TestFoldedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, width := range []int{0, 160} {
		h := newHouse(t)
		first, second := h.add("first", nil), h.add("second", nil)
		stale, err := h.Get(t.Context(), second)
		must(t, err)

		cfg := h.Pool.Config()
		cfg.ConnConfig.Tracer = &meanwhile{text: "SELECT id, sha256", do: func() { must(t, h.fold(t.Context(), second, first)) }}
		pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
		must(t, err)
		t.Cleanup(pool.Close)
		s := gallery.New(gallery.Options{Pool: pool, Blobs: h.Blobs, Thumbnailer: h.thumbs})
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

		if _, err := h.Open(t.Context(), stale); !errors.Is(err, gallery.ErrFolded) {
			t.Errorf("Open: %v", err)
		}
		if _, err := h.Variant(t.Context(), stale, 320); !errors.Is(err, gallery.ErrFolded) {
			t.Errorf("Variant: %v", err)
		}
		// One whose blob is lost is not mistaken for it.
		must(t, h.Blobs.Delete(t.Context(), keyOf("first")))
		if _, err := h.fetch(second, 0); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("lost: %v", err)
		}
	}
}

// The lock of a picture is waited for while it is folded.
func TestLockedWhileFolding(t *testing.T) {
	t.Parallel()
	labelled := func(want ...string) func(h *house, kept uuid.UUID) error {
		return func(h *house, kept uuid.UUID) error {
			doc, err := h.Metadata(h.t.Context(), kept)
			if err == nil && !slices.Equal(doc.Labels, want) {
				err = fmt.Errorf("labels %q, want %q", doc.Labels, want)
			}
			return err
		}
	}
	gone := func(h *house, kept uuid.UUID) error {
		if _, err := h.Get(h.t.Context(), kept); !errors.Is(err, gallery.ErrNotFound) {
			return fmt.Errorf("the kept picture: %w", err)
		}
		if h.hasBlob("first") || h.hasBlob("second") {
			return errors.New("a blob is left")
		}
		return nil
	}
	tests := map[string]struct {
		do    func(h *house, folded, other uuid.UUID) error
		check func(h *house, kept uuid.UUID) error
	}{
		"Delete": {func(h *house, folded, _ uuid.UUID) error { return h.Delete(h.t.Context(), folded) }, gone},
		"EraseLink": {func(h *house, _, _ uuid.UUID) error {
			n, err := h.EraseLink(h.t.Context(), "a")
			if err == nil && n != 2 {
				err = fmt.Errorf("erased %d", n)
			}
			return err
		}, gone},
		"SetLabels": {func(h *house, folded, _ uuid.UUID) error {
			_, err := h.SetLabels(h.t.Context(), folded, []string{"cat"})
			return err
		}, labelled("cat")},
		"ImportLabels": {func(h *house, folded, other uuid.UUID) error {
			table := fmt.Sprintf("%s,dog\n%s,ant\n%s,cat\n", folded, other, folded)
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
			h := newHouse(t)
			first := h.add("first", nil)
			second, other := h.add("second", nil), h.add("other", nil)
			tx, err := h.Pool.Begin(t.Context())
			must(t, err)
			sum, err := beginFold(t.Context(), tx, second, first)
			must(t, err)
			done := make(chan error)
			go func() { done <- test.do(h, second, other) }()
			eventually(t, func() bool { return h.count(`SELECT count(*) FROM pg_locks WHERE NOT granted`) > 0 })
			must(t, tx.Commit(t.Context()))
			must(t, h.RemoveOrphan(t.Context(), [32]byte(sum)))
			must(t, <-done)
			must(t, test.check(h, first))
			h.checkCounters()
		})
	}
}

// Pictures are folded, deleted and read at once. Who reads gets a picture as it
// was stored, or is told that there is none.
func TestFoldsAgainstReadersAndDeletions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
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
				if err := work(); err != nil && !errors.Is(err, gallery.ErrNotFound) {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 2 {
		repeat(40, func() error {
			if a, b := anyID(), anyID(); a != b {
				return h.fold(ctx, a, b)
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
	if n := h.count(`SELECT count(*) FROM folded f JOIN folded g ON g.id = f.image_id`); n != 0 {
		t.Errorf("%d chains", n)
	}
}

// A signed address is that of an id, whatever the id is kept as.
func TestSignedFoldedID(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first, second := h.add("first", nil), h.add("second", nil)
	s := gallery.NewSigner([]byte("key"), nil)
	query := s.Query(second)
	must(t, h.fold(t.Context(), second, first))
	if got, err := h.fetch(second, 0); !s.Verify(second, query) || s.Verify(first, query) || got != "first" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}
