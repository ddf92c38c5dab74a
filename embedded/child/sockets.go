package child

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxSocketDir is the longest path of a folder with sockets: a socket's path
	// has at most 103 bytes on macOS and 107 on Linux, and its name 16 of them.
	maxSocketDir = 103 - 16
	// aliasPrefix begins the names of the temporary folders that ShortPath makes.
	aliasPrefix = "inlet-socket-"
	// alias is the link in such a folder.
	alias = "s"
)

// ShortPath returns a path of the existing folder dir by which clients reach the
// sockets in it: dir itself or, where that is too long or has a comma, which
// separates addresses, a link to it in a folder of mode 0700 under the temporary
// folder. The caller must call release, which removes that folder, and must hold
// a lock on dir: ShortPath removes what an owner that was killed left behind.
func ShortPath(dir string) (path string, release func(), err error) {
	if len(dir) <= maxSocketDir && !strings.Contains(dir, ",") {
		return dir, func() {}, nil
	}

	parent := os.TempDir()
	if len(parent)+len(aliasPrefix)+16 > maxSocketDir {
		parent = "/tmp"
	}
	dropAliases(parent, dir)

	temp, err := os.MkdirTemp(parent, aliasPrefix)
	if err != nil {
		return "", nil, fmt.Errorf("child: make a short path of %s: %w", dir, err)
	}

	path = filepath.Join(temp, alias)
	if err := os.Symlink(dir, path); err != nil {
		return "", nil, errors.Join(fmt.Errorf("child: make a short path of %s: %w", dir, err), os.RemoveAll(temp))
	}

	// While the folder is locked, systemd-tmpfiles does not remove it for its age.
	lock, err := os.Open(temp)
	if err == nil {
		_ = unix.Flock(int(lock.Fd()), unix.LOCK_SH)
	}

	return path, func() {
		_ = lock.Close()
		_ = os.RemoveAll(temp) // ShortPath or the system removes what is left
	}, nil
}

// dropAliases removes the links to dir, and those to folders that are gone.
func dropAliases(parent, dir string) {
	temps, _ := filepath.Glob(filepath.Join(parent, aliasPrefix+"*")) // fails for malformed patterns only
	for _, temp := range temps {
		target, err := os.Readlink(filepath.Join(temp, alias))
		if err != nil {
			continue // it belongs to another user or is just being made
		}

		if _, err := os.Stat(target); target == dir || errors.Is(err, fs.ErrNotExist) {
			_ = os.RemoveAll(temp)
		}
	}
}

// Listens tells whether a server accepts connections at the Unix socket or, for
// host:port, at the TCP port. Ask it before a Redis client, which prints every
// refused connection on standard error.
func Listens(ctx context.Context, address string) bool {
	network := "tcp"
	if filepath.IsAbs(address) {
		network = "unix"
	}

	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
