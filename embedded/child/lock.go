package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked means that another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// Lock locks the file at path, which it creates if it is missing, or returns
// ErrLocked at once. The lock lasts until the returned file is closed here and in
// every process that inherited it: a server holds it as long as the server or
// anything that it has forked lives.
func Lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}

	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is %w", path, ErrLocked)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// Unlock releases a lock at once, also for processes that inherited it: a process
// that this one is just forking would hold it a moment longer.
func Unlock(lock *os.File) error {
	return errors.Join(unix.Flock(int(lock.Fd()), unix.LOCK_UN), lock.Close())
}

// SetHolder writes the holder's process id into the lock.
func SetHolder(lock *os.File, pid int) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}

	_, err := lock.WriteAt([]byte(strconv.Itoa(pid)+"\n"), 0)
	return err
}

// Holder returns the process id of the current or the last holder of the lock at
// path, 0 if it is unknown.
func Holder(path string) int {
	raw, _ := os.ReadFile(path)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
	return pid
}

// TakeOver takes the lock at path from a server that a killed process left
// behind. The kernel has signalled that server, but it may still be writing:
// TakeOver waits a moment, then sends the signals one after the other, each with
// the time of grace.
func TakeOver(ctx context.Context, path string, grace time.Duration, signals ...syscall.Signal) (*os.File, error) {
	deadline := time.Now().Add(200 * time.Millisecond)
	for {
		lock, err := Lock(path)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}

		pid := Holder(path)
		if time.Now().After(deadline) {
			if len(signals) == 0 {
				return nil, fmt.Errorf("the server of an earlier run (process %d) does not end: %w", pid, err)
			}
			if pid > 1 {
				_ = syscall.Kill(pid, signals[0]) // fails when it has just ended
			}
			signals, deadline = signals[1:], time.Now().Add(grace)
		}

		if err := Pause(ctx, 10*time.Millisecond); err != nil {
			return nil, fmt.Errorf("wait for the server of an earlier run (process %d): %w", pid, err)
		}
	}
}

// Pause waits for d or, with an error, until ctx ends.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// SyncFolder makes the entries of a folder durable.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
