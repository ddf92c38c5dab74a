// Package blobtest holds the conformance suite of the blob stores.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"inlet/blob"
)

// Store is a blob store under test.
type Store interface {
	Stage(ctx context.Context) (*blob.Staged, error)
	Keep(ctx context.Context, st *blob.Staged, k blob.Key) error
	Put(ctx context.Context, k blob.Key, r io.Reader) error
	Open(ctx context.Context, k blob.Key) (blob.Blob, error)
	Exists(ctx context.Context, k blob.Key) (bool, error)
	Delete(ctx context.Context, k blob.Key) error
	Lingers() bool
	Walk(ctx context.Context, olderThan time.Time, fn func(blob.Key) error) error
	SweepStaging(ctx context.Context, olderThan time.Time) (int, error)
	Ping(ctx context.Context) error
	Claim(ctx context.Context, owner string) error
}

// Run runs the suite. Each store that open returns must be empty.
func Run(t *testing.T, open func(t *testing.T) Store) {
	tests := map[string]func(*testing.T, Store){
		"keep and read":           keepAndRead,
		"staged":                  staged,
		"broken body":             brokenBody,
		"keep is idempotent":      keepIdempotent,
		"keep after delete":       keepAfterDelete,
		"keep after discard":      keepAfterDiscard,
		"put replaces":            putReplaces,
		"put that fails":          putFails,
		"absent":                  absent,
		"delete takes variants":   deleteVariants,
		"keys":                    foreignKeys,
		"walk":                    walk,
		"walk ends":               walkEnds,
		"sweep":                   sweep,
		"cancelled":               cancelled,
		"keep and delete at once": keepAndDelete,
		"claim":                   claim,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// Stage stages data and discards the file when the test ends.
func Stage(t testing.TB, s Store, data []byte) *blob.Staged {
	t.Helper()
	st, err := s.Stage(t.Context())
	must(t, err)
	t.Cleanup(st.Discard)
	_, err = io.Copy(st, bytes.NewReader(data))
	must(t, err)
	return st
}

// Keep stores data under its content's key, which it returns.
func Keep(t testing.TB, s Store, data []byte) blob.Key {
	t.Helper()
	st := Stage(t, s, data)
	k := blob.ContentKey(st.Sum())
	must(t, s.Keep(t.Context(), st, k))
	st.Discard()
	return k
}

// Random returns n random bytes.
func Random(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	return data
}

func keepAndRead(t *testing.T, s Store) {
	for _, size := range []int{1, 4095, 1 << 16, 1<<16 + 1, 3 << 20} {
		data := Random(size)
		k := Keep(t, s, data)
		if k != blob.ContentKey(sha256.Sum256(data)) {
			t.Fatalf("kept under %s, which is not the SHA-256", k)
		}
		equal(t, s, k, data)
		b, err := s.Open(t.Context(), k)
		must(t, err)
		if b.Size() != int64(size) {
			t.Fatalf("size = %d, want %d", b.Size(), size)
		}
		if size < 1<<16 { // it reads byte by byte
			must(t, iotest.TestReader(b, data))
		}
		must(t, b.Close())
	}
}

func staged(t *testing.T, s Store) {
	data := Random(200_000)
	st, err := s.Stage(t.Context())
	must(t, err)
	defer st.Discard()
	_, err = st.Write(data[:10])
	must(t, err)
	n, err := st.ReadFrom(iotest.OneByteReader(bytes.NewReader(data[10:])))
	must(t, err)
	if n != int64(len(data)-10) || st.Size() != int64(len(data)) || st.Sum() != sha256.Sum256(data) {
		t.Fatalf("read %d, size %d, sum %x", n, st.Size(), st.Sum())
	}
	got, err := io.ReadAll(io.NewSectionReader(st, 0, st.Size()))
	must(t, err)
	if !bytes.Equal(got, data) {
		t.Fatal("staged bytes differ")
	}
	k := blob.ContentKey(st.Sum())
	gone(t, s, k)
	must(t, s.Keep(t.Context(), st, k))
	if _, err := st.ReadAt(make([]byte, 10), 0); err != nil {
		t.Fatalf("not readable after Keep: %v", err)
	}
	st.Discard()
	st.Discard()
	equal(t, s, k, data)
	if _, err := st.ReadAt(make([]byte, 10), 0); err == nil {
		t.Fatal("readable after Discard")
	}
}

func brokenBody(t *testing.T, s Store) {
	for _, broken := range []error{io.ErrUnexpectedEOF, errors.New("reset"), fmt.Errorf("wrapped: %w", io.EOF)} {
		st, err := s.Stage(t.Context())
		must(t, err)
		n, err := io.Copy(st, io.MultiReader(bytes.NewReader(Random(100_000)), iotest.ErrReader(broken)))
		if err != broken || n != 100_000 { //nolint:errorlint // it must be the very error
			t.Fatalf("copied %d, %v; want the reader's %v", n, err, broken)
		}
		if errors.Is(err, blob.ErrUnavailable) {
			t.Fatalf("%v blames the store", err)
		}
		st.Discard()
	}
	if n, err := s.SweepStaging(t.Context(), time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Fatalf("%d files left in staging, %v", n, err)
	}
}

func keepIdempotent(t *testing.T, s Store) {
	data := Random(5000)
	a, b := Stage(t, s, data), Stage(t, s, data)
	k := blob.ContentKey(a.Sum())
	for _, st := range []*blob.Staged{a, a, b, b, a} {
		must(t, s.Keep(t.Context(), st, k))
		equal(t, s, k, data)
	}
	a.Discard()
	b.Discard()
	equal(t, s, k, data)
}

func keepAfterDelete(t *testing.T, s Store) {
	data := Random(5000)
	st := Stage(t, s, data)
	k := blob.ContentKey(st.Sum())
	for range 3 {
		must(t, s.Keep(t.Context(), st, k))
		must(t, s.Delete(t.Context(), k))
		gone(t, s, k)
	}
	must(t, s.Keep(t.Context(), st, k))
	equal(t, s, k, data)
}

func keepAfterDiscard(t *testing.T, s Store) {
	st := Stage(t, s, Random(10))
	st.Discard()
	if err := s.Keep(t.Context(), st, blob.ContentKey(st.Sum())); !errors.Is(err, blob.ErrUnavailable) {
		t.Fatalf("err = %v, want ErrUnavailable", err)
	}
	gone(t, s, blob.ContentKey(st.Sum()))
}

func putReplaces(t *testing.T, s Store) {
	k := blob.VariantKey(Keep(t, s, Random(10)), 320)
	for range 3 {
		data := Random(70_000)
		must(t, s.Put(t.Context(), k, bytes.NewReader(data)))
		equal(t, s, k, data)
	}
}

func putFails(t *testing.T, s Store) {
	k := blob.VariantKey(Keep(t, s, Random(10)), 320)
	data := Random(100)
	must(t, s.Put(t.Context(), k, bytes.NewReader(data)))
	broken := errors.New("broken")
	err := s.Put(t.Context(), k, io.MultiReader(bytes.NewReader(Random(50)), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Fatalf("err = %v, want the reader's", err)
	}
	equal(t, s, k, data)
	if n, err := s.SweepStaging(t.Context(), time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Fatalf("%d files left behind, %v", n, err)
	}
}

func absent(t *testing.T, s Store) {
	k := blob.ContentKey(sha256.Sum256([]byte("absent")))
	gone(t, s, k)
	gone(t, s, blob.VariantKey(k, 160))
	must(t, s.Delete(t.Context(), k))
	must(t, s.Delete(t.Context(), blob.VariantKey(k, 160)))
}

func deleteVariants(t *testing.T, s Store) {
	data := Random(100)
	k := Keep(t, s, data)
	variants := []blob.Key{blob.VariantKey(k, 160), blob.VariantKey(k, 320), blob.VariantKey(k, 1280)}
	for _, v := range variants {
		must(t, s.Put(t.Context(), v, bytes.NewReader(data)))
	}
	// A neighbour in the same shard stays.
	sum := sha256.Sum256(data)
	sum[31]++
	neighbour := blob.ContentKey(sum)
	must(t, s.Put(t.Context(), neighbour, bytes.NewReader(data)))

	must(t, s.Delete(t.Context(), variants[0]))
	gone(t, s, variants[0])
	equal(t, s, k, data)
	equal(t, s, variants[1], data)

	open, err := s.Open(t.Context(), k)
	must(t, err)
	defer open.Close()
	_, err = io.ReadFull(open, make([]byte, 1))
	must(t, err)
	must(t, s.Delete(t.Context(), k))
	for _, gonekey := range append(variants, k) {
		gone(t, s, gonekey)
	}
	equal(t, s, neighbour, data)
	if got, err := io.ReadAll(open); err != nil || !bytes.Equal(got, data[1:]) {
		t.Fatalf("a deletion disturbed a reader: %v", err)
	}
}

func foreignKeys(t *testing.T, s Store) {
	st := Stage(t, s, Random(10))
	good := string(blob.ContentKey(st.Sum()))
	for _, name := range []string{"", "..", "../../etc/passwd", "ab", good[:63], good + "0", good + "/../x", good + `.w1\..`, "G" + good[1:]} {
		k := blob.Key(name)
		_, openErr := s.Open(t.Context(), k)
		_, existsErr := s.Exists(t.Context(), k)
		for op, err := range map[string]error{
			"Open": openErr, "Exists": existsErr, "Keep": s.Keep(t.Context(), st, k),
			"Put": s.Put(t.Context(), k, bytes.NewReader(nil)), "Delete": s.Delete(t.Context(), k),
		} {
			if !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("%s(%q) = %v, want ErrNotFound", op, name, err)
			}
		}
	}
}

func cancelled(t *testing.T, s Store) {
	data := Random(10)
	st, k := Stage(t, s, data), Keep(t, s, data)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, stageErr := s.Stage(ctx)
	_, openErr := s.Open(ctx, k)
	_, existsErr := s.Exists(ctx, k)
	for op, err := range map[string]error{
		"Stage": stageErr, "Open": openErr, "Exists": existsErr, "Keep": s.Keep(ctx, st, k), "Delete": s.Delete(ctx, k),
		"Put": s.Put(ctx, k, bytes.NewReader(nil)), "Ping": s.Ping(ctx),
		"Walk": s.Walk(ctx, time.Now().Add(time.Hour), func(blob.Key) error { return nil }),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want context.Canceled", op, err)
		}
	}
	equal(t, s, k, data)
}

// keepAndDelete runs many Keeps of one content against deletions of it. A
// reader sees the whole content or nothing, and after the last Keep it is there.
func keepAndDelete(t *testing.T, s Store) {
	data := Random(100_000)
	k := blob.ContentKey(sha256.Sum256(data))
	files := make([]*blob.Staged, 8)
	for i := range files {
		files[i] = Stage(t, s, data)
	}
	var keepers, others sync.WaitGroup
	done := make(chan struct{})
	others.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := s.Delete(t.Context(), k); err != nil {
				t.Error(err)
			}
			b, err := s.Open(t.Context(), k)
			if errors.Is(err, blob.ErrNotFound) {
				continue
			}
			if err != nil {
				t.Error(err)
				continue
			}
			got, err := io.ReadAll(b)
			notBegun := len(got) == 0 && errors.Is(err, blob.ErrNotFound)
			if !notBegun && (err != nil || !bytes.Equal(got, data)) {
				t.Errorf("read %d bytes of %d, %v", len(got), len(data), err)
			}
			b.Close()
		}
	})
	for _, st := range files {
		keepers.Go(func() {
			for range 20 {
				if err := s.Keep(t.Context(), st, k); err != nil {
					t.Error(err)
				}
			}
		})
	}
	keepers.Wait()
	close(done)
	others.Wait()
	must(t, s.Keep(t.Context(), files[0], k))
	equal(t, s, k, data)
}

func walked(t *testing.T, s Store, olderThan time.Time) (keys []blob.Key) {
	t.Helper()
	must(t, s.Walk(t.Context(), olderThan, func(k blob.Key) error { keys = append(keys, k); return nil }))
	return keys
}

func equal(t *testing.T, s Store, k blob.Key, want []byte) {
	t.Helper()
	b, err := s.Open(t.Context(), k)
	must(t, err)
	defer b.Close()
	got, err := io.ReadAll(b)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Fatalf("%s holds %d bytes, want %d others", k, len(got), len(want))
	}
}

func gone(t *testing.T, s Store, k blob.Key) {
	t.Helper()
	if _, err := s.Open(t.Context(), k); !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("Open(%s) = %v, want ErrNotFound", k, err)
	}
	if ok, err := s.Exists(t.Context(), k); ok || err != nil {
		t.Fatalf("Exists(%s) = %v, %v", k, ok, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
