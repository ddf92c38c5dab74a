package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"inlet/blob"
	"inlet/blob/s3"
	"inlet/resume"
	"inlet/tracing"
	"inlet/vault"
)

// blobStore stores contents as files or in S3.
type blobStore interface {
	vault.Blobs
	SweepStaging(ctx context.Context, olderThan time.Time) (int, error)
	Ping(ctx context.Context) error
}

// blobs measures the store that the configuration names.
type blobs struct {
	blobStore
	pieces resume.Store // of uploads in pieces, beside the pictures
	bucket *s3.Store    // where clients fetch pictures; nil: the service itself sends them
	origin string       // of the bucket's addresses

	seconds *prometheus.HistogramVec
	errors  *prometheus.CounterVec
}

// openBlobs opens the store. It waits for one on another machine.
func openBlobs(ctx context.Context, cfg config, r prometheus.Registerer, log *slog.Logger) (_ *blobs, err error) {
	b := measuredBlobs(r)
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

func measuredBlobs(r prometheus.Registerer) *blobs {
	factory := promauto.With(r)
	b := &blobs{
		seconds: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inlet_blob_seconds", Help: "Time of operations of the blob store. Open is without the reading.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation"}),
		errors: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "inlet_blob_errors_total", Help: "Operations that the blob store failed at.",
		}, []string{"operation"}),
	}
	for _, operation := range []string{"keep", "open", "put", "delete"} {
		b.seconds.WithLabelValues(operation)
		b.errors.WithLabelValues(operation)
	}

	return b
}

// begin starts an operation: pass ctx to it, and defer end, which observes it.
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
