package resume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"
)

// Files is a Store in a folder, which all processes share. The size of a file is
// the offset of its upload.
type Files struct{ store filestore.FileStore }

// OpenFiles opens the store in the folder tus of the blob store at a file:///path
// URL, and makes it.
func OpenFiles(blobURL string) (*Files, error) {
	u, err := url.Parse(blobURL)
	if err != nil || u.Scheme != "file" {
		return nil, errors.New("resume: the blob store's URL must be of the form file:///path")
	}
	dir := filepath.Join(u.Path, "tus")
	if err = os.MkdirAll(dir, 0o700); err == nil {
		err = syncPath(u.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("resume: open the store: %w", err)
	}

	store := filestore.New(dir)
	store.DirModePerm, store.FileModePerm = 0o700, 0o600

	return &Files{store}, nil
}

// NewUpload implements handler.DataStore.
func (f *Files) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	made, err := f.store.NewUpload(ctx, info)
	if err != nil {
		return nil, err
	}
	for _, path := range []string{f.path(info.ID) + ".info", f.path(info.ID), f.store.Path} {
		if err := syncPath(path); err != nil {
			return nil, err
		}
	}

	return &file{made, f.path(info.ID)}, nil
}

// GetUpload implements handler.DataStore.
func (f *Files) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	found, err := f.store.GetUpload(ctx, id)
	if err != nil {
		return nil, err
	}
	return &file{found, f.path(id)}, nil
}

// Older implements Store.
func (f *Files) Older(ctx context.Context, t time.Time) ([]string, error) {
	entries, err := os.ReadDir(f.store.Path)
	if err != nil {
		return nil, failed("list uploads", err)
	}

	written := ages{}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		info, err := entry.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, failed("list uploads", err)
		}
		written.note(strings.TrimSuffix(entry.Name(), ".info"), info.ModTime())
	}

	return written.before(t), nil
}

// Remove implements Store.
func (f *Files) Remove(_ context.Context, id string) error {
	for _, path := range []string{f.path(id), f.path(id) + ".info"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed("remove an upload", err)
		}
	}
	return nil
}

// path is where the bytes of an upload are. We make the ids ourselves; this checks
// once more that one is a name, for here it becomes a path.
func (f *Files) path(id string) string { return filepath.Join(f.store.Path, filepath.Base(id)) }

// file is an upload of tusd's file store, written durably.
type file struct {
	handler.Upload
	path string
}

// WriteChunk implements handler.Upload. It writes to the offset, not to the end of
// the file: a process that was stopped for so long that another one went on writes
// the same bytes again.
func (f *file) WriteChunk(_ context.Context, offset int64, src io.Reader) (n int64, err error) {
	out, err := os.OpenFile(f.path, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	// Also when the body broke off: its bytes count at the next HEAD.
	defer func() { err = errors.Join(err, out.Sync(), out.Close()) }()
	return io.CopyBuffer(io.NewOffsetWriter(out, offset), src, make([]byte, 128<<10))
}

// GetInfo implements handler.Upload. tusd's own has the offset at which the request
// began.
func (f *file) GetInfo(ctx context.Context) (handler.FileInfo, error) {
	info, err := f.Upload.GetInfo(ctx)
	if err != nil {
		return info, err
	}
	stat, err := os.Stat(f.path)
	if err != nil {
		return info, err
	}
	info.Offset = stat.Size()

	return info, nil
}

// syncPath makes a file, or the entries of a folder, durable.
func syncPath(path string) error {
	opened, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}
