package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// mark is a parameter without effect that every server of ours carries in its
// command line, with the path of its cluster.
const mark = "inlet.cluster"

// pidFile is what a server writes into postmaster.pid.
type pidFile struct {
	pid    int
	status string
}

func (c *cluster) pidFile() (pidFile, error) {
	raw, err := os.ReadFile(filepath.Join(c.Dir, "postmaster.pid"))
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

// awaitPredecessor waits for the server of a process that was killed: it has
// been told to stop, but may still be writing its last checkpoint. The caller
// holds the lock on the data dir, so no living process of ours needs it.
func (c *cluster) awaitPredecessor(ctx context.Context) error {
	old, err := c.pidFile()
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil || old.pid <= 1 {
		return nil // PostgreSQL judges a damaged file itself
	}
	if !c.isServer(old.pid) {
		return c.dropStale(old.pid)
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		_ = syscall.Kill(old.pid, signal) // fails when it has just ended
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			if !c.isServer(old.pid) {
				return nil
			}
			if err := pause(ctx, 10*time.Millisecond); err != nil {
				return fmt.Errorf("wait for the server of an earlier run (process %d) to end: %w", old.pid, err)
			}
		}
	}
	return fmt.Errorf("the server of an earlier run (process %d) does not end", old.pid)
}

// isServer says whether the process is a server on this cluster.
func (c *cluster) isServer(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && slices.Contains(strings.Split(string(raw), "\x00"), mark+"="+c.Dir)
}

// dropStale removes a pid file whose number now belongs to a stranger's
// process: PostgreSQL could take that one for its predecessor.
func (c *cluster) dropStale(pid int) error {
	if !hasProc() || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return nil
	}
	return os.Remove(filepath.Join(c.Dir, "postmaster.pid"))
}
