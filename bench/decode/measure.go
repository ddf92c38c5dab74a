package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// own is the processor time that this process has used, all threads together.
func own() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // it cannot fail
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// spent is the processor time that f takes.
func spent(f func() error) (time.Duration, error) {
	start := own()
	err := f()
	return own() - start, err
}

// program is the processor time that a program takes, as a process of its own.
func program(ctx context.Context, name string, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w: %s", name, err, stderr.String())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// medians runs each of the measurements once a round, so that all see the same
// machine, and returns the median of each.
func medians(rounds int, measure ...func() (time.Duration, error)) ([]time.Duration, error) {
	times := make([][]time.Duration, len(measure))
	for range rounds {
		for i, m := range measure {
			runtime.GC() // what others left is not for this one to clear away
			t, err := m()
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], t)
		}
	}
	out := make([]time.Duration, len(measure))
	for i, t := range times {
		out[i] = median(t)
	}
	return out, nil
}

func median[T time.Duration | float64](of []T) T {
	s := slices.Sorted(slices.Values(of))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// allocated is what f allocates: bytes and objects.
func allocated(f func() error) (size, objects uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs, err
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }

func mb(n int) string { return fmt.Sprintf("%.2f", float64(n)/1e6) }
