package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Claim makes owner the store's owner for good, or returns ErrOwner if the store
// has another one.
func (f *Files) Claim(_ context.Context, owner string) error {
	path := filepath.Join(f.root, "owner")
	found, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.writeOwner(path, owner); err != nil {
			return unavailable("claim the store", err)
		}
		found, err = os.ReadFile(path) // another process may have been first
	}
	if err != nil {
		return unavailable("read the store's owner", err)
	}

	if got := strings.TrimSpace(string(found)); got != owner {
		return fmt.Errorf("%w: %s is %s's, not %s's", ErrOwner, f.root, got, owner)
	}
	return nil
}

// writeOwner creates the file whole, unless it exists.
func (f *Files) writeOwner(path, owner string) error {
	tmp, err := os.CreateTemp(f.tmp(), "owner-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // the link remains

	_, err = tmp.WriteString(owner + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Link(tmp.Name(), path)
	}

	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		// On a file system without hard links a rename is as good, unless two
		// processes claim the store at once.
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return err
	}
	return syncDir(f.root)
}
