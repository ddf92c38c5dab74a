// Command load is inlet-load: users that constantly upload. Each user sends one
// picture after the other, over networks that may be slow or break, and retries
// when the service is busy. Then the command fetches and compares every
// acknowledged picture, and compares the statistics with the acknowledgements, to
// the last unit. Its status is 0 only if all of that is right and only 429 and 503
// delayed a file.
//
// Without -url it starts a private service of this tree. It runs in the module
// bench:
//
//	go run ./load -users 1000 -duration 1m
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

var errFailed = errors.New("the run failed")

func main() {
	var o options
	o.register(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "load: %q is no flag; see -h\n", flag.Arg(0))
		os.Exit(2)
	}

	if o.url == "" {
		o.url = os.Getenv("INLET_URL")
	}

	if o.token == "" {
		o.token = os.Getenv("INLET_ADMIN_TOKEN")
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	if err := errors.Join(o.validate(), enoughFiles(o.users)); err != nil {
		return err
	}

	dir, err := os.MkdirTemp("", "inlet-load-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// A private service must outlive ctx, for the verification.
	t, err := openTarget(context.WithoutCancel(ctx), o, dir)
	if err != nil {
		return err
	}
	defer t.stop()
	l, err := newLoad(o, t)
	if err != nil {
		return err
	}

	r, err := l.measure(ctx)
	if err != nil {
		return err
	}
	if o.json {
		err = r.writeJSON(os.Stdout)
	} else {
		r.writeText(os.Stdout)
	}

	if err == nil && !r.good() {
		err = errFailed
	}

	return err
}

// measure runs the load, reports and verifies.
func (l *load) measure(ctx context.Context) (*report, error) {
	var before *document
	if l.verifies() {
		doc, err := l.statistics(ctx)
		if err != nil {
			return nil, err
		}

		before = &doc
	}

	fmt.Fprintf(os.Stderr, "%d users for %v, seed %d\n", l.users, l.duration, l.seed)
	used, own := cpuOf(l.target.pids...), cpuOf(os.Getpid())
	stopped, stop := context.WithCancel(context.WithoutCancel(ctx))
	var line sync.WaitGroup
	line.Go(func() { l.progress(stopped, os.Stderr) })
	l.run(ctx)
	stop()
	line.Wait()
	r := l.report()
	r.Usage, r.Generator = usageSince(used, r.Files), usageSince(own, r.Files)[0]
	if l.verify {
		started := time.Now()
		r.Verification = l.check(ctx, before)
		fmt.Fprintf(os.Stderr, "verified in %.0f s\n", time.Since(started).Seconds())
	}

	return r, nil
}

// verifies tells whether the run compares statistics.
func (l *load) verifies() bool { return l.verify && l.target.token != "" }

// enoughFiles returns an error if the users need more connections than the limit
// of open files, which Go has raised as far as it can.
func enoughFiles(users int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read the limit of open files: %w", err)
	}

	const others = 64
	if uint64(users)+others > limit.Cur {
		return fmt.Errorf("%d users need as many connections, and this process may have %d open files: see ulimit -n", users, limit.Cur)
	}

	return nil
}
