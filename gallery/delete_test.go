package gallery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/gallery"
	"inlet/link"
	"inlet/stats"
)

func linkDelta(id string, size int64) stats.Link {
	return stats.Link{ID: link.ID(id), Files: 1, Bytes: size}
}

// counters are what all events add up to; what is zero is left out.
type counters map[string]int64

func (c counters) add(name string, n int64) {
	if c[name] += n; c[name] == 0 {
		delete(c, name)
	}
}

// events adds up the outbox.
func (h *house) events() counters {
	h.t.Helper()
	rows, err := h.Pool.Query(context.Background(), `SELECT event FROM outbox`)
	must(h.t, err)
	events, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
	must(h.t, err)
	sum := counters{}
	for _, event := range events {
		var d stats.Delta
		must(h.t, json.Unmarshal(event, &d))
		for name, n := range map[string]int64{
			"images": d.Images, "bytes": d.Bytes, "accepted": d.Accepted, "stored": d.Stored,
			"duplicates": d.Duplicates, "rejected": d.Rejected,
		} {
			sum.add(name, n)
		}
		for name, n := range d.Formats {
			sum.add("format "+name, n)
		}
		for name, n := range d.Cameras {
			sum.add("camera "+name, n)
		}
		for _, day := range d.Days {
			sum.add(day.Date+" accepted", day.Accepted)
			sum.add(day.Date+" stored", day.Stored)
			sum.add(day.Date+" duplicates", day.Duplicates)
			sum.add(day.Date+" bytes", day.Bytes)
		}
		for _, l := range d.Links {
			sum.add(fmt.Sprintf("link %s files", l.ID), l.Files)
			sum.add(fmt.Sprintf("link %s bytes", l.ID), l.Bytes)
		}
	}
	return sum
}

// recount counts the same from the rows.
func (h *house) recount() counters {
	h.t.Helper()
	rows, err := h.Pool.Query(context.Background(), `
		SELECT 'images', count(*) FROM images UNION ALL
		SELECT 'bytes', sum(bytes)::bigint FROM images UNION ALL
		SELECT 'accepted', count(*) FROM uploads UNION ALL
		SELECT status || CASE status WHEN 'duplicate' THEN 's' ELSE '' END, count(*) FROM uploads GROUP BY status UNION ALL
		SELECT 'format ' || format, count(*) FROM images GROUP BY format UNION ALL
		SELECT 'camera ' || camera, count(*) FROM images WHERE camera IS NOT NULL GROUP BY camera UNION ALL
		SELECT uploaded_at::date || ' accepted', count(*) FROM uploads GROUP BY uploaded_at::date UNION ALL
		SELECT uploaded_at::date || ' stored', count(*) FROM uploads WHERE status = 'stored' GROUP BY uploaded_at::date UNION ALL
		SELECT uploaded_at::date || ' duplicates', count(*) FROM uploads WHERE status = 'duplicate' GROUP BY uploaded_at::date UNION ALL
		SELECT uploaded_at::date || ' bytes', sum(bytes)::bigint FROM uploads GROUP BY uploaded_at::date UNION ALL
		SELECT 'link ' || link_id || ' files', count(*) FROM uploads GROUP BY link_id UNION ALL
		SELECT 'link ' || link_id || ' bytes', sum(bytes)::bigint FROM uploads GROUP BY link_id`)
	must(h.t, err)
	sum := counters{}
	var name string
	var n *int64
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		if n != nil {
			sum.add(name, *n)
		}
		return nil
	})
	must(h.t, err)
	return sum
}

