package vault_test

import (
	"errors"
	"testing"
	"time"

	"inlet/blob"
	"inlet/blob/blobtest"
)

// A process that was pointed at another database must not take every blob for
// an orphan.
func TestSweepLeavesAnotherInstallationsBlobs(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	blobtest.Keep(t, h.Blobs, []byte("an orphan"))
	must(t, h.Blobs.Claim(t.Context(), "another"))
	n, err := h.Sweep(t.Context(), time.Now().Add(time.Hour))
	if n != 0 || !errors.Is(err, blob.ErrOwner) {
		t.Errorf("removed %d, %v", n, err)
	}
	if !h.hasBlob("an orphan") {
		t.Error("the blob has gone")
	}
}
