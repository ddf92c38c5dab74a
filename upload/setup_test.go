package upload_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/catalog"
	"inlet/db/dbtest"
	"inlet/imaging"
	"inlet/link"
	"inlet/upload"
	"inlet/vault"
)

// fixture is a service on a database and a folder of its own.
type fixture struct {
	*upload.Service
	pool  *pgxpool.Pool
	blobs blobtest.Store
	root  string // of the blobs, where they are files
}

func setUp(t testing.TB, change ...func(*options)) *fixture {
	t.Helper()
	root := t.TempDir()
	blobs, err := blob.Open((&url.URL{Scheme: "file", Path: root}).String())
	if err != nil {
		t.Fatal(err)
	}
	f := setUpOn(t, blobs, change...)
	f.root = root
	return f
}

func setUpOn(t testing.TB, blobs blobtest.Store, change ...func(*options)) *fixture {
	t.Helper()
	o := options{
		Options: upload.Options{
			Pool:      dbtest.Pool(t),
			Inspector: imaging.NewInspector(1e6, 64<<20),
			ClientKey: []byte("key of the tests"), MaxFileBytes: 1 << 20,
		},
		Blobs: blobs,
	}
	pool := o.Pool
	for _, c := range change {
		c(&o)
	}

	o.Gate = &link.Gate{Revocations: link.NewRevocations(o.Pool, nil, nil), Store: link.NewStore(o.Pool, nil), Now: time.Now}
	o.Catalog = catalogOn(o.Pool, o.Blobs)
	o.Vault = o.Catalog.Vault

	return &fixture{Service: upload.New(o.Options), pool: pool, blobs: blobs}
}

// options of a service under test, and the store below its vault.
type options struct {
	upload.Options
	Blobs vault.Blobs
}

func catalogOn(pool *pgxpool.Pool, blobs vault.Blobs) *catalog.Service {
	contents := vault.New(vault.Options{
		Pool: pool, Blobs: blobs, References: catalog.References{}, Thumbnailer: imaging.NewInspector(1e6, 64<<20),
	})

	return catalog.New(catalog.Options{Pool: pool, Vault: contents})
}

// catalog is one of another process, on a store.
func (f *fixture) catalog(store vault.Blobs) *catalog.Service { return catalogOn(f.pool, store) }

// send uploads bytes through an unlimited link.
func (f *fixture) send(t testing.TB, name string, data []byte) upload.Result {
	t.Helper()
	return f.Accept(t.Context(), sender(link.Grant{ID: "link"}), name, bytes.NewReader(data))
}

func sender(g link.Grant) upload.Sender {
	if g.ExpiresAt.IsZero() {
		g.ExpiresAt = time.Now().Add(time.Hour)
	}
	return upload.Sender{Grant: g, Client: netip.MustParseAddr("192.0.2.1")}
}

// count runs a query that gives one number.
func (f *fixture) count(t testing.TB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := f.pool.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (f *fixture) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := f.pool.Exec(context.Background(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// outboxSum adds up one number of all events.
func (f *fixture) outboxSum(t testing.TB, field string) int {
	t.Helper()
	return f.count(t, `SELECT coalesce(sum((event->>$1)::bigint), 0) FROM outbox`, field)
}

// files lists what is under a folder of the blob store.
func (f *fixture) files(t testing.TB, folder string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(f.root, folder), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// clean checks that nothing is left in staging, and that blobs and rows agree.
func (f *fixture) clean(t testing.TB) {
	t.Helper()
	if n, err := f.blobs.SweepStaging(t.Context(), time.Now().Add(time.Hour)); n > 0 || err != nil {
		t.Errorf("left in staging: %d files, %v", n, err)
	}
	var blobs []string
	for _, k := range blobtest.Contents(t, f.blobs) {
		blobs = append(blobs, string(k))
	}
	rows, err := f.pool.Query(context.Background(), `SELECT DISTINCT encode(sha256, 'hex') FROM images ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(blobs, "\n"), strings.Join(sums, "\n"); got != want {
		t.Errorf("blobs:\n%s\nrows:\n%s", got, want)
	}
}

// picture is a small picture of its own for each seed.
func picture(seed int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 24, 16))
	for i := range img.Pix {
		img.Pix[i] = byte(seed>>(8*(i%3)) ^ i*7)
	}
	img.Set(0, 0, color.RGBA{byte(seed), byte(seed >> 8), byte(seed >> 16), 255})
	return img
}

func pngOf(seed int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, picture(seed)); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func jpegOf(seed int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture(seed), &jpeg.Options{Quality: 95}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// withComment adds a text chunk to a PNG, which changes its bytes only.
func withComment(data []byte, text string) []byte {
	body := append([]byte("tEXtComment\x00"), text...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	const header = 8 + 25 // signature and IHDR
	return append(append(append([]byte{}, data[:header]...), chunk...), data[header:]...)
}

// withExif puts an EXIF block with these ASCII tags of IFD0 into a JPEG.
func withExif(data []byte, tags map[uint16]string) []byte {
	order := binary.LittleEndian
	tiff := []byte{'I', 'I', 42, 0, 8, 0, 0, 0}
	tiff = order.AppendUint16(tiff, uint16(len(tags)))
	values := len(tiff) + 12*len(tags) + 4
	var tail []byte
	for _, tag := range sorted(tags) {
		value := tags[tag] + "\x00"
		if len(value) <= 4 {
			panic("the value must not fit into the entry")
		}
		tiff = order.AppendUint16(tiff, tag)
		tiff = order.AppendUint16(tiff, 2)
		tiff = order.AppendUint32(tiff, uint32(len(value)))
		tiff = order.AppendUint32(tiff, uint32(values+len(tail)))
		tail = append(tail, value...)
	}
	tiff = append(order.AppendUint32(tiff, 0), tail...)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, data[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(segment)+2))
	return append(append(out, segment...), data[2:]...)
}

func sorted(tags map[uint16]string) (keys []uint16) {
	for tag := range 1 << 16 {
		if _, ok := tags[uint16(tag)]; ok {
			keys = append(keys, uint16(tag))
		}
	}
	return keys
}
