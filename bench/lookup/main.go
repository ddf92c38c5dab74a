// Command lookup measures how long it takes to find pictures that look alike
// among millions: package upload/lookalike on a private PostgreSQL with the
// product's schema. It keeps nothing, unless -fill names a database of your own.
//
// The fingerprints are made by a model of photos (pictures.go), which is held
// against figures of real ones. What differs from production: while rows are
// loaded nothing is synced and indexes are built afterwards; thumbnails in stored
// fingerprints are blank and compressed, so that ten million need 10 GB of disk
// and not 60. For the measurements everything is durable again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// options are the flags.
type options struct {
	rows  []int
	n     int
	dir   string
	quick bool
	fill  string
	from  int
}

func main() {
	var o options
	rows := flag.String("rows", "1000000,10000000", "how many pictures are stored; each number is a run")
	flag.IntVar(&o.n, "n", 2000, "look-ups of each kind")
	flag.BoolVar(&o.quick, "quick", false, "20,000 rows and few look-ups, to see that everything works")
	flag.StringVar(&o.fill, "fill", "", "measure nothing: put the pictures into this database, whose schema is up to date, and leave them there")
	flag.IntVar(&o.from, "from", 0, "with -fill: the first picture, when there are some already")
	flag.StringVar(&o.dir, "dir", "", "put the temporary folder there; ten million rows take 15 GB of its disk")
	flag.Parse()
	if o.quick {
		*rows, o.n = "20000", min(o.n, 100)
	}

	for field := range strings.SplitSeq(*rows, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1000 {
			fmt.Fprintln(os.Stderr, "lookup: -rows are numbers of at least 1000, with commas between them")
			os.Exit(2)
		}

		o.rows = append(o.rows, n)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "lookup:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.fill != "" {
		return fillOther(ctx, o)
	}

	for _, rows := range o.rows {
		if err := runOne(ctx, o, rows); err != nil {
			return err
		}
	}

	return nil
}

func runOne(ctx context.Context, o options, rows int) (err error) {
	dir, err := os.MkdirTemp(o.dir, "inlet-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := load(ctx, dir, rows)
	if err != nil {
		return err
	}
	defer s.stop(context.WithoutCancel(ctx))

	return s.measure(ctx, os.Stdout, o.n)
}
