package catalog_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/blob"
	"inlet/blob/s3/s3test"
	"inlet/catalog"
	"inlet/stats"
	"inlet/vault"
)

// Uploads, deletions and sweeps without any grace period work on the same few
// contents at once. Whatever was committed and not deleted has its blob.
func TestDeletionsAgainstUploads(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) *harness{
		"files": func(t *testing.T) *harness { return newHarness(t) },
		"s3": func(t *testing.T) *harness {
			server := s3test.Start(t)
			return newHarnessOn(t, server.Open(server.Bucket()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deletionsAgainstUploads(t, open(t))
		})
	}
}

func deletionsAgainstUploads(t *testing.T, h *harness) {
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
				if err := work(); err != nil && !errors.Is(err, catalog.ErrNotFound) {
					t.Error(err)
					return
				}
			}
		})
	}
	remove(func() error { return deleteAny(ctx, h) })
	remove(func() error { return deleteAny(ctx, h) })
	remove(func() error { _, err := h.Vault.Sweep(ctx, time.Now().Add(time.Hour)); return err })
	uploaders.Wait()
	close(done)
	removers.Wait()

	h.checkCounters()
	if n := h.count(`SELECT count(*) FROM removals`); n != 0 {
		t.Errorf("%d removals are not settled", n)
	}
	for _, content := range contents {
		images := h.count(`SELECT count(*) FROM images WHERE sha256 = $1`, sumOf(content))
		if images == 1 && !h.hasBlob(content) {
			t.Errorf("%q was acknowledged, and its blob is lost", content)
		}
	}
	_, err := h.Vault.Sweep(ctx, time.Now().Add(time.Hour))
	must(t, err)
	for _, content := range contents {
		if images := h.count(`SELECT count(*) FROM images WHERE sha256 = $1`, sumOf(content)); (images == 1) != h.hasBlob(content) {
			t.Errorf("%q: %d images, blob: %v", content, images, h.hasBlob(content))
		}
	}
}

// deleteAny deletes one of the images that are there.
func deleteAny(ctx context.Context, h *harness) error {
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

// upload does what package upload does, as docs/adr/0002 says.
func upload(ctx context.Context, h *harness, content string) error {
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
		var stored uuid.UUID
		err := h.Pool.QueryRow(ctx, `SELECT id FROM images WHERE sha256 = $1`, sum[:]).Scan(&stored)
		switch {
		case err == nil:
			err = h.commit(ctx, stored, "duplicate", content, nil)
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

func (h *harness) commit(ctx context.Context, id uuid.UUID, status, content string, st *blob.Staged) error {
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
			vault.QueueLock(&batch, sum)
			batch.Queue(`INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
				VALUES ($1, $2, 'jpeg', 1, 1, $3, $4)`, id, sum[:], len(content), now)
		} else {
			d.Duplicates, d.Days[0].Duplicates = 1, 1
		}
		d.Recent = []stats.Recent{{At: now, Link: "a", Accepted: 1, Stored: d.Stored, Duplicates: d.Duplicates, Formats: d.Formats}}
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
