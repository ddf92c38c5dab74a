package pgserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// pidFile is what a server writes into postmaster.pid.
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

// dropStale removes the pid file of a server that was killed if its number now
// belongs to a stranger, whom PostgreSQL could take for that server. The caller
// holds the cluster's lock. A server that somebody else has started on the
// cluster by hand is not mistaken for a stranger.
func (c *cluster) dropStale() error {
	// PostgreSQL judges a damaged file itself.
	if old, err := c.pidFile(); err == nil && old.pid > 1 && c.isStranger(old.pid) {
		return os.Remove(c.pidPath())
	}
	return nil
}

func (c *cluster) isStranger(pid int) bool {
	proc := fmt.Sprintf("/proc/%d/", pid)
	folder, err := os.Stat(c.Dir)
	if err != nil {
		return false
	}
	if works, err := os.Stat(proc + "cwd"); err == nil {
		return !os.SameFile(works, folder)
	}
	name, err := os.ReadFile(proc + "comm")
	return err == nil && strings.TrimSpace(string(name)) != "postgres"
}
