package resume

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"

	"inlet/blob/blobtest"
	"inlet/blob/s3/s3test"
)

// fixture is a kind of Store, and what a test has to know of it.
type fixture struct {
	open func() Store // as another process does
	age  func(id string, by time.Duration)
	half func(id string) // leaves what nothing is known of, as who died or came late
	left func() []string // the names of all that is kept
}

// onEach runs a test on every kind of Store.
func onEach(t *testing.T, test func(*testing.T, fixture)) {
	t.Helper()
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		test(t, onFiles(t))
	})
	t.Run("bucket", func(t *testing.T) {
		t.Parallel()
		test(t, inBucket(t))
	})
}

func onFiles(t *testing.T) fixture {
	root := t.TempDir()
	open := func() Store {
		f, err := OpenFiles("file://" + root)
		must(t, err)
		return f
	}
	left := func() (names []string) {
		paths, err := filepath.Glob(filepath.Join(root, "tus", "*"))
		must(t, err)
		return paths
	}
	half := func(id string) { must(t, os.WriteFile(filepath.Join(root, "tus", id), nil, 0o600)) }
	age := func(id string, by time.Duration) {
		past := time.Now().Add(-by)
		for _, path := range left() {
			if strings.TrimSuffix(filepath.Base(path), ".info") == id {
				must(t, os.Chtimes(path, past, past))
			}
		}
	}
	return fixture{open, age, half, left}
}

func inBucket(t *testing.T) fixture {
	server := s3test.Start(t)
	bucket := server.Bucket()
	open := func() *Bucket { return OpenBucket(server.Open(bucket)) }
	return fixture{
		open: func() Store { return open() },
		age:  func(id string, by time.Duration) { server.Age("tus/"+id, by) },
		half: func(id string) {
			u := pieces{Bucket: open(), info: handler.FileInfo{ID: id}}
			_, err := u.WriteChunk(t.Context(), 0, strings.NewReader("123"))
			must(t, err)
		},
		left: server.Objects,
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begun begins an upload.
func (f fixture) begun(t *testing.T, id string, size int) handler.Upload {
	t.Helper()
	u, err := f.open().NewUpload(t.Context(), handler.FileInfo{ID: id, Size: int64(size), MetaData: handler.MetaData{"filename": "ä.png"}})
	must(t, err)
	return u
}

// found is an upload as another process sees it.
func (f fixture) found(t *testing.T, id string) handler.Upload {
	t.Helper()
	u, err := f.open().GetUpload(t.Context(), id)
	must(t, err)
	return u
}

// wantHas checks what an upload has, as it says itself and as others see it.
func (f fixture) wantHas(t *testing.T, u handler.Upload, id string, data []byte) {
	t.Helper()
	for _, u := range []handler.Upload{u, f.found(t, id)} {
		info, err := u.GetInfo(t.Context())
		if err != nil || info.Offset != int64(len(data)) || info.MetaData["filename"] != "ä.png" {
			t.Errorf("it is %+v, %v; want %d bytes", info, err, len(data))
		}
		r, err := u.GetReader(t.Context())
		must(t, err)
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes came back of %d, altered, %v", len(got), len(data), err)
		}
		must(t, r.Close())
	}
}

// Every size of piece is kept whole, and what came of one that broke off.
func TestPieces(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f fixture) {
		data := blobtest.Random(21 << 20)
		u := f.begun(t, "A", len(data))
		f.wantHas(t, u, "A", nil)
		at := 0
		for _, test := range []struct {
			size   int
			broken bool
		}{
			{0, false},
			{1, false},
			{joinedSize, false},
			{1000, true},
			{0, true},
			{pieceSize, false},
			{pieceSize + 100, true},
			{3 << 20, false},
		} {
			var body io.Reader = bytes.NewReader(data[at : at+test.size])
			if test.broken {
				body = io.MultiReader(body, iotest.ErrReader(io.ErrUnexpectedEOF))
			}
			n, err := u.WriteChunk(t.Context(), int64(at), iotest.HalfReader(body))
			if n != int64(test.size) || test.broken != errors.Is(err, io.ErrUnexpectedEOF) || !test.broken && err != nil {
				t.Errorf("a piece of %d bytes, broken: %t: %d, %v", test.size, test.broken, n, err)
			}
			at += test.size
			f.wantHas(t, u, "A", data[:at])
			u = f.found(t, "A")
		}
		must(t, u.FinishUpload(t.Context()))
		f.wantHas(t, u, "A", data[:at])
	})
}

// A client that sends little at a time fills the store with no more objects than
// others do.
func TestSmallPieces(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f fixture) {
		data := blobtest.Random(4 << 20)
		u, store := f.begun(t, "A", len(data)), f.open()
		at := 0
		for i := range 300 {
			size := []int{1, 1, 7, 100, 65_536}[i%5]
			n, err := u.WriteChunk(t.Context(), int64(at), bytes.NewReader(data[at:at+size]))
			must(t, err)
			at += int(n)
			if i%10 == 0 {
				u, err = store.GetUpload(t.Context(), "A")
				must(t, err)
			}
			if left := f.left(); len(left) > 30 {
				t.Fatalf("after %d pieces there are %d objects: %v", i+1, len(left), left)
			}
		}
		f.wantHas(t, u, "A", data[:at])
	})
}

