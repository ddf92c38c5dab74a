package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"inlet/client"
)

// plan returns the files that the upload has to send, and reports the others.
func (u *upload) plan(ctx context.Context, files []*file) ([]*file, error) {
	files, err := u.hash(ctx, u.takeable(files))
	if err != nil {
		return nil, err
	}

	return u.unknown(ctx, join(files))
}

// takeable rejects what the server would reject for its size.
func (u *upload) takeable(files []*file) []*file {
	return slices.DeleteFunc(files, func(f *file) bool {
		if f.size <= u.maxFile {
			return false
		}

		u.report.done(f, client.Result{Filename: f.name, Status: client.Rejected, Error: &client.ProblemError{
			Type: "urn:inlet:problem:" + client.CodeTooLarge, Title: "Too large",
			Status: http.StatusRequestEntityTooLarge, Code: client.CodeTooLarge,
			Detail: fmt.Sprintf("the file is larger than the server takes: %s at most", bytesText(u.maxFile)),
		}})
		return true
	})
}

// hash reads all files, and leaves out those that it cannot read.
func (u *upload) hash(ctx context.Context, files []*file) ([]*file, error) {
	bar := u.bars.total("checking", sizeOf(files), len(files))
	defer bar.drop()

	err := each(ctx, runtime.GOMAXPROCS(0), files, func(_ context.Context, f *file) error {
		if err := f.hash(bar); err != nil {
			u.report.failed(f, err)
			return nil
		}
		bar.done()
		return nil
	})

	unread := func(f *file) bool { return f.sum == [32]byte{} }
	return slices.DeleteFunc(files, unread), err
}

// each calls work for every file, at most limit at once, until one call fails.
func each(ctx context.Context, limit int, files []*file, work func(context.Context, *file) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(limit)
	for _, f := range files {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return work(ctx, f)
		})
	}
	return g.Wait()
}

func (f *file) hash(bar *bar) error {
	in, err := f.reopen()
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

func sizeOf(files []*file) (size int64) {
	for _, f := range files {
		size += f.size
	}
	return size
}

// join groups files with the same bytes, so that the upload sends the bytes once.
func join(files []*file) []*file {
	first := map[[32]byte]*file{}
	return slices.DeleteFunc(files, func(f *file) bool {
		one, found := first[f.sum]
		if found {
			one.twins = append(one.twins, f)
		} else {
			first[f.sum] = f
		}
		return found
	})
}

// unknown asks the server which files it has, and leaves these out.
func (u *upload) unknown(ctx context.Context, files []*file) (fresh []*file, err error) {
	for batch := range slices.Chunk(files, client.MaxCheck) {
		sums := make([]string, len(batch))
		for i, f := range batch {
			sums[i] = hex.EncodeToString(f.sum[:])
		}

		known, err := u.link.Check(ctx, sums)
		if err != nil {
			return nil, fmt.Errorf("cannot ask the server which files it has: %w", err)
		}

		for i, f := range batch {
			if id, found := known[sums[i]]; found {
				u.report.done(f, client.Result{Filename: f.name, Status: client.Known, ID: id, SHA256: sums[i], Bytes: f.size})
			} else {
				fresh = append(fresh, f)
			}
		}
	}
	return fresh, nil
}
