package blob

import (
	"context"
	"errors"
	"io"
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
	if st.failed != nil {
		return st.failed
	}
	if st.keptAt == path && st.at(path) {
		return nil
	}
	// A file that is there and has the right size is left alone: the name says
	// what is in it, and it had its bytes before it had the name. Whether the
	// name is durable yet, only whoever gave it knows.
	if there, err := os.Lstat(path); err != nil || !there.Mode().IsRegular() || there.Size() != st.size {
		if err := f.place(st, path); err != nil {
			return unavailable("keep", err)
		}
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return unavailable("keep", err)
	}
	st.keptAt = path
	return nil
}

// place gives the staged bytes their name in the store; they are durable before.
func (f *Files) place(st *Staged, path string) error {
	if st.name != "" {
		if err := st.sync(); err != nil {
			return err
		}
		if os.Rename(st.name, path) == nil {
			st.name = ""
			return nil
		}
		// The staging folder may be a disk of its own, or have been swept.
	}
	file, err := f.create(path, func(file *os.File) error {
		if st.blocks != nil {
			return writeBlocks(file, st.blocks, st.size)
		}
		_, err := io.Copy(file, io.NewSectionReader(st, 0, st.size))
		return err
	})
	if err != nil {
		return err
	}
	st.leave()
	st.file, st.name = file, ""
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
	file, err := f.create(path, func(file *os.File) error {
		_, err := io.Copy(file, r)
		return err
	})
	if err != nil {
		return unavailable("put", err)
	}
	file.Close()
	return unavailable("put", syncDir(filepath.Dir(path)))
}

// create puts a file at path, in place of what was there, and returns it open.
// Its bytes are durable before it has the name; the folder is not synced.
func (f *Files) create(path string, write func(*os.File) error) (_ *os.File, err error) {
	file, err := os.CreateTemp(f.tmp(), "*")
	if err != nil {
		return nil, err
	}
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file, nil
}