// A writer that was overtaken, as after a long pause of its process, alters
// nothing and leaves no gap.
func TestOvertakenWriter(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f fixture) {
		data := blobtest.Random(10_000)
		u := f.begun(t, "A", len(data))
		slow, feed := io.Pipe()
		ended := make(chan error)
		go func() {
			_, err := u.WriteChunk(t.Context(), 0, slow)
			ended <- err
		}()
		_, err := feed.Write(data[:100])
		must(t, err)
		again := f.found(t, "A")
		for _, end := range []int{5000, 7000} {
			info, err := again.GetInfo(t.Context())
			must(t, err)
			_, err = again.WriteChunk(t.Context(), info.Offset, bytes.NewReader(data[info.Offset:end]))
			must(t, err)
		}
		_, err = feed.Write(data[100:3000])
		must(t, err)
		feed.CloseWithError(io.ErrUnexpectedEOF)
		if err := <-ended; err == nil {
			t.Error("a body that broke off was taken for a whole one")
		}
		f.wantHas(t, again, "A", data[:7000])

		last := f.found(t, "A")
		_, err = last.WriteChunk(t.Context(), 7000, bytes.NewReader(data[7000:]))
		must(t, err)
		f.wantHas(t, last, "A", data)
	})
}

// However many write that no longer know what is there, nothing that was counted
// is lost.
func TestManyOvertakenWriters(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f fixture) {
		data := blobtest.Random(200_000)
		handles, store := []handler.Upload{f.begun(t, "A", len(data))}, f.open()
		counted, random := int64(0), rand.New(rand.NewPCG(1, 2))
		for range 200 {
			if random.IntN(3) == 0 || len(handles) == 0 {
				u, err := store.GetUpload(t.Context(), "A")
				must(t, err)
				handles = append(handles, u)
			}
			i := random.IntN(len(handles))
			info, err := handles[i].GetInfo(t.Context())
			must(t, err)
			end := min(info.Offset+1+random.Int64N(1<<random.IntN(13)), info.Size)
			n, err := handles[i].WriteChunk(t.Context(), info.Offset, bytes.NewReader(data[info.Offset:end]))
			if err != nil { // what it knew of was put together by others
				handles = slices.Delete(handles, i, i+1)
			}
			counted = max(counted, info.Offset+n)
			now, err := f.found(t, "A").GetInfo(t.Context())
			if err != nil || now.Offset < counted {
				t.Fatalf("it goes on at %d, %v; %d were counted", now.Offset, err, counted)
			}
		}
		f.wantHas(t, f.found(t, "A"), "A", data[:counted])
	})
}

func TestOlderAndRemove(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f fixture) {
		f.begun(t, "A", 9)
		b := f.begun(t, "B", 9)
		f.age("A", time.Hour)
		f.age("B", time.Hour)
		_, err := b.WriteChunk(t.Context(), 0, strings.NewReader("123"))
		must(t, err)
		f.half("C")
		if _, err := f.open().GetUpload(t.Context(), "C"); !errors.Is(err, handler.ErrNotFound) {
			t.Errorf("half an upload is found: %v", err)
		}
		for name, test := range map[string]struct {
			age  time.Duration
			want []string
		}{"old": {time.Minute, []string{"A"}}, "very old": {2 * time.Hour, nil}, "all": {-time.Hour, []string{"A", "B", "C"}}} {
			old, err := f.open().Older(t.Context(), time.Now().Add(-test.age))
			slices.Sort(old)
			if err != nil || !slices.Equal(old, test.want) {
				t.Errorf("%s: %v, %v; want %v", name, old, err, test.want)
			}
		}
		store := f.open()
		for _, id := range []string{"A", "A", "B", "C"} {
			must(t, store.Remove(t.Context(), id))
			if _, err := store.GetUpload(t.Context(), id); !errors.Is(err, handler.ErrNotFound) {
				t.Errorf("%s is found: %v", id, err)
			}
		}
		if left := f.left(); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// Uploads that begin and end at the same moment do not disturb each other.
func TestComingAndGoing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f fixture) {
		store := f.open()
		var all sync.WaitGroup
		for _, worker := range []string{"A", "B"} {
			all.Go(func() {
				for i := range 100 {
					id := worker + strconv.Itoa(i)
					if _, err := store.NewUpload(t.Context(), handler.FileInfo{ID: id, Size: 9}); err != nil {
						t.Errorf("begin: %v", err)
					}
					if err := store.Remove(t.Context(), id); err != nil {
						t.Errorf("remove: %v", err)
					}
				}
			})
		}
		all.Wait()
		if left := f.left(); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// Names that are none of ours lead nowhere else.
func TestStrangeIDs(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f fixture) {
		u := f.begun(t, "A", 9)
		store := f.open()
		for _, id := range []string{"", "..", "../tus", "B"} {
			if _, err := store.GetUpload(t.Context(), id); err == nil {
				t.Errorf("%q is found", id)
			}
			_ = store.Remove(t.Context(), id) // what counts is what it leaves
		}
		f.wantHas(t, u, "A", nil)
	})
}

func TestASCII(t *testing.T) {
	t.Parallel()
	got := ascii([]byte("{\"a\":\"é 😀 \x7f <&>\"}"))
	if want := `{"a":"\u00e9 \ud83d\ude00 \u007f <&>"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
