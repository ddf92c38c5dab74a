package catalog_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/catalog"
	"inlet/db/dbtest"
	"inlet/imaging"
	"inlet/link"
	"inlet/stats"
	"inlet/vault"
)

// noon is when tests' images arrive unless they say otherwise.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// harness is a Service with its stores.
type harness struct {
	*catalog.Service
	Blobs   blobtest.Store
	t       testing.TB
	root    string // of the blobs, where they are files
	thumbs  *thumbnailer
	commits atomic.Int64
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
	pool := dbtest.Pool(t)
	v := vault.New(vault.Options{Pool: pool, Blobs: blobs, References: catalog.References{}, Thumbnailer: h.thumbs})
	h.Service = catalog.New(catalog.Options{
		Pool: pool, Vault: v, Committed: func() { h.commits.Add(1) },
		Now: func() time.Time { return noon.Add(24 * time.Hour) },
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

// row holds columns of images that differ from those of a plain picture.
type row map[string]any

// add inserts an image with one upload through the link "a", and its blob.
func (h *harness) add(content string, columns row) uuid.UUID {
	h.t.Helper()
	blobtest.Keep(h.t, h.Blobs, []byte(content))
	return h.addRow(content, columns)
}

// addRow is add without the blob.
func (h *harness) addRow(content string, columns row) uuid.UUID {
	h.t.Helper()
	id := uuid.Must(uuid.NewV7())
	sum := sha256.Sum256([]byte(content))
	all := row{
		"id": id, "sha256": sum[:], "format": "jpeg", "width": 40, "height": 30, "bytes": len(content), "uploaded_at": noon,
	}
	maps.Copy(all, columns)
	through, _ := all["link"].(string)
	delete(all, "link")
	if through == "" {
		through = "a"
	}
	names, marks, args := "", "", []any{}
	for name, value := range all {
		args = append(args, value)
		names += ", " + name
		marks += fmt.Sprintf(", $%d", len(args))
	}
	h.exec("INSERT INTO images ("+names[2:]+") VALUES ("+marks[2:]+")", args...)
	id = all["id"].(uuid.UUID)
	camera, _ := all["camera"].(string)
	d := stats.Delta{Images: 1, Bytes: int64(len(content)), Formats: map[string]int64{all["format"].(string): 1}}
	if camera != "" {
		d.Cameras = map[string]int64{camera: 1}
	}
	recent := stats.Recent{At: all["uploaded_at"].(time.Time), Formats: d.Formats, Flags: map[string]int64{}}
	flags, _ := all["flags"].([]string)
	for _, flag := range flags {
		recent.Flags[flag]++
	}
	d.Recent = []stats.Recent{recent}
	h.upload(id, through, "stored", all["uploaded_at"].(time.Time), int64(len(content)), d)
	return id
}

// duplicate adds one more upload of an image.
func (h *harness) duplicate(id uuid.UUID, through string, at time.Time, size int64) {
	h.t.Helper()
	h.upload(id, through, "duplicate", at, size, stats.Delta{})
}

// upload writes an upload row and its event, as package upload does.
func (h *harness) upload(id uuid.UUID, through, status string, at time.Time, size int64, d stats.Delta) {
	h.t.Helper()
	d.Accepted = 1
	day := stats.Day{Date: at.UTC().Format(time.DateOnly), Accepted: 1, Bytes: size}
	if status == "stored" {
		d.Stored, day.Stored = 1, 1
	} else {
		d.Duplicates, day.Duplicates = 1, 1
	}
	d.Days = []stats.Day{day}
	d.Recent = append(d.Recent, stats.Recent{At: at, Link: link.ID(through), Accepted: 1, Stored: d.Stored, Duplicates: d.Duplicates})
	d.Links = append(d.Links, linkDelta(through, size))
	var batch pgx.Batch
	batch.Queue(`INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client) VALUES ($1, $2, $3, $4, $5, '')`,
		at, id, through, status, size)
	stats.Queue(&batch, d)
	must(h.t, h.Pool.SendBatch(context.Background(), &batch).Close())
}

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

func keyOf(content string) blob.Key { return blob.ContentKey(sha256.Sum256([]byte(content))) }

// pathOf is where a key's file is.
func (h *harness) pathOf(k blob.Key) string {
	return filepath.Join(h.root, "blobs", string(k[:2]), string(k))
}
