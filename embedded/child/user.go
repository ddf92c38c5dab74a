package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Unprivileged returns the user that runs a server with its files in dir, nil for
// this process's user. Root's servers run as the owner of dir or, if dir is new or
// root's, as the first of the named users that the machine has.
func Unprivileged(dir string, names ...string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}

	uid, gid, err := owner(dir)
	if err == nil && uid != 0 {
		return &syscall.Credential{Uid: uid, Gid: gid}, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("child: %w", err)
	}

	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}

		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("child: a server is not run as root, and this machine has no user %s", strings.Join(names, " or "))
}

func owner(path string) (uid, gid uint32, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}

	stat := info.Sys().(*syscall.Stat_t) // on every Unix
	return stat.Uid, stat.Gid, nil
}

// Give makes user the owner of a file, or of a folder and everything in it.
func Give(path string, user *syscall.Credential) error {
	if user == nil {
		return nil
	}

	return filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(user.Uid), int(user.Gid))
	})
}

// Adopt gives user a folder that root owns, such as a backup that root restored.
func Adopt(dir string, user *syscall.Credential) error {
	uid, _, err := owner(dir)
	if err != nil || uid != 0 {
		return err
	}
	return Give(dir, user)
}
