// Package embedded owns the data dir of an Inlet that was started with nothing
// configured: its lock, its secrets, and the private PostgreSQL and Redis that
// keep their files there. It promises that
//   - one process at a time uses a data dir, and a second one is told so;
//   - both servers are durable, listen on 127.0.0.1 only and want a password;
//     a database or a Redis that the machine runs already is never used;
//   - they end with this process, however it ends, and the next start recovers
//     what a killed one left behind;
//   - secrets are readable for the owner of the data dir alone;
//   - all of it works for root, also when nobody else may enter the data dir
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

// ErrInUse says that another process uses the data dir.
var ErrInUse = errors.New("the data dir is in use")

// logBytes is how long a server's log grows before it is begun anew; the one
// before it is kept.
const logBytes = 8 << 20

// Dir is a data dir that this process has for itself.
type Dir struct {
	path string
	lock *os.File
}

// Open takes the data dir, and makes it if it is not there.
func Open(dir string) (*Dir, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("embedded: make the data dir: %w", err)
	}
	place := filepath.Join(path, "lock")
	lock, err := child.Lock(place)
	if errors.Is(err, child.ErrLocked) {
		return nil, fmt.Errorf("%w: Inlet runs on %s already (process %d); stop it, or give this one another INLET_DATA_DIR",
			ErrInUse, path, child.Holder(place))
	}
	if err != nil {
		return nil, fmt.Errorf("embedded: the data dir: %w", err)
	}
	if err := child.SetHolder(lock, os.Getpid()); err != nil {
		lock.Close()
		return nil, fmt.Errorf("embedded: the data dir: %w", err)
	}
	return &Dir{path: path, lock: lock}, nil
}

// Path is the absolute path of the data dir.
func (d *Dir) Path() string { return d.path }

// Close gives the data dir back. Its servers must have been stopped.
func (d *Dir) Close() error { return child.Unlock(d.lock) }

// Secret is the content of the file called name. If there is none, it is
// generated, and kept before it is returned.
func (d *Dir) Secret(name string, generate func() (string, error)) (value string, created bool, err error) {
	path := filepath.Join(d.path, name)
	raw, err := os.ReadFile(path)
	switch {
	case err == nil:
		value = strings.TrimSpace(string(raw))
		if value == "" {
			return "", false, fmt.Errorf("embedded: %s is empty; remove it to have a new one made", path)
		}
		return value, false, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", false, fmt.Errorf("embedded: %w", err)
	}
	if value, err = generate(); err != nil {
		return "", false, fmt.Errorf("embedded: make %s: %w", name, err)
	}
	if err := renameio.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
		return "", false, fmt.Errorf("embedded: keep %s: %w", name, err)
	}
	if err := syncFolder(d.path); err != nil {
		return "", false, fmt.Errorf("embedded: keep %s: %w", name, err)
	}
	return value, true, nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
