package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Keep makes the staged file durable under k. If k is there already, it is
// made sure that it is whole and durable; so any number of Keeps of one key may
// run at once. Called again after the file was kept, it only looks whether it
// still is, and keeps it again if not.
func (f *Files) Keep(ctx context.Context, st *Staged, k Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	path, err := f.path(k)
	if err != nil {
		return err
	}
	if st.keptAt == path && st.at(path) {
		return nil
	}
	if err := st.sync(); err != nil {
		return err
	}
	if err := f.makeShard(filepath.Dir(path)); err != nil {
		return unavailable("keep", err)
	}
	if err := f.link(st, path); err != nil {
		return unavailable("keep", err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return unavailable("keep", err)
	}
	st.keptAt = path
	return nil
}

// link gives the staged file its name in the store. A file that is there and
// has the right size is left alone: the name says what is in it.
func (f *Files) link(st *Staged, path string) error {
	linkErr := os.Link(st.file.Name(), path)
	if linkErr == nil {
		return nil
	}
	if errors.Is(linkErr, fs.ErrExist) {
		if there, err := os.Lstat(path); err == nil && there.Mode().IsRegular() && there.Size() == st.size {
			return nil
		}
	}
	// Not every file system has hard links, and a damaged file is replaced: a
	// copy, renamed into place, does both.
	if err := f.replace(path, io.NewSectionReader(st, 0, st.size)); err != nil {
		return fmt.Errorf("%w (after: %w)", err, linkErr)
	}
	return nil
}

// Put makes the bytes of r durable under k, in place of what was there.
// Readers see the one or the other.
func (f *Files) Put(ctx context.Context, k Key, r io.Reader) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	path, err := f.path(k)
	if err != nil {
		return err
	}
	if err := f.makeShard(filepath.Dir(path)); err != nil {
		return unavailable("put", err)
	}
	if err := f.replace(path, r); err != nil {
		return unavailable("put", err)
	}
	return unavailable("put", syncDir(filepath.Dir(path)))
}

// replace puts a file with the bytes of r at path. The folder is not synced.
func (f *Files) replace(path string, r io.Reader) (err error) {
	file, err := os.CreateTemp(f.tmp(), "*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = io.Copy(file, r)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// makeShard makes a shard's folder and makes sure that a power loss leaves it
// there. That it exists is not enough: whoever made it may have died, or be
// about to sync. So each process syncs the way to each shard once.
func (f *Files) makeShard(shard string) error {
	if _, ok := f.shards.Load(shard); ok {
		return nil
	}
	if err := os.MkdirAll(shard, 0o700); err != nil {
		return err
	}
	parent := filepath.Dir(shard)
	if err := errors.Join(syncDir(parent), syncDir(filepath.Dir(parent))); err != nil {
		return err
	}
	f.shards.Store(shard, struct{}{})
	return nil
}
