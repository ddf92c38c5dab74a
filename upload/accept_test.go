package upload_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlet/catalog"
	"inlet/imaging"
	"inlet/link"
	"inlet/problem"
	"inlet/upload"
)

const (
	tagMake  = 0x010f
	tagModel = 0x0110
)

func TestStoredThenDuplicate(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	data := jpegOf(1)
	sum := sha256.Sum256(data)

	first := f.send(t, "a.jpg", data)
	if first.Err != nil {
		t.Fatal(first.Err)
	}
	want := upload.Result{
		Filename: "a.jpg", Status: upload.Stored, ID: first.ID,
		SHA256: sum, Format: "jpeg", Width: 24, Height: 16, Bytes: int64(len(data)),
	}
	if !reflect.DeepEqual(first, want) {
		t.Errorf("got %+v, want %+v", first, want)
	}
	second := f.send(t, "b.jpg", data)
	want.Filename, want.Status, want.Match = "b.jpg", upload.Duplicate, catalog.MatchExact
	if !reflect.DeepEqual(second, want) {
		t.Errorf("got %+v, want %+v", second, want)
	}
	if n := f.count(t, `SELECT count(*) FROM uploads WHERE image_id = $1`, first.ID); n != 2 {
		t.Errorf("%d upload rows, want 2", n)
	}
	for field, want := range map[string]int{"accepted": 2, "stored": 1, "duplicates": 1, "images": 1, "bytes": len(data)} {
		if got := f.outboxSum(t, field); got != want {
			t.Errorf("events: %s is %d, want %d", field, got, want)
		}
	}
	f.clean(t)
}

// counting counts how often files are looked into.
type counting struct {
	upload.Inspector
	n atomic.Int64
}

func (c *counting) Inspect(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format) (imaging.Info, error) {
	c.n.Add(1)
	return c.Inspector.Inspect(ctx, r, size, f)
}

