package vault_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/catalog"
	"inlet/db/dbtest"
	"inlet/imaging"
	"inlet/vault"
)

// harness is a Vault with its stores.
type harness struct {
	*vault.Vault
	Blobs  blobtest.Store
	t      testing.TB
	root   string // of the blobs, where they are files
	thumbs *thumbnailer
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	root := t.TempDir()
	blobs, err := blob.Open((&url.URL{Scheme: "file", Path: root}).String())
	must(t, err)
	h := newHarnessOn(t, blobs)
	h.root = root

	return h
}

func newHarnessOn(t testing.TB, blobs blobtest.Store) *harness {
	t.Helper()
	h := &harness{Blobs: blobs, t: t, thumbs: &thumbnailer{}}
	h.Vault = vault.New(vault.Options{
		Pool: dbtest.Pool(t), Blobs: blobs, References: catalog.References{}, Thumbnailer: h.thumbs,
	})

	return h
}

// thumbnailer counts, and may be told what to do.
type thumbnailer struct {
	calls atomic.Int64
	make  func() ([]byte, error)
}

func (th *thumbnailer) Thumbnail(_ context.Context, r io.ReaderAt, size int64, f imaging.Format, width int) ([]byte, error) {
	th.calls.Add(1)
	if th.make != nil {
		return th.make()
	}
	content, err := io.ReadAll(io.NewSectionReader(r, 0, size))

	return fmt.Appendf(nil, "%s of %x at %d", f, sha256.Sum256(content), width), err
}

// must ends the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// add keeps a content and stores a picture that has it.
func (h *harness) add(content string) (sum [32]byte) {
	h.t.Helper()
	blobtest.Keep(h.t, h.Blobs, []byte(content))
	sum = sumOf(content)
	h.exec(imageQuery, uuid.Must(uuid.NewV7()), sum[:])

	return sum
}

const imageQuery = `
	INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
	VALUES ($1, $2, 'jpeg', 1, 1, 7, now())`

func (h *harness) exec(sql string, args ...any) {
	h.t.Helper()
	_, err := h.Pool.Exec(context.Background(), sql, args...)
	must(h.t, err)
}

func (h *harness) count(sql string, args ...any) (n int64) {
	h.t.Helper()
	must(h.t, h.Pool.QueryRow(context.Background(), sql, args...).Scan(&n))

	return n
}

// hasBlob tells whether the store has the content.
func (h *harness) hasBlob(content string) bool {
	h.t.Helper()
	ok, err := h.Blobs.Exists(context.Background(), keyOf(content))
	must(h.t, err)

	return ok
}

func sumOf(content string) [32]byte { return sha256.Sum256([]byte(content)) }

func keyOf(content string) blob.Key { return blob.ContentKey(sumOf(content)) }

// pathOf is where a key's file is.
func (h *harness) pathOf(k blob.Key) string {
	return filepath.Join(h.root, "blobs", string(k[:2]), string(k))
}

// eventually waits until something is so.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
		time.Sleep(time.Millisecond)
	}
}
