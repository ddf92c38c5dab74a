package resume

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"
)

func openFiles(t *testing.T) (*Files, string) {
	t.Helper()
	root := t.TempDir()
	f, err := OpenFiles("file://" + root)
	if err != nil {
		t.Fatal(err)
	}
	return f, filepath.Join(root, "tus")
}

// A writer that was overtaken, as after a long pause of its process, alters
// nothing and leaves no gap.
func TestOvertakenWriter(t *testing.T) {
	t.Parallel()
	f, _ := openFiles(t)
	data := bytes.Repeat([]byte("0123456789"), 1000)
	u, err := f.NewUpload(t.Context(), handler.FileInfo{ID: "A", Size: int64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	slow, feed := io.Pipe()
	ended := make(chan error)
	go func() {
		_, err := u.WriteChunk(t.Context(), 0, slow)
		ended <- err
	}()
	if _, err := feed.Write(data[:100]); err != nil {
		t.Fatal(err)
	}
	again, err := f.GetUpload(t.Context(), "A")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.WriteChunk(t.Context(), 0, bytes.NewReader(data[:5000])); err != nil {
		t.Fatal(err)
	}
	if _, err := feed.Write(data[100:3000]); err != nil {
		t.Fatal(err)
	}
	feed.CloseWithError(io.ErrUnexpectedEOF)
	if err := <-ended; err == nil {
		t.Error("a body that broke off was taken for a whole one")
	}
	info, err := again.GetInfo(t.Context())
	if err != nil || info.Offset != 5000 {
		t.Errorf("goes on at %d, %v", info.Offset, err)
	}
	r, err := again.GetReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data[:5000]) {
		t.Errorf("the bytes are altered, %v", err)
	}
}

func TestOlderAndRemove(t *testing.T) {
	t.Parallel()
	f, dir := openFiles(t)
	for _, id := range []string{"A", "B"} {
		if _, err := f.NewUpload(t.Context(), handler.FileInfo{ID: id, Size: 9}); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-time.Hour)
	for _, name := range []string{"A", "A.info", "B.info"} {
		if err := os.Chtimes(filepath.Join(dir, name), past, past); err != nil {
			t.Fatal(err)
		}
	}
	// Half of what a process that died was making.
	if err := os.WriteFile(filepath.Join(dir, "C"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old, err := f.Older(t.Context(), past.Add(time.Minute))
	if err != nil || len(old) != 1 || old[0] != "A" {
		t.Errorf("older: %v, %v", old, err)
	}
	for _, id := range []string{"A", "A", "B", "C", "../tus"} {
		if err := f.Remove(t.Context(), id); err != nil && id != "../tus" {
			t.Errorf("remove %s: %v", id, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestASCII(t *testing.T) {
	t.Parallel()
	got := ascii([]byte("{\"a\":\"é 😀 \x7f <&>\"}"))
	if want := `{"a":"\u00e9 \ud83d\ude00 \u007f <&>"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
