package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inlet/blob"
	"inlet/blob/s3"
	"inlet/resume"
	"inlet/tracing"
	"inlet/vault"
)

// blobStore is a store for contents: files or S3.
type blobStore interface {
	vault.Blobs
	SweepStaging(ctx context.Context, olderThan time.Time) (int, error)
	Ping(ctx context.Context) error
}

// blobs is the store that the configuration names, measured.
type blobs struct {
	blobStore
	pieces resume.Store // of uploads in pieces, beside the pictures
	bucket *s3.Store    // where clients fetch pictures; nil: the service sends them
	origin string       // of the bucket's addresses

	seconds *prometheus.HistogramVec
	errors  *prometheus.CounterVec
}

// openBlobs opens the store. It waits for one on another machine.
func openBlobs(ctx context.Context, cfg config, r prometheus.Registerer, log *slog.Logger) (_ *blobs, err error) {
	b := &blobs{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inlet_blob_seconds", Help: "Time of operations of the blob store. Open is without the reading.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inlet_blob_errors_total", Help: "Operations that the blob store failed at.",
		}, []string{"operation"}),
	}
	r.MustRegister(b.seconds, b.errors)
	for _, operation := range operations {
		b.seconds.WithLabelValues(operation)
		b.errors.WithLabelValues(operation)
	}
	if !cfg.onS3() {
		files, err := blob.Open(cfg.BlobURL)
		if err != nil {
			return nil, err
		}
		r.MustRegister(newBlobRoom(files))
		b.blobStore = files
		b.pieces, err = resume.OpenFiles(cfg.BlobURL)
		return b, err
	}
	var store *s3.Store
	err = whenThere(ctx, log, "the blob store", blob.ErrUnavailable, func() (err error) {
		store, err = s3.Open(ctx, s3.Options{URL: cfg.BlobURL, Staging: filepath.Join(cfg.DataDir, "staging")})
		return err
	})
	if err != nil {
		return nil, err
	}
	b.blobStore, b.pieces = store, resume.OpenBucket(store)
	if cfg.BlobRedirect {
		b.bucket = store
		b.origin, err = store.Origin(ctx)
	}
	return b, err
}

// operations are those that are measured.
var operations = []string{"keep", "open", "put", "delete"}

// begin begins an operation: ctx is for what it does, and end observes it.
func (b *blobs) begin(ctx context.Context, operation string) (_ context.Context, end func(err *error)) {
	ctx, span := tracing.Start(ctx, "blob "+operation)
	begun := time.Now()
	return ctx, func(err *error) {
		span.End()
		b.seconds.WithLabelValues(operation).Observe(time.Since(begun).Seconds())
		if errors.Is(*err, blob.ErrUnavailable) {
			b.errors.WithLabelValues(operation).Inc()
		}
	}
}

// Keep implements vault.Blobs.
func (b *blobs) Keep(ctx context.Context, st *blob.Staged, k blob.Key) (err error) {
	ctx, end := b.begin(ctx, "keep")
	defer end(&err)
	return b.blobStore.Keep(ctx, st, k)
}

// Open implements vault.Blobs.
func (b *blobs) Open(ctx context.Context, k blob.Key) (_ blob.Blob, err error) {
	ctx, end := b.begin(ctx, "open")
	defer end(&err)
	return b.blobStore.Open(ctx, k)
}

// Put implements vault.Blobs.
func (b *blobs) Put(ctx context.Context, k blob.Key, r io.Reader) (err error) {
	ctx, end := b.begin(ctx, "put")
	defer end(&err)
	return b.blobStore.Put(ctx, k, r)
}

// Delete implements vault.Blobs.
func (b *blobs) Delete(ctx context.Context, k blob.Key) (err error) {
	ctx, end := b.begin(ctx, "delete")
	defer end(&err)
	return b.blobStore.Delete(ctx, k)
}