func (h *house) checkCounters() {
	h.t.Helper()
	if events, rows := h.events(), h.recount(); !reflect.DeepEqual(events, rows) {
		h.t.Errorf("the events add up to %v\nthe rows to %v", events, rows)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.add("picture", row{"camera": "Canon EOS 40D"})
	h.duplicate(id, "b", noon.Add(24*time.Hour), 9)
	h.duplicate(id, "a", noon.Add(24*time.Hour-time.Second), 7)
	other := h.add("other", row{"format": "png", "camera": "Canon EOS 40D"})
	sum := []byte("0123456789abcdef0123456789abcdef")
	h.exec(`INSERT INTO aliases (sha256, image_id, match) VALUES ($1, $2, 'payload')`, sum, id)
	_, err := h.SetLabels(t.Context(), id, []string{"cat"})
	must(t, err)
	img, err := h.Get(t.Context(), id)
	must(t, err)
	b, err := h.Variant(t.Context(), img, 160)
	must(t, err)
	b.Close()

	must(t, h.Delete(t.Context(), id))
	h.checkCounters()
	if h.hasBlob("picture") || !h.hasBlob("other") {
		t.Error("the wrong blobs are left")
	}
	if ok, err := h.Blobs.Exists(t.Context(), blob.VariantKey(keyOf("picture"), 160)); ok || err != nil {
		t.Errorf("the variant is left: %v", err)
	}
	for _, table := range []string{"images", "uploads", "aliases", "labels"} {
		want := map[string]int64{"images": 1, "uploads": 1}[table]
		if n := h.count(`SELECT count(*) FROM ` + table); n != want {
			t.Errorf("%d rows in %s, want %d", n, table, want)
		}
	}
	if _, err := h.Get(t.Context(), other); err != nil {
		t.Errorf("the other image: %v", err)
	}
	if n := h.commits.Load(); n != 1 {
		t.Errorf("told of %d commits, want 1", n)
	}
	for _, gone := range []uuid.UUID{id, uuid.New()} {
		if err := h.Delete(t.Context(), gone); !errors.Is(err, gallery.ErrNotFound) {
			t.Errorf("Delete of what is not there: %v", err)
		}
	}
	if n := h.commits.Load(); n != 1 {
		t.Error("told of a commit that was none")
	}
}

// The same bytes can be an image in several scopes.
func TestDeleteKeepsSharedBlob(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.add("picture", row{"scope": "a"})
	second := h.add("picture", row{"scope": "b", "link": "b"})
	must(t, h.Delete(t.Context(), first))
	if !h.hasBlob("picture") {
		t.Fatal("the blob of the other image was removed")
	}
	must(t, h.Delete(t.Context(), second))
	if h.hasBlob("picture") {
		t.Error("the blob is left")
	}
	h.checkCounters()
}

// A deletion that cannot remove the blob says so, has happened all the same,
// and the sweep finishes it.
func TestDeleteWithoutBlobStore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.add("picture", nil)
	other := h.add("other", nil)
	path := h.pathOf(keyOf("picture"))
	obstruct(t, path)
	if err := h.Delete(t.Context(), id); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("err = %v, want ErrUnavailable", err)
	}
	if _, err := h.Get(t.Context(), id); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("the record: %v", err)
	}
	h.checkCounters()

	blobtest.Keep(t, h.Blobs, []byte("orphan"))
	n, err := h.SweepOrphans(t.Context(), time.Now().Add(time.Hour))
	if n != 1 || !errors.Is(err, blob.ErrUnavailable) || h.hasBlob("orphan") {
		t.Errorf("swept %d, %v; want the other orphan removed and the failure reported", n, err)
	}
	must(t, os.RemoveAll(path))
	must(t, os.WriteFile(path, []byte("picture"), 0o600))
	n, err = h.SweepOrphans(t.Context(), time.Now().Add(time.Hour))
	if n != 1 || err != nil || h.hasBlob("picture") {
		t.Errorf("swept %d, %v; want the blob", n, err)
	}
	if _, err := h.Get(t.Context(), other); err != nil || !h.hasBlob("other") {
		t.Error("the sweep took too much")
	}
}

// obstruct puts a folder that is not empty in a file's place: even root cannot
// unlink it.
func obstruct(t *testing.T, path string) {
	t.Helper()
	must(t, os.Remove(path))
	must(t, os.MkdirAll(path+"/full", 0o700))
}

