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

// Blob is an object that is open for reading. A deletion does not disturb a reader
// that reads on from where it has begun; others may get ErrNotFound.
type Blob interface {
	io.ReadSeekCloser
	io.ReaderAt
	Size() int64
}

// file embeds the whole *os.File, so that net/http can send it without copying.
type file struct {
	*os.File
	size int64
}

func (f file) Size() int64 { return f.size }

// Open opens the object k, or returns ErrNotFound.
func (f *Files) Open(ctx context.Context, k Key) (Blob, error) {
	path, err := f.path(ctx, k)
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

// Exists tells whether the store has the object k.
func (f *Files) Exists(ctx context.Context, k Key) (bool, error) {
	path, err := f.path(ctx, k)
	if err != nil {
		return false, err
	}

	_, err = os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, unavailable("look up", err)
}

// Lingers tells whether the store may carry out a deletion after Delete failed.
// A file system never does.
func (f *Files) Lingers() bool { return false }

// Delete removes the object k and, if it is a content, its variants. It does not
// fail if there is none.
func (f *Files) Delete(ctx context.Context, k Key) error {
	path, err := f.path(ctx, k)
	if err != nil {
		return err
	}

	// The variants go first: Walk finds them as long as the content exists.
	if k.IsContent() {
		err = removeVariants(path)
	}
	if err == nil {
		err = remove(path)
	}
	return unavailable("delete", err)
}

func removeVariants(content string) error {
	shard, prefix := filepath.Dir(content), filepath.Base(content)+"."
	entries, err := os.ReadDir(shard)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}

	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			err = errors.Join(err, remove(filepath.Join(shard, e.Name())))
		}
	}
	return err
}

// remove removes a file that may be gone already.
func remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
