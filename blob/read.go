package blob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Blob is a kept object, opened for reading. A deletion does not disturb who has
// begun to read and goes on from there; others may find it gone: ErrNotFound.
type Blob interface {
	io.ReadSeekCloser
	io.ReaderAt
	Size() int64
}

// file shows the whole *os.File, so that net/http can send it without copying.
type file struct {
	*os.File
	size int64
}

func (f file) Size() int64 { return f.size }

// Open opens what is kept under k, or returns ErrNotFound.
func (f *Files) Open(ctx context.Context, k Key) (Blob, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := f.path(k)
	if err != nil {
		return nil, err
	}
	opened, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, unavailable("open", err)
	}
	info, err := opened.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a file")
	}
	if err != nil {
		opened.Close()
		return nil, unavailable("open", err)
	}
	return file{opened, info.Size()}, nil
}

// Exists tells whether something is kept under k.
func (f *Files) Exists(ctx context.Context, k Key) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	path, err := f.path(k)
	if err != nil {
		return false, err
	}
	_, err = os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, unavailable("look up", err)
}

// Lingers tells whether a deletion whose answer was lost may be carried out
// later: a file system has none.
func (f *Files) Lingers() bool { return false }

// Delete removes what is kept under k, with its variants if k is a content's
// key. That there is nothing is fine.
func (f *Files) Delete(ctx context.Context, k Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	path, err := f.path(k)
	if err != nil {
		return err
	}
	if k.IsContent() {
		// The variants go first: they are found again as long as the content is.
		if err := removeVariants(path); err != nil {
			return unavailable("delete", err)
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unavailable("delete", err)
	}
	return nil
}

func removeVariants(content string) error {
	shard := filepath.Dir(content)
	entries, err := os.ReadDir(shard)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filepath.Base(content)+".") {
			continue
		}
		if err := os.Remove(filepath.Join(shard, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}
