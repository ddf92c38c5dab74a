package blob

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Keep stores the staged file durably under k. If k exists, Keep ensures that it
// is whole and durable; so any number of Keeps of one key may run at once. A
// second Keep of the same staged file only checks that the store still has it,
// and stores it again if not.
func (f *Files) Keep(ctx context.Context, st *Staged, k Key) error {
	path, err := f.path(ctx, k)
	if err != nil {
		return err
	}

	if st.failed != nil {
		return st.failed
	}
	if st.keptAt == path && st.at(path) {
		return nil
	}

	// An existing file of the right size is whole, because a file is renamed only
	// after it is complete. Its name may not be durable yet.
	existing, err := os.Lstat(path)
	if err != nil || !existing.Mode().IsRegular() || existing.Size() != st.size {
		err = f.store(st, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return unavailable("keep", err)
	}

	st.keptAt = path
	return nil
}

// store makes the staged bytes durable and gives them their name in the store.
func (f *Files) store(st *Staged, path string) error {
	if st.name != "" {
		if err := st.sync(); err != nil {
			return err
		}

		// The rename fails if the staging folder is on another disk, or was swept.
		if os.Rename(st.name, path) == nil {
			st.name = ""
			return nil
		}
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

// Put stores the bytes of r durably under k and replaces an existing object.
// Readers see either the old or the new one.
func (f *Files) Put(ctx context.Context, k Key, r io.Reader) error {
	path, err := f.path(ctx, k)
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

// create writes a file, renames it to path and returns it open. The bytes are
// durable before the rename; the caller syncs the folder.
func (f *Files) create(path string, write func(*os.File) error) (*os.File, error) {
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
