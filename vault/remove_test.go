package vault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/vault"
)

func TestRemove(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	sum := h.add("picture")
	must(t, h.Remove(t.Context(), sum))
	if !h.hasBlob("picture") {
		t.Fatal("the blob of an image was removed")
	}
	must(t, h.Remove(t.Context(), [32]byte{1})) // nothing is there

	// An upload that is about to commit holds the content's lock.
	h.exec(`DELETE FROM images`)
	tx, err := h.Pool.Begin(t.Context())
	must(t, err)
	must(t, lock(t.Context(), tx, sum))
	done := make(chan error)
	go func() { done <- h.Remove(t.Context(), sum) }()
	eventually(t, func() bool { return h.count(`SELECT count(*) FROM pg_locks WHERE NOT granted`) == 1 })
	if !h.hasBlob("picture") {
		t.Error("the blob was removed under an upload")
	}
	_, err = tx.Exec(t.Context(), imageQuery, uuid.Must(uuid.NewV7()), sum[:])
	must(t, err)
	must(t, tx.Commit(t.Context()))
	must(t, <-done)
	if !h.hasBlob("picture") {
		t.Error("the upload's blob was removed")
	}
}

// lock takes a content's lock, as who stores a picture does.
func lock(ctx context.Context, tx pgx.Tx, sum [32]byte) error {
	var batch pgx.Batch
	vault.QueueLock(&batch, sum)

	return tx.SendBatch(ctx, &batch).Close()
}

// Uploads of one content do not wait for one another.
func TestLockIsShared(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for range 2 {
		tx, err := h.Pool.Begin(t.Context())
		must(t, err)
		defer tx.Rollback(context.Background())
		must(t, lock(t.Context(), tx, sumOf("picture")))
	}
}

// late is a store whose server loses the answers to deletions, and may carry them
// out when nobody waits for them any more.
type late struct {
	blobtest.Store
	lost  bool
	asked int
}

func (l *late) Lingers() bool { return true }

func (l *late) Delete(ctx context.Context, k blob.Key) error {
	if l.asked++; l.lost {
		return errors.Join(blob.ErrUnsettled, blob.ErrUnavailable)
	}

	return l.Store.Delete(ctx, k)
}

// While a store may still carry out a removal nobody commits to the bytes.
func TestLingeringRemoval(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	store := &late{Store: h.Blobs}
	h.Vault.Blobs = store
	begin := func(content string) error {
		return pgx.BeginFunc(t.Context(), h.Pool, func(tx pgx.Tx) error { return lock(t.Context(), tx, sumOf(content)) })
	}
	blobtest.Keep(t, h.Blobs, []byte("orphan"))

	// A removal of which the answer is lost stays open, for its content alone.
	store.lost = true
	if err := h.Remove(t.Context(), sumOf("orphan")); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("Remove: %v", err)
	}
	if n := h.count(`SELECT count(*) FROM removals`); n != 1 {
		t.Errorf("%d removals are open", n)
	}
	if err := begin("orphan"); !errors.Is(err, vault.ErrRemoving) {
		t.Errorf("with the removal open: %v", err)
	}
	must(t, begin("other"))

	// Another one that is answered does not settle it.
	store.lost = false
	must(t, h.Remove(t.Context(), sumOf("orphan")))
	if n := h.count(`SELECT count(*) FROM removals`); n != 1 || h.hasBlob("orphan") {
		t.Errorf("%d removals are open, blob: %v", n, h.hasBlob("orphan"))
	}
	if err := begin("orphan"); !errors.Is(err, vault.ErrRemoving) {
		t.Errorf("with one of two settled: %v", err)
	}

	// An hour later it counts no more, and a sweep forgets it.
	h.exec(`UPDATE removals SET counts_until = counts_until - interval '1 hour'`)
	must(t, begin("orphan"))
	if _, err := h.Sweep(t.Context(), time.Unix(0, 0)); err != nil {
		t.Errorf("Sweep: %v", err)
	}
	if n := h.count(`SELECT count(*) FROM removals`); n != 0 {
		t.Errorf("%d removals are remembered for ever", n)
	}

	// The store is not asked to remove what a picture has.
	asked := store.asked
	must(t, h.Remove(t.Context(), h.add("picture")))
	if store.asked != asked || h.count(`SELECT count(*) FROM removals`) != 0 {
		t.Error("a removal was begun of what a picture has")
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	old := time.Now().Add(-48 * time.Hour)
	aged := func(content string) {
		path := h.pathOf(keyOf(content))
		must(t, os.Chtimes(path, old, old))
	}
	for i := range 20 {
		h.add(fmt.Sprint("used ", i))
		aged(fmt.Sprint("used ", i))
		blobtest.Keep(t, h.Blobs, fmt.Append(nil, "orphan ", i))
		aged(fmt.Sprint("orphan ", i))
		blobtest.Keep(t, h.Blobs, fmt.Append(nil, "young ", i))
	}
	n, err := h.Sweep(t.Context(), time.Now().Add(-24*time.Hour))
	if n != 20 || err != nil {
		t.Errorf("swept %d, %v; want 20", n, err)
	}
	for i := range 20 {
		if !h.hasBlob(fmt.Sprint("used ", i)) || h.hasBlob(fmt.Sprint("orphan ", i)) || !h.hasBlob(fmt.Sprint("young ", i)) {
			t.Errorf("the wrong blobs of round %d are left", i)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Sweep(ctx, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
