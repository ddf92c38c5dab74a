// Command upload measures whole uploads over HTTP: Inlet, as it is built for
// production, against a bare server that only hashes, syncs and inserts
// (bench/floor). Both run as processes on one private PostgreSQL with durable
// settings. They get the same pictures in turns, so that a disturbance of the
// machine hits both. The command leaves nothing behind. It fails on any answer
// that is no success or names another picture than the one sent.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"inlet/bench/service"
)

// options are the flags.
type options struct {
	n, clients, rounds int
	quick              bool
	send               string
	only, dir, profile string
}

func main() {
	var o options
	flag.IntVar(&o.n, "n", 120, "photos a scenario; of smaller pictures there are more")
	flag.IntVar(&o.clients, "clients", 8, "clients that send at once")
	flag.IntVar(&o.rounds, "rounds", 5, "runs of each scenario on each server")
	flag.BoolVar(&o.quick, "quick", false, "one short round, to see that everything works")
	flag.StringVar(&o.send, "send", "form", "form (both servers get forms), raw (both get raw bodies), or mixed (Inlet gets forms, the floor raw bodies)")
	flag.StringVar(&o.only, "only", "", "run the scenarios with this in their name")
	flag.StringVar(&o.dir, "dir", "", "parent of the temporary folder; the run measures its disk")
	flag.StringVar(&o.profile, "profile", "", "write a processor profile of Inlet for each scenario into this folder")
	flag.Parse()
	if !slices.Contains([]string{"form", "raw", "mixed"}, o.send) {
		fmt.Fprintln(os.Stderr, "bench: -send is form, raw or mixed")
		os.Exit(2)
	}

	if o.quick {
		o.n, o.rounds = min(o.n, 8), 1
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp(o.dir, "inlet-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	b := &bench{options: o, dir: dir, results: map[string]*result{}}
	fmt.Fprintln(os.Stderr, "building both servers")
	if err := build(ctx, dir, o.profile != ""); err != nil {
		return err
	}

	fmt.Fprintln(os.Stderr, "making pictures")
	started := time.Now()
	if b.scenarios, err = scenarios(o.n, o.only); err != nil {
		return err
	}

	fmt.Fprintf(os.Stderr, "making them took %.0f s\n", time.Since(started).Seconds())
	if b.postgres, err = startPostgres(ctx, dir); err != nil {
		return err
	}
	defer b.postgres.Stop(context.WithoutCancel(ctx))
	for round := range o.rounds {
		if err := b.round(ctx, round); err != nil {
			return err
		}
	}

	b.report(os.Stdout)

	return nil
}

// build puts the binaries inlet and floor into dir.
func build(ctx context.Context, dir string, profiled bool) error {
	inlet := []string{"./cmd/inlet"}
	if profiled {
		overlay, err := profileOverlay(ctx, dir)
		if err != nil {
			return err
		}

		inlet = append([]string{"-overlay", overlay}, inlet...)
	}

	return errors.Join(service.Build(ctx, dir, "inlet", inlet...), service.Build(ctx, dir, "inlet/bench", "./floor"))
}
