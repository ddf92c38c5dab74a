// Package blob owns the bytes of the pictures: it stages arriving files, stores
// contents under their SHA-256 and variants beside them, and removes both.
//
// It promises that Keep and Put return only when the bytes are durable (the file
// and the folders above it are synced), that a name in the store never shows part
// of a file, whichever process dies when, and that the sweep can tell staged
// files from stored ones. Its callers decide what is removed, and when.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Files is a store in a folder:
//
//	staging/*                arriving files that are too large for the memory
//	blobs/tmp/*              files before they are renamed
//	blobs/ab/ab12…           contents, by their SHA-256
//	blobs/ab/ab12….w320.jpg  a variant
//	owner                    the installation that owns the store
//
// Open creates all 256 shards: a folder that an upload created would have to be
// synced with all folders above it, which costs more than the file in it.
//
// Several goroutines and processes may use a store at once.
type Files struct {
	*Staging
	root string
}

// Open opens the store at a file:///path URL and creates its folders.
func Open(rawURL string) (*Files, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil:
		return nil, errors.New("blob: the store's URL is malformed")
	case u.Scheme != "file":
		return nil, fmt.Errorf("blob: a store of the kind %q is not known, want file:///path", u.Scheme)
	case u.Host != "" && u.Host != "localhost", !filepath.IsAbs(u.Path):
		return nil, errors.New("blob: the store's URL must be of the form file:///path")
	}

	root := filepath.Clean(u.Path)
	staging, err := NewStaging(filepath.Join(root, "staging"))
	if err != nil {
		return nil, err
	}

	f := &Files{Staging: staging, root: root}
	return f, unavailable("open the store", f.makeFolders())
}

// makeFolders creates missing folders and syncs all of them: a folder that exists
// may not be durable, because the process that created it may have died.
func (f *Files) makeFolders() error {
	if err := os.MkdirAll(f.tmp(), 0o700); err != nil {
		return err
	}

	for i := range shards {
		if err := os.Mkdir(f.shard(i), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}

	for dir := f.blobs(); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		// Folders above the root may belong to other users.
		if err := syncDir(dir); err != nil && strings.HasPrefix(dir, f.root) {
			return err
		}
	}
	return nil
}

// shards is the number of folders of contents, one for each first byte of a key.
const shards = 256

func (f *Files) blobs() string      { return filepath.Join(f.root, "blobs") }
func (f *Files) tmp() string        { return filepath.Join(f.blobs(), "tmp") }
func (f *Files) shard(i int) string { return filepath.Join(f.blobs(), fmt.Sprintf("%02x", i)) }

// path returns the path of k's file, unless ctx has ended.
func (f *Files) path(ctx context.Context, k Key) (string, error) {
	path, err := k.Path()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return filepath.Join(f.blobs(), filepath.FromSlash(path)), err
}

// Ping checks that the store accepts files: it writes one and removes it.
func (f *Files) Ping(ctx context.Context) error {
	if err := f.Staging.Ping(ctx); err != nil {
		return err
	}

	probe, err := os.CreateTemp(f.tmp(), "ping-*")
	if err != nil {
		return unavailable("ping", err)
	}

	_, err = probe.WriteString("ping")
	return unavailable("ping", errors.Join(err, probe.Close(), os.Remove(probe.Name())))
}

// SweepStaging removes files that were staged before olderThan and neither kept
// nor discarded, because their process died. It returns their number.
func (f *Files) SweepStaging(ctx context.Context, olderThan time.Time) (int, error) {
	staged, err := f.Staging.SweepStaging(ctx, olderThan)
	if err != nil {
		return staged, err
	}

	unnamed, err := sweepFolder(ctx, f.tmp(), olderThan)
	return staged + unnamed, err
}

// Free returns the free space for files in bytes, or -1 if it is unknown.
func (f *Files) Free() int64 {
	var disk unix.Statfs_t
	if err := unix.Statfs(f.blobs(), &disk); err != nil {
		return -1
	}

	//nolint:unconvert // other systems have other types
	return int64(disk.Bavail) * int64(disk.Bsize)
}

// unavailable wraps the error of an operation in ErrUnavailable.
func unavailable(op string, err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, op, err)
}

// syncDir makes the entries of a folder durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
