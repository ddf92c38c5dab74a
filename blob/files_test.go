package blob_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"inlet/blob"
	"inlet/blob/blobtest"
)

func open(t testing.TB, root string) *blob.Files {
	t.Helper()
	f, err := blob.Open((&url.URL{Scheme: "file", Path: root}).String())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFiles(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]struct{ total, file int64 }{
		"memory": {32 << 20, 8 << 20}, "staging": {0, 0}, "both": {1 << 20, 128 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blobtest.Run(t, func(t *testing.T) blobtest.Store {
				f := open(t, t.TempDir()).Limit(memory.total, memory.file)
				t.Cleanup(func() {
					if n := f.InMemory(); n != 0 {
						t.Errorf("%d bytes of memory were not given back", n)
					}
				})
				return f
			})
		})
	}
}

// What is staged in memory costs the disk nothing; what the memory does not
// hold is in the staging folder, until it is kept or discarded.
func TestStagingIsBounded(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	f := open(t, root).Limit(256<<10, 128<<10)
	staging := func() int {
		entries, err := os.ReadDir(filepath.Join(root, "staging"))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	var all []*blob.Staged
	for i, want := range []struct {
		size           int
		memory, onDisk int
	}{
		{1, 64 << 10, 0},
		{100_000, 192 << 10, 0},
		{128<<10 + 1, 192 << 10, 1}, // too large by itself
		{64 << 10, 256 << 10, 1},
		{1, 256 << 10, 2}, // nothing is left
	} {
		all = append(all, blobtest.Stage(t, f, blobtest.Random(want.size)))
		if got := f.InMemory(); got != int64(want.memory) || staging() != want.onDisk {
			t.Errorf("after file %d: %d bytes in memory and %d files, want %d and %d", i, got, staging(), want.memory, want.onDisk)
		}
	}
	for _, st := range all {
		if err := f.Keep(t.Context(), st, blob.ContentKey(st.Sum())); err != nil {
			t.Fatal(err)
		}
	}
	if n := staging(); n != 0 {
		t.Errorf("%d files are still in staging after they were kept", n)
	}
	for _, st := range all {
		st.Discard()
	}
	if n := f.InMemory(); n != 0 {
		t.Errorf("%d bytes of memory were not given back", n)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "/path", "file:relative", "file://host/path", "s3://user:secret@bucket", "file://%zz", "file://" + file} {
		if _, err := blob.Open(bad); err == nil {
			t.Errorf("Open(%q) succeeded", bad)
		} else if bytes.Contains([]byte(err.Error()), []byte("secret")) {
			t.Errorf("Open(%q) gives away the credentials: %v", bad, err)
		}
	}
	// A path with blanks and percent signs, and folders that are not there yet.
	root := filepath.Join(t.TempDir(), "a b", "100%", "c")
	f := open(t, root)
	k := blobtest.Keep(t, f, []byte("picture"))
	path := filepath.Join(root, "blobs", string(k[:2]), string(k))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v; want a file of mode 0600", info, err)
	}
	if info, err := os.Stat(filepath.Join(root, "blobs")); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("%v, %v; want a folder of mode 0700", info, err)
	}
	// It is there for the next process.
	if ok, err := open(t, root).Exists(t.Context(), k); !ok || err != nil {
		t.Fatalf("after reopening: %v, %v", ok, err)
	}
}

// A file that lost bytes (a disk check cut it) is made whole by the next Keep.
func TestKeepRepairs(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	f := open(t, root)
	data := blobtest.Random(5000)
	for name, damage := range map[string]func(path string) error{
		"cut":   func(path string) error { return os.Truncate(path, 100) },
		"empty": func(path string) error { return os.Truncate(path, 0) },
		"grown": func(path string) error { return os.Truncate(path, 6000) },
		"link":  func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/nowhere", path)) },
	} {
		st := blobtest.Stage(t, f, data)
		k := blob.ContentKey(st.Sum())
		if err := f.Delete(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		blobtest.Keep(t, f, data)
		path := filepath.Join(root, "blobs", string(k[:2]), string(k))
		if err := damage(path); err != nil {
			t.Fatal(err)
		}
		if err := f.Keep(t.Context(), st, k); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%s: not repaired: %d bytes, %v", name, len(got), err)
		}
	}
}