func TestPayloadDuplicates(t *testing.T) {
	t.Parallel()
	plainJPEG, plainPNG := jpegOf(2), pngOf(3)
	canon := withExif(plainJPEG, map[uint16]string{tagMake: "Canon", tagModel: "Canon EOS 40D"})
	cases := []struct {
		name         string
		first, again []byte
		camera       string // of the kept picture in the end
	}{
		{"metadata stripped", canon, plainJPEG, "Canon EOS 40D"},
		{"metadata added later", plainJPEG, canon, "Canon EOS 40D"},
		{"other camera does not replace", canon, withExif(plainJPEG, map[uint16]string{tagMake: "Apple", tagModel: "iPhone 6"}), "Canon EOS 40D"},
		{"png with a comment", plainPNG, withComment(plainPNG, "hello"), ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inspector := &counting{}
			f := setUp(t, func(o *options) { inspector.Inspector, o.Inspector = o.Inspector, inspector })
			first := f.send(t, "first", c.first)
			again := f.send(t, "again", c.again)
			if again.Status != upload.Duplicate || again.Match != catalog.MatchPayload || again.ID != first.ID {
				t.Fatalf("got %+v after %+v", again, first)
			}
			if again.Bytes != int64(len(c.first)) || again.SHA256 != first.SHA256 {
				t.Errorf("the entry must describe the stored picture: %+v", again)
			}
			var camera string
			if err := f.pool.QueryRow(t.Context(), `SELECT coalesce(camera, '') FROM images`).Scan(&camera); err != nil || camera != c.camera {
				t.Errorf("camera %q, %v; want %q", camera, err, c.camera)
			}
			if n := f.count(t, `SELECT coalesce(sum(value::bigint), 0) FROM outbox, jsonb_each_text(event->'cameras')`); (n == 1) != (c.camera != "") {
				t.Errorf("the camera was counted %d times", n)
			}
			// The copy's bytes are known from now on.
			if third := f.send(t, "third", c.again); third.Match != catalog.MatchPayload || third.ID != first.ID {
				t.Errorf("got %+v", third)
			}
			if n := inspector.n.Load(); n != 2 {
				t.Errorf("looked into %d files, want 2", n)
			}
			f.clean(t)
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	ok := pngOf(4)
	huge := append([]byte{}, ok...)
	copy(huge[16:24], []byte{0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50}) // 50,000 × 50,000
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	cases := []struct {
		name string
		body io.Reader
		want error
	}{
		{"empty", strings.NewReader(""), imaging.ErrUndecodable},
		{"text", strings.NewReader("not a picture"), imaging.ErrUnsupported},
		{"svg", strings.NewReader(`<svg xmlns="http://www.w3.org/2000/svg"/>`), imaging.ErrUnsupported},
		{"truncated png", bytes.NewReader(ok[:len(ok)-20]), imaging.ErrUndecodable},
		{"truncated jpeg", bytes.NewReader(jpegOf(5)[:400]), imaging.ErrUndecodable},
		{"signature alone", bytes.NewReader(ok[:8]), imaging.ErrUndecodable},
		{"bomb header", bytes.NewReader(huge), imaging.ErrTooManyPixels},
		{"one byte too large", io.MultiReader(bytes.NewReader(ok), io.LimitReader(zeros{}, 1<<20+1-int64(len(ok)))), upload.ErrTooLarge},
		{"endless", io.MultiReader(bytes.NewReader(ok), zeros{}), upload.ErrTooLarge},
		{"sender breaks off at once", iotest.ErrReader(io.ErrUnexpectedEOF), upload.ErrIntake},
		{"sender breaks off", io.MultiReader(bytes.NewReader(jpegOf(6)), iotest.ErrReader(errors.New("reset"))), upload.ErrIntake},
	}
	f := setUp(t)
	for _, c := range cases {
		r := f.Accept(t.Context(), sender(link.Grant{ID: "link"}), c.name, c.body)
		if r.Status != upload.Rejected || !errors.Is(r.Err, c.want) {
			t.Errorf("%s: got %s, %v; want %v", c.name, r.Status, r.Err, c.want)
		}
	}
	f.clean(t)
	if n := f.count(t, `SELECT (SELECT count(*) FROM images) + (SELECT count(*) FROM uploads) + (SELECT count(*) FROM outbox)`); n != 0 {
		t.Errorf("%d rows of refused files", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestLargestFile(t *testing.T) {
	t.Parallel()
	data := pngOf(7)
	f := setUp(t, func(o *options) { o.MaxFileBytes = int64(len(data)) })
	if r := f.send(t, "a.png", data); r.Status != upload.Stored {
		t.Errorf("a file of just the limit: %+v", r)
	}
}

func TestCountRefused(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	results := []upload.Result{
		{Status: upload.Stored},
		{Status: upload.Rejected, Err: upload.ErrTooLarge},
		{Status: upload.Rejected, Err: problem.New(problem.TooManyFiles, "too many files")},
		{Status: upload.Rejected, Err: problem.New(problem.TooManyFiles, "too many files")},
		{Status: upload.Rejected, Err: imaging.ErrUndecodable},
		{Status: upload.Rejected, Err: problem.ErrUnavailable}, // may be sent again: no refusal
		{Status: upload.Rejected, Err: upload.ErrIntake},
	}
	if err := f.Refused(t.Context(), results); err != nil {
		t.Fatal(err)
	}
	if err := f.Refused(t.Context(), results[:1]); err != nil {
		t.Fatal(err)
	}
	if n := f.outboxSum(t, "rejected"); n != 4 {
		t.Errorf("%d counted, want 4", n)
	}
	if n := f.count(t, `SELECT files FROM rejections WHERE code = 'too-many-files'`); n != 2 {
		t.Errorf("%d too many, want 2", n)
	}
	if n := f.count(t, `SELECT count(*) FROM outbox`); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestScopeOfALink(t *testing.T) {
	t.Parallel()
	f := setUp(t, func(o *options) { o.ScopeByLink = true })
	data := pngOf(8)
	a, b := sender(link.Grant{ID: "a"}), sender(link.Grant{ID: "b"})
	first := f.Accept(t.Context(), a, "x", bytes.NewReader(data))
	other := f.Accept(t.Context(), b, "x", bytes.NewReader(data))
	again := f.Accept(t.Context(), b, "x", bytes.NewReader(data))
	if first.Status != upload.Stored || other.Status != upload.Stored || first.ID == other.ID {
		t.Errorf("links are not apart: %+v, %+v", first, other)
	}
	if again.Status != upload.Duplicate || again.ID != other.ID {
		t.Errorf("got %+v", again)
	}
	if n := len(f.files(t, "blobs")); n != 1 {
		t.Errorf("%d blobs, want 1: the bytes are the same", n)
	}
	sum := sha256.Sum256(data)
	for id, want := range map[link.ID]int{"a": 1, "b": 1, "c": 0} {
		known, err := f.Known(t.Context(), sender(link.Grant{ID: id}), [][]byte{sum[:]})
		if err != nil || len(known) != want {
			t.Errorf("link %s knows %v, %v", id, known, err)
		}
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	stored, copied, absent := pngOf(9), withComment(pngOf(9), "copy"), pngOf(10)
	first := f.send(t, "a", stored)
	f.send(t, "b", copied)
	var sums [][]byte
	for _, data := range [][]byte{stored, copied, absent} {
		sum := sha256.Sum256(data)
		sums = append(sums, sum[:])
	}
	known, err := f.Known(t.Context(), sender(link.Grant{ID: "link"}), sums)
	if err != nil || len(known) != 2 {
		t.Errorf("got %v, %v", known, err)
	}
	for i, sum := range sums {
		id, is := known[hex.EncodeToString(sum)]
		if want := i < 2; is != want || want && id != first.ID {
			t.Errorf("sum %d is known: %v, as %v", i, is, id)
		}
	}
}

// While bytes arrive nothing that others need is held.
func TestHoldsNothingWhileBytesArrive(t *testing.T) {
	t.Parallel()
	f := setUp(t, func(o *options) { o.Slots = 1 })
	body := &watched{r: bytes.NewReader(pngOf(11))}
	body.watch = func() {
		if n := f.pool.Stat().AcquiredConns(); n != 0 {
			t.Errorf("%d database connections are held", n)
		}
		if r := f.send(t, "other", pngOf(12)); r.Err != nil {
			t.Errorf("another sender is held up: %v", r.Err)
		}
	}
	if r := f.Accept(t.Context(), sender(link.Grant{ID: "slow"}), "slow", body); r.Status != upload.Stored {
		t.Errorf("got %+v", r)
	}
}

// A thousand senders whose bytes do not come on, through a link with limits,
// hold no connection and no place; a fast one passes.
func TestSlowSendersHoldNothing(t *testing.T) {
	t.Parallel()
	const senders = 1000
	registry := prometheus.NewRegistry()
	f := setUp(t, func(o *options) { o.Slots, o.StoreWait, o.Registerer = 1, time.Minute, registry })
	var stalled, ended sync.WaitGroup
	stalled.Add(senders)
	goOn := make(chan struct{})
	data := pngOf(0)
	entering := make(chan struct{}, 16) // a thousand goroutines at once keep the pool from connecting
	for range senders {
		entering <- struct{}{}
		ended.Go(func() {
			arrived := sync.OnceFunc(func() {
				<-entering
				stalled.Done()
			})
			defer arrived() // it never came so far
			body := io.MultiReader(bytes.NewReader(data[:len(data)/2]), readerFunc(func([]byte) (int, error) {
				arrived()
				<-goOn
				return 0, io.ErrUnexpectedEOF
			}))
			from := sender(link.Grant{ID: "slow", MaxFiles: 2 * senders})
			if r := f.Accept(t.Context(), from, "slow", body); !errors.Is(r.Err, upload.ErrIntake) {
				t.Errorf("a slow sender: %v", r.Err)
			}
		})
	}
	stalled.Wait()
	if n := f.pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d database connections are held", n)
	}
	for _, name := range []string{"inlet_upload_processing", "inlet_upload_queued"} {
		if n := gaugeOf(t, registry, name); n != 0 {
			t.Errorf("%s is %v", name, n)
		}
	}
	if r := f.send(t, "fast", pngOf(senders)); r.Status != upload.Stored {
		t.Errorf("a fast sender: %+v", r)
	}
	close(goOn)
	ended.Wait()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func gaugeOf(t *testing.T, from prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// watched calls back at its end.
type watched struct {
	r     io.Reader
	watch func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p[:min(len(p), 16)])
	if err == io.EOF && w.watch != nil {
		w.watch()
		w.watch = nil
	}
	return n, err
}
