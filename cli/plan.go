package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"inlet/client"
)

// plan finds out which files have to be sent, and reports the others.
func (u *upload) plan(ctx context.Context, files []*file) ([]*file, error) {
	files = u.takeable(files)
	files, err := u.hash(ctx, files)
	if err != nil {
		return nil, err
	}
	return u.unknown(ctx, join(files))
}

// takeable leaves out what the server is sure to refuse.
func (u *upload) takeable(files []*file) []*file {
	return slices.DeleteFunc(files, func(f *file) bool {
		if f.size <= u.maxFile {
			return false
		}
		u.report.done(f, client.Result{Filename: f.name, Status: client.Rejected, Error: tooLarge(u.maxFile)})
		return true
	})
}

// hash reads all files, and leaves out those that cannot be read.
func (u *upload) hash(ctx context.Context, files []*file) ([]*file, error) {
	total := int64(0)
	for _, f := range files {
		total += f.size
	}
	bar := u.bars.total("checking", total, len(files))
	defer bar.drop()
	readable := make([]bool, len(files))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := f.hash(bar); err != nil {
				u.report.failed(f, err)
				return nil
			}
			readable[i] = true
			bar.count(1)
			return nil
		})
	}
	err := g.Wait()
	kept := files[:0]
	for i, f := range files {
		if readable[i] {
			kept = append(kept, f)
		}
	}
	return kept, err
}

func (f *file) hash(bar *bar) error {
	in, err := f.fresh()
	if err != nil {
		return err
	}
	defer in.Close()
	h := sha256.New()
	if _, err := io.Copy(h, bar.reader(in)); err != nil {
		return bare(err)
	}
	h.Sum(f.sum[:0])
	return nil
}

// join puts files with the same bytes together: they are sent once.
func join(files []*file) []*file {
	first := map[[32]byte]*file{}
	return slices.DeleteFunc(files, func(f *file) bool {
		if one, found := first[f.sum]; found {
			one.twins = append(one.twins, f)
			return true
		}
		first[f.sum] = f
		return false
	})
}

// unknown asks the server which files it has, and leaves these out.
func (u *upload) unknown(ctx context.Context, files []*file) ([]*file, error) {
	var fresh []*file
	for batch := range slices.Chunk(files, client.MaxCheck) {
		sums := make([]string, len(batch))
		for i, f := range batch {
			sums[i] = hex.EncodeToString(f.sum[:])
		}
		known, err := u.link.Check(ctx, sums)
		if err != nil {
			return nil, fmt.Errorf("ask which files are known: %w", err)
		}
		for i, f := range batch {
			id, is := known[sums[i]]
			if !is {
				fresh = append(fresh, f)
				continue
			}
			u.report.done(f, client.Result{Filename: f.name, Status: client.Known, ID: id, SHA256: sums[i], Bytes: f.size})
		}
	}
	return fresh, nil
}
