package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// Lock takes the lock that the file at path stands for, without waiting. It is
// held until the returned file is closed here and in every process that
// inherited it, so a server that inherits it holds it as long as it, or
// anything that it has forked, lives.
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

// Unlock gives a lock back at once, also for processes that inherited it. One
// that is being forked just now would otherwise hold it for a moment.
func Unlock(lock *os.File) error {
	return errors.Join(unix.Flock(int(lock.Fd()), unix.LOCK_UN), lock.Close())
}

// SetHolder writes down who holds the lock.
func SetHolder(lock *os.File, pid int) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := lock.WriteAt([]byte(strconv.Itoa(pid)+"\n"), 0)
	return err
}

// Holder is who holds, or last held, the lock at path; 0 if that is not known.
func Holder(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
	return pid
}

// TakeOver takes the lock at path from a server that a killed process has left
// behind. That one has been told to stop, but may still be writing: it is
// waited for a moment, and then sent the signals one after the other, each with
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

// Pause waits, but not beyond the end of ctx.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