// What processes leave that die at any point is neither given as content nor
// kept for ever.
func TestCrashDebris(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	f := open(t, root)
	k := blobtest.Keep(t, f, []byte("kept"))
	shard := filepath.Join(root, "blobs", string(k[:2]))
	old := time.Now().Add(-48 * time.Hour)
	debris := []string{
		filepath.Join(root, "staging", "123"), filepath.Join(root, "blobs", "tmp", "456"),
		filepath.Join(shard, "lost+found"), filepath.Join(root, "blobs", "zz"),
	}
	for _, path := range debris {
		if err := os.WriteFile(path, []byte("half a pict"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := f.SweepStaging(t.Context(), time.Now().Add(-24*time.Hour)); n != 2 || err != nil {
		t.Fatalf("swept %d, %v; want 2", n, err)
	}
	var keys []blob.Key
	err := f.Walk(t.Context(), time.Now().Add(time.Hour), func(k blob.Key) error { keys = append(keys, k); return nil })
	if err != nil || len(keys) != 1 || keys[0] != k {
		t.Fatalf("walked %v, %v; want %s alone", keys, err, k)
	}
}

// A content with one young file is in use: a variant was just made.
func TestWalkSparesYoungVariants(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	f := open(t, root)
	k := blobtest.Keep(t, f, []byte("old"))
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(root, "blobs", string(k[:2]), string(k)), old, old); err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		err := f.Walk(t.Context(), time.Now().Add(-24*time.Hour), func(blob.Key) error { n++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 1 {
		t.Fatalf("walked %d, want 1", n)
	}
	for _, width := range []int{160, 320} {
		if err := f.Put(t.Context(), blob.VariantKey(k, width), bytes.NewReader([]byte("x"))); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(); n != 0 {
		t.Fatalf("walked %d, want none", n)
	}
}

// A staged file that cannot be renamed, since its name has gone or staging is a
// file system of its own, is copied.
func TestKeepWithoutRename(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	f := open(t, root).Limit(0, 0)
	data := blobtest.Random(200_000)
	st := blobtest.Stage(t, f, data)
	if n, err := f.SweepStaging(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	k := blob.ContentKey(st.Sum())
	for range 2 {
		if err := f.Keep(t.Context(), st, k); err != nil {
			t.Fatal(err)
		}
	}
	b, err := f.Open(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	f := open(t, root)
	st := blobtest.Stage(t, f, []byte("picture"))
	k := blob.ContentKey(st.Sum())
	// The disk is gone: a plain file is where the folders were.
	for _, dir := range []string{"blobs", "staging"} {
		if err := os.RemoveAll(filepath.Join(root, dir)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stageErr := stageOnDisk(t, f)
	_, openErr := f.Open(t.Context(), k)
	_, existsErr := f.Exists(t.Context(), k)
	_, sweepErr := f.SweepStaging(t.Context(), time.Now())
	for op, err := range map[string]error{
		"Stage": stageErr, "Open": openErr, "Exists": existsErr, "SweepStaging": sweepErr,
		"Keep": f.Keep(t.Context(), st, k), "Put": f.Put(t.Context(), k, bytes.NewReader(nil)),
		"Delete": f.Delete(t.Context(), k), "Ping": f.Ping(t.Context()),
		"Walk": f.Walk(t.Context(), time.Now(), func(blob.Key) error { return nil }),
	} {
		if !errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("%s = %v, want ErrUnavailable", op, err)
		}
	}
}

// stageOnDisk stages more than is held in memory.
func stageOnDisk(t *testing.T, f *blob.Files) error {
	t.Helper()
	st, err := f.Limit(0, 0).Stage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Discard()
	_, err = st.Write([]byte("picture"))
	return err
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	root := t.TempDir()
	f := open(t, root)
	data := []byte("kept")
	k := blobtest.Keep(t, f, data)
	for _, dir := range []string{"staging", "blobs/tmp", "blobs/" + string(k[:2])} {
		path := filepath.Join(root, dir)
		if err := os.Chmod(path, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(path, 0o700) })
	}
	for op, err := range map[string]error{
		"Stage": stageOnDisk(t, f), "Ping": f.Ping(t.Context()), "Delete": f.Delete(t.Context(), k),
		"Put": f.Put(t.Context(), k, bytes.NewReader(data)),
	} {
		if !errors.Is(err, blob.ErrUnavailable) || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s = %v, want ErrUnavailable", op, err)
		}
	}
	if ok, err := f.Exists(t.Context(), k); !ok || err != nil {
		t.Errorf("reading fails too: %v, %v", ok, err)
	}
}

// A full disk is the store's failure, and what it has lost is never kept.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	f := open(t, t.TempDir()).Limit(0, 0)
	st := blobtest.Stage(t, f, []byte("first part"))
	if err := st.Redirect("/dev/full"); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(st, bytes.NewReader(blobtest.Random(100_000)))
	if !errors.Is(err, blob.ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("err = %v, want ErrUnavailable for want of space", err)
	}
	if err := f.Keep(t.Context(), st, blob.ContentKey(st.Sum())); !errors.Is(err, blob.ErrUnavailable) {
		t.Fatalf("Keep = %v, want ErrUnavailable", err)
	}
}

// net/http must see the file itself, to let the kernel send it.
func TestServeContent(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	data := blobtest.Random(10_000)
	k := blobtest.Keep(t, f, data)
	b, err := f.Open(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, ok := b.(interface {
		fs.File
		syscall.Conn
	}); !ok {
		t.Error("the blob hides its file")
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Range", "bytes=5000-5999")
	w := httptest.NewRecorder()
	http.ServeContent(w, r, "", time.Time{}, b)
	if w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), data[5000:6000]) {
		t.Fatalf("%d, %d bytes", w.Code, w.Body.Len())
	}
}

func BenchmarkKeep(b *testing.B) {
	f := open(b, b.TempDir())
	data := blobtest.Random(3 << 20)
	b.SetBytes(int64(len(data)))
	for i := 0; b.Loop(); i++ {
		data[0], data[1], data[2] = byte(i), byte(i>>8), byte(i>>16)
		st, err := f.Stage(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(st, struct{ io.Reader }{bytes.NewReader(data)}); err != nil {
			b.Fatal(err)
		}
		if err := f.Keep(b.Context(), st, blob.ContentKey(sha256.Sum256(data))); err != nil {
			b.Fatal(err)
		}
		st.Discard()
	}
}
