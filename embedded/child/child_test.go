package child

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func shell(t *testing.T, script string) (*Process, *Log) {
	t.Helper()
	log, err := OpenLog("", 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(Command{Path: "/bin/sh", Args: []string{"-c", script}, Output: log, Orphaned: syscall.SIGKILL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(context.Background(), 0) })
	return p, log
}

func TestRunsToItsEnd(t *testing.T) {
	t.Parallel()
	p, log := shell(t, "echo said; echo complained >&2; pwd; exit 3")
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("ended with %v", err)
	}
	if got := log.Tail(); got != "said\ncomplained\n/" {
		t.Errorf("wrote %q", got)
	}
	p.Stop(t.Context(), time.Minute, syscall.SIGTERM) // does no harm
}

func TestEnvironmentIsOurs(t *testing.T) {
	t.Setenv("PGPORT", "5432")
	t.Setenv("LC_ALL", "tr_TR.UTF-8")
	t.Setenv("LD_LIBRARY_PATH", "/somewhere")
	p, log := shell(t, `echo "$PGPORT $LC_ALL $LD_LIBRARY_PATH"`)
	if err := p.Err(); err != nil || log.Tail() != "C /somewhere" {
		t.Errorf("%q, %v", log.Tail(), err)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	if _, err := Start(Command{Path: filepath.Join(t.TempDir(), "none"), Output: io.Discard}); err == nil {
		t.Error("what is not there was started")
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		haste  bool
		script string
		grace  time.Duration
	}{
		"obeys":                    {false, "exec sleep 600", time.Minute},
		"obeys the second":         {false, "trap '' INT; exec sleep 600", time.Millisecond},
		"obeys none":               {false, "trap '' INT TERM; exec sleep 600", time.Millisecond},
		"in haste":                 {true, "trap '' INT; exec sleep 600", time.Minute},
		"in haste, and obeys none": {true, "trap '' INT TERM; exec sleep 600", 10 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := shell(t, test.script)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.haste {
				cancel()
			}
			p.Stop(ctx, test.grace, syscall.SIGINT, syscall.SIGTERM)
			select {
			case <-p.Done():
			default:
				t.Error("it still runs")
			}
		})
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	log, err := OpenLog("", 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(Command{Path: "/bin/cat", Input: strings.NewReader("read this"), Output: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err != nil || log.Tail() != "read this" {
		t.Errorf("%q, %v", log.Tail(), err)
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("from an earlier run\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := OpenLog(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 49) + "\n"
	for range 102 {
		if n, err := io.WriteString(log, line); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	for name, want := range map[string]int64{path: 50, path + ".1": 100} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() != want || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %d bytes, %v; want %d", filepath.Base(name), info.Size(), info.Mode(), want)
		}
	}
	if tail := log.Tail(); len(tail) > tailBytes || !strings.HasPrefix(tail, line) {
		t.Errorf("a tail of %d bytes: %q", len(tail), tail)
	}
	for range 2 {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := io.WriteString(log, "after the end"); err != nil {
		t.Error(err)
	}
	if _, err := OpenLog(filepath.Join(path, "below a file"), 1); err == nil {
		t.Error("a log below a file")
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	if pid := Holder(path); pid != 0 {
		t.Errorf("nobody's lock is held by %d", pid)
	}
	lock, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := SetHolder(lock, 123456); err != nil {
		t.Fatal(err)
	}
	if err := SetHolder(lock, 42); err != nil || Holder(path) != 42 {
		t.Errorf("held by %d, %v", Holder(path), err)
	}
	if _, err := Lock(path); !errors.Is(err, ErrLocked) {
		t.Errorf("taken twice: %v", err)
	}
	if err := Unlock(lock); err != nil {
		t.Error(err)
	}
	again, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if err := SetHolder(again, 1); err == nil {
		t.Error("a closed lock has a new holder")
	}
}

// holding starts a process that holds the lock at path.
func holding(t *testing.T, path, script string) *Process {
	t.Helper()
	lock, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	cmd := Command{Path: "/bin/sh", Args: []string{"-c", script}, Output: io.Discard, Orphaned: syscall.SIGKILL}
	cmd.Inherit(lock)
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(context.Background(), 0) })
	if err := SetHolder(lock, p.Pid()); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"from one that obeys":         "exec sleep 600",
		"from one that has to be hit": "trap '' TERM; exec sleep 600",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lock")
			p := holding(t, path, script)
			lock, err := TakeOver(t.Context(), path, 500*time.Millisecond, syscall.SIGTERM, syscall.SIGKILL)
			if err != nil {
				t.Fatal(err)
			}
			lock.Close()
			if err := p.Err(); err == nil {
				t.Error("it was not told to end")
			}
		})
	}
	t.Run("in vain", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "lock")
		holding(t, path, "trap '' TERM; exec sleep 600")
		_, err := TakeOver(t.Context(), path, 0)
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "does not end") {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := TakeOver(ctx, path, time.Hour, syscall.SIGCONT); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
