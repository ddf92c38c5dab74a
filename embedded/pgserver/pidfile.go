package pgserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// pidFile is the part of postmaster.pid that matters here.
type pidFile struct {
	pid    int
	status string
}

func (c *cluster) pidPath() string { return filepath.Join(c.Dir, "postmaster.pid") }

func (c *cluster) pidFile() (pidFile, error) {
	raw, err := os.ReadFile(c.pidPath())
	if err != nil {
		return pidFile{}, err
	}

	var f pidFile
	lines := strings.Split(string(raw), "\n")
	f.pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if len(lines) >= 8 {
		f.status = strings.TrimSpace(lines[7])
	}
	return f, err
}

// dropStale removes the lock files of a killed server, because another process
// may have its number now, which PostgreSQL would take for that server. The
// caller holds the cluster's lock. A server that somebody started on the cluster
// by hand keeps its pid file, which stops ours.
func (c *cluster) dropStale() error {
	// PostgreSQL itself judges a damaged pid file.
	if old, err := c.pidFile(); err == nil && old.pid > 1 && c.isStranger(old.pid) {
		if err := os.Remove(c.pidPath()); err != nil {
			return err
		}
	}

	err := os.Remove(filepath.Join(c.Dir, ".s.PGSQL."+port+".lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// isStranger tells whether the process is not a server on this cluster.
func (c *cluster) isStranger(pid int) bool {
	proc := fmt.Sprintf("/proc/%d/", pid)
	folder, err := os.Stat(c.Dir)
	if err != nil {
		return false
	}

	if cwd, err := os.Stat(proc + "cwd"); err == nil {
		return !os.SameFile(cwd, folder)
	}

	name, err := os.ReadFile(proc + "comm")
	return err == nil && strings.TrimSpace(string(name)) != "postgres"
}