func TestEraseLink(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var kept []uuid.UUID
	for i := range 450 {
		at := noon.Add(time.Duration(i/7) * time.Second) // several at one moment
		id := h.addRow(fmt.Sprint("picture ", i), row{"uploaded_at": at, "link": "a", "camera": fmt.Sprint("camera ", i%3)})
		switch {
		case i%10 == 0:
			h.duplicate(id, "b", at.Add(time.Hour), 5)
			h.duplicate(id, "a", at.Add(time.Hour), 5)
			kept = append(kept, id)
		case i%3 == 0:
			h.duplicate(id, "a", at.Add(48*time.Hour), 5)
		}
	}
	// Stored through another link, and only sent again through this one.
	foreign := h.addRow("foreign", row{"link": "b", "uploaded_at": noon.Add(-time.Hour)})
	h.duplicate(foreign, "a", noon, 7)
	kept = append(kept, foreign)
	h.exec(`INSERT INTO link_usage VALUES ('a', 500, 5000, now())`)
	blobtest.Keep(t, h.Blobs, []byte("picture 1"))
	blobtest.Keep(t, h.Blobs, []byte("picture 10"))

	n, err := h.EraseLink(t.Context(), "a")
	must(t, err)
	if n != 451-len(kept) {
		t.Errorf("erased %d, want %d", n, 451-len(kept))
	}
	h.checkCounters()
	for _, id := range kept {
		if _, err := h.Get(t.Context(), id); err != nil {
			t.Errorf("image %s came through another link as well: %v", id, err)
		}
	}
	if left := h.count(`SELECT count(*) FROM images`); left != int64(len(kept)) {
		t.Errorf("%d images left, want %d", left, len(kept))
	}
	if h.hasBlob("picture 1") || !h.hasBlob("picture 10") {
		t.Error("the wrong blobs are left")
	}
	if n := h.count(`SELECT files FROM link_usage`); n != 500 {
		t.Errorf("the link's usage became %d", n)
	}
	if n, err := h.EraseLink(t.Context(), "unknown"); n != 0 || err != nil {
		t.Errorf("unknown link: %d, %v", n, err)
	}
	if n, err := h.EraseLink(t.Context(), "a"); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}

