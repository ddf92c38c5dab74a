// Command lookup measures the search for near-duplicates among millions of
// pictures: package upload/match on a private PostgreSQL with the product's
// schema. It leaves nothing behind, unless -fill names a database.
//
// A model of photos (pictures.go) makes the fingerprints. Loading differs from
// production: it syncs nothing and builds indexes at the end; thumbnails in stored
// fingerprints are blank and compressed, so that ten million need 10 GB of disk
// and not 60. During the measurements commits are durable.
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
	rows := flag.String("rows", "1000000,10000000", "numbers of stored pictures; each number is a run")
	flag.IntVar(&o.n, "n", 2000, "look-ups of each kind")
	flag.BoolVar(&o.quick, "quick", false, "20,000 rows and few look-ups, to see that everything works")
	flag.StringVar(&o.fill, "fill", "", "measure nothing, but fill this database, whose schema must be up to date")
	flag.IntVar(&o.from, "from", 0, "with -fill: number of the first picture, if the database has some")
	flag.StringVar(&o.dir, "dir", "", "parent of the temporary folder; ten million rows take 15 GB of its disk")
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
