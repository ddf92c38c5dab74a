// Command cluster runs Inlet as docker-compose.yml does, but without containers:
// replicas and workers behind nginx, with a PostgreSQL, a Redis and an S3 store of
// their own, all on 127.0.0.1. It runs in the module deploy/tools:
//
//	go run ./cluster                         until Ctrl-C
//	go run ./cluster -faults -- COMMAND …    while COMMAND runs
//
// COMMAND finds the cluster in INLET_URL and INLET_ADMIN_TOKEN, its database in
// INLET_DATABASE_URL, the addresses of the replicas in INLET_CLUSTER_REPLICAS, and
// process ids in INLET_CLUSTER_PIDS and INLET_CLUSTER_POSTGRES. Its exit status
// becomes the cluster's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:8080", "where nginx listens")
	flag.IntVar(&o.replicas, "replicas", 3, "processes that answer requests")
	flag.IntVar(&o.workers, "workers", 2, "processes that run jobs")
	flag.IntVar(&o.procs, "procs", 0, "processors of each process (GOMAXPROCS); 0: all")
	flag.StringVar(&o.blobs, "blobs", "s3", "blob store: s3 or file")
	flag.StringVar(&o.dir, "dir", "", "folder for all data; empty: a temporary one")
	faults := flag.Bool("faults", false, "while COMMAND runs, kill a process, drain another and restart Redis, over and over")
	flag.Parse()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err := run(ctx, o, *faults, flag.Args(), log)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(max(1, exit.ExitCode()))
	case err != nil && !errors.Is(err, context.Canceled):
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, faults bool, command []string, log *slog.Logger) error {
	c, err := start(ctx, o, log)
	if err != nil {
		return err
	}
	defer c.stop()
	fmt.Printf("cluster: listening on %s\noperator token: %s\n  logs in %s\n", c.url, c.token, c.dir)
	if len(command) == 0 {
		<-ctx.Done()
		return nil
	}

	ctx, done := context.WithCancel(ctx)
	defer done()
	broken := make(chan error, 1)
	go func() {
		if faults {
			broken <- c.trouble(ctx)
		} else {
			broken <- nil
		}
	}()

	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), c.environment()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err = cmd.Run()
	done()
	err = errors.Join(err, <-broken)
	for _, p := range c.processes {
		p.note()
		fmt.Printf("cluster: %s had %d MB at most\n", p.name, p.peak>>20)
	}

	return err
}