func TestRemoveOrphan(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.add("picture", nil)
	img, err := h.Get(t.Context(), id)
	must(t, err)
	must(t, h.RemoveOrphan(t.Context(), img.SHA256))
	if !h.hasBlob("picture") {
		t.Fatal("the blob of an image was removed")
	}
	must(t, h.RemoveOrphan(t.Context(), [32]byte{1})) // nothing is there

	// An upload that is about to commit holds the content's lock.
	h.exec(`DELETE FROM images`)
	tx, err := h.Pool.Begin(t.Context())
	must(t, err)
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock_shared($1)`, lockKey(img.SHA256))
	must(t, err)
	done := make(chan error)
	go func() { done <- h.RemoveOrphan(t.Context(), img.SHA256) }()
	eventually(t, func() bool { return h.count(`SELECT count(*) FROM pg_locks WHERE NOT granted`) == 1 })
	if !h.hasBlob("picture") {
		t.Error("the blob was removed under an upload")
	}
	_, err = tx.Exec(t.Context(), `INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
		VALUES ($1, $2, 'jpeg', 1, 1, 7, now())`, id, img.SHA256[:])
	must(t, err)
	must(t, tx.Commit(t.Context()))
	must(t, <-done)
	if !h.hasBlob("picture") {
		t.Error("the upload's blob was removed")
	}
}

func TestSweepOrphans(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	old := time.Now().Add(-48 * time.Hour)
	aged := func(content string) {
		path := h.pathOf(keyOf(content))
		must(t, os.Chtimes(path, old, old))
	}
	for i := range 20 {
		h.add(fmt.Sprint("kept ", i), nil)
		aged(fmt.Sprint("kept ", i))
		blobtest.Keep(t, h.Blobs, fmt.Append(nil, "orphan ", i))
		aged(fmt.Sprint("orphan ", i))
		blobtest.Keep(t, h.Blobs, fmt.Append(nil, "young ", i))
	}
	n, err := h.SweepOrphans(t.Context(), time.Now().Add(-24*time.Hour))
	if n != 20 || err != nil {
		t.Errorf("swept %d, %v; want 20", n, err)
	}
	for i := range 20 {
		if !h.hasBlob(fmt.Sprint("kept ", i)) || h.hasBlob(fmt.Sprint("orphan ", i)) || !h.hasBlob(fmt.Sprint("young ", i)) {
			t.Errorf("the wrong blobs of round %d are left", i)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.SweepOrphans(ctx, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Uploads, deletions and sweeps without any grace period work on the same few
// contents at once. Whatever was committed and not deleted has its blob.
func TestDeletionsAgainstUploads(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	contents := []string{"one", "two", "three"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var uploaders, removers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		uploaders.Go(func() {
			for i := range 60 {
				if err := upload(ctx, h, contents[rand.IntN(len(contents))]); err != nil {
					t.Errorf("upload %d: %v", i, err)
					return
				}
			}
		})
	}
	remove := func(work func() error) {
		removers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := work(); err != nil && !errors.Is(err, gallery.ErrNotFound) {
					t.Error(err)
					return
				}
			}
		})
	}
	deleteOne := func() error {
		var id uuid.UUID
		err := h.Pool.QueryRow(ctx, `SELECT id FROM images ORDER BY random() LIMIT 1`).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return h.Delete(ctx, id)
	}
	remove(deleteOne)
	remove(deleteOne)
	remove(func() error { _, err := h.SweepOrphans(ctx, time.Now().Add(time.Hour)); return err })
	uploaders.Wait()
	close(done)
	removers.Wait()

	h.checkCounters()
	for _, content := range contents {
		sum := [32]byte{}
		copy(sum[:], sumOf(content))
		images := h.count(`SELECT count(*) FROM images WHERE sha256 = $1`, sum[:])
		if images == 1 && !h.hasBlob(content) {
			t.Errorf("%q was acknowledged, and its blob is lost", content)
		}
	}
	_, err := h.SweepOrphans(ctx, time.Now().Add(time.Hour))
	must(t, err)
	for _, content := range contents {
		if images := h.count(`SELECT count(*) FROM images WHERE sha256 = $1`, sumOf(content)); (images == 1) != h.hasBlob(content) {
			t.Errorf("%q: %d images, blob: %v", content, images, h.hasBlob(content))
		}
	}
}

// upload does what package upload does, as docs/adr/0002 says.
func upload(ctx context.Context, h *house, content string) error {
	st, err := h.Blobs.Stage(ctx)
	if err != nil {
		return err
	}
	defer st.Discard()
	if _, err := st.Write([]byte(content)); err != nil {
		return err
	}
	sum := st.Sum()
	for {
		var kept uuid.UUID
		err := h.Pool.QueryRow(ctx, `SELECT id FROM images WHERE sha256 = $1`, sum[:]).Scan(&kept)
		switch {
		case err == nil:
			err = h.commit(ctx, kept, "duplicate", content, nil)
		case errors.Is(err, pgx.ErrNoRows):
			if err := h.Blobs.Keep(ctx, st, blob.ContentKey(sum)); err != nil {
				return err
			}
			err = h.commit(ctx, uuid.Must(uuid.NewV7()), "stored", content, st)
		}
		if err == nil || !raced(err) {
			return err
		}
	}
}

func (h *house) commit(ctx context.Context, id uuid.UUID, status, content string, st *blob.Staged) error {
	now := time.Now().UTC()
	d := stats.Delta{
		Accepted: 1, Links: []stats.Link{linkDelta("a", int64(len(content)))},
		Days: []stats.Day{{Date: now.Format(time.DateOnly), Accepted: 1, Bytes: int64(len(content))}},
	}
	return pgx.BeginFunc(ctx, h.Pool, func(tx pgx.Tx) error {
		var batch pgx.Batch
		if st != nil {
			sum := st.Sum()
			d.Images, d.Bytes, d.Stored, d.Days[0].Stored = 1, int64(len(content)), 1, 1
			d.Formats = map[string]int64{"jpeg": 1}
			batch.Queue(`SELECT pg_advisory_xact_lock_shared($1)`, lockKey(sum))
			batch.Queue(`INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
				VALUES ($1, $2, 'jpeg', 1, 1, $3, $4)`, id, sum[:], len(content), now)
		} else {
			d.Duplicates, d.Days[0].Duplicates = 1, 1
		}
		batch.Queue(`INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client) VALUES ($1, $2, 'a', $3, $4, '')`,
			now, id, status, len(content))
		stats.Queue(&batch, d)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil || st == nil {
			return err
		}
		k := blob.ContentKey(st.Sum())
		if there, err := h.Blobs.Exists(ctx, k); err != nil || there {
			return err
		}
		return h.Blobs.Keep(ctx, st, k)
	})
}
