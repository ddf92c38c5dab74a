// Package embedded owns the data dir of an Inlet without any configuration: its
// lock, its secrets, and the private PostgreSQL and Redis in it. It promises that
//   - one process at a time uses a data dir, and a second one gets ErrInUse;
//   - both servers listen on Unix sockets only and require a password, so they
//     never collide with other servers, and no other user reaches them;
//   - PostgreSQL is durable, and a Redis that forgets can be rebuilt from it;
//   - both end with this process, however it ends, and the next start recovers
//     what a killed one left behind;
//   - only the owner of the data dir can read its secrets;
//   - all of this holds for root, even when nobody else may enter the data dir
//     or a folder above it.
package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"inlet/embedded/child"
)

// ErrInUse means that another process uses the data dir.
var ErrInUse = errors.New("the data dir is in use")

// logBytes is the size at which a server's log is rotated.
const logBytes = 8 << 20

// Dir is a data dir that this process has locked.
type Dir struct {
	path string
	lock *os.File
}

// Open locks the data dir and creates it if it is missing. It returns ErrInUse
// while another process has the lock.
func Open(dir string) (*Dir, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("the data dir: %w", err)
	}

	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("%w (the data dir; set INLET_DATA_DIR to a folder that this user may create and write)", err)
	}

	lockPath := filepath.Join(path, "lock")
	lock, err := child.Lock(lockPath)
	if errors.Is(err, child.ErrLocked) {
		return nil, fmt.Errorf("%w: Inlet runs on %s already (process %d); stop it, or give this one another INLET_DATA_DIR",
			ErrInUse, path, child.Holder(lockPath))
	}
	if err != nil {
		return nil, fmt.Errorf("%w (the data dir; this user must be able to write to INLET_DATA_DIR)", err)
	}

	if err := child.SetHolder(lock, os.Getpid()); err != nil {
		lock.Close()
		return nil, fmt.Errorf("%w (the data dir; this user must be able to write to INLET_DATA_DIR)", err)
	}
	return &Dir{path: path, lock: lock}, nil
}

// Path returns the absolute path of the data dir.
func (d *Dir) Path() string { return d.path }

// Close unlocks the data dir. The caller stops its servers first.
func (d *Dir) Close() error { return child.Unlock(d.lock) }

// Secret returns the content of the file called name. If the file is missing,
// Secret generates the content and makes it durable before it returns it.
func (d *Dir) Secret(name string, generate func() (string, error)) (value string, created bool, err error) {
	path := filepath.Join(d.path, name)
	raw, err := os.ReadFile(path)
	switch {
	case err == nil:
		value = strings.TrimSpace(string(raw))
		if value == "" {
			return "", false, fmt.Errorf("%s is empty; remove it to have a new one made", path)
		}
		return value, false, nil

	case !errors.Is(err, fs.ErrNotExist):
		return "", false, fmt.Errorf("the data dir: %w", err)
	}

	if value, err = generate(); err != nil {
		return "", false, fmt.Errorf("make %s: %w", name, err)
	}

	err = renameio.WriteFile(path, []byte(value+"\n"), 0o600)
	if err == nil {
		err = child.SyncFolder(d.path)
	}
	if err != nil {
		return "", false, fmt.Errorf("write %s: %w", name, err)
	}
	return value, true, nil
}

// openLog opens the log of a server in the data dir.
func (d *Dir) openLog(name string) (*child.Log, error) {
	return child.OpenLog(filepath.Join(d.path, name), logBytes)
}
