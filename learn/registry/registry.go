// Package registry owns what the batch layer learns: the features of pictures, the
// trained models, and what the serving model predicts.
//
// It promises that one model serves at a time, and that every process that predicts
// has swapped in a promoted one a second later. Two trainings never run at once; one
// whose process dies begins anew elsewhere. A prediction never outlives its picture,
// and a picture that resembles a labelled one is not predicted by a model that
// learnt from it. Every operation may run again, or twice at once.
//
// The tables features, models, predictions and training are its own.
package registry

import (
	"context"
	"errors"
	"image"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"inlet/catalog"
	"inlet/imaging"
	"inlet/learn/features"
	"inlet/problem"
	"inlet/stats"
)

// Failures that are the caller's.
var (
	ErrNoModel      = problem.New(problem.NotFound, "there is no such model")
	ErrNoPrediction = problem.New(problem.NotFound, "no model has predicted anything for this picture yet")
	ErrExtractor    = problem.New(problem.BadRequest, "the model was trained on features of another version; train a new one")
	// ErrTraining says that a training has been asked for, or runs.
	ErrTraining = problem.New(problem.AlreadyTraining, "a training has been asked for already")
	// ErrOutranked says that stored features are of a better version than this
	// process makes: it leaves the learning to others.
	ErrOutranked = errors.New("the stored features are of a version that outranks that of this process")
)

// Reader reads pictures: in the size that features take, and as an upload is
// inspected. (imaging.Inspector does.)
type Reader interface {
	Small(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format) (*image.RGBA, error)
	Inspect(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format) (imaging.Info, error)
}

// Later enqueues jobs. (Package jobs does; it stands above this one.)
type Later interface {
	// Train has Service.Train called for a request.
	Train(ctx context.Context, request Request) error
	// PredictAll has Service.PredictAll called for the model, in the transaction that
	// makes it serve.
	PredictAll(ctx context.Context, tx pgx.Tx, version catalog.Version) error
	// Features has Service.Describe called for each picture.
	Features(ctx context.Context, ids []ID) error
}

// Options of a Service. All fields without a stated default are required.
type Options struct {
	Pool      *pgxpool.Pool
	Catalog   *catalog.Service
	Stats     *stats.Service
	Extractor *features.Extractor
	Reader    Reader
	Later     Later
	// MinImages is how many pictures a label needs (default: 8).
	MinImages int
	// TrainEvery is how often a training is considered (0: never).
	TrainEvery time.Duration
	// Patience is how long a training waits for features while no further picture gets
	// them (default: two minutes).
	Patience time.Duration
	// Yield lets interactive work go first; it may block for some milliseconds.
	Yield      func(ctx context.Context)
	Log        *slog.Logger          // nil: nothing is logged
	Registerer prometheus.Registerer // nil: metrics are not exported
	Now        func() time.Time      // nil: time.Now
}

// Service keeps features, models and predictions. It is safe for concurrent use.
type Service struct {
	Options
	serving  atomic.Pointer[Serving] // as this process last saw it
	refused  atomic.Pointer[refused] // a serving model that this process cannot use
	progress paced[Progress]
	changed  paced[int64]
	metrics  *metrics
}

// New makes a Service.
func New(o Options) *Service {
	if o.MinImages == 0 {
		o.MinImages = 8
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Minute
	}
	if o.Yield == nil {
		o.Yield = func(context.Context) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}

	s := &Service{Options: o, metrics: newMetrics(o.Registerer)}
	if o.Extractor.Nets() {
		s.metrics.nets.Set(1)
	}

	return s
}

// Run follows the promotions until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	const every = time.Second
	tick := time.NewTicker(every)
	defer tick.Stop()

	for away := false; ; {
		_, err := s.current(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !away && !errors.Is(err, ErrExtractor):
			s.Log.WarnContext(ctx, "the serving model cannot be read", "error", err)
		}
		away = err != nil

		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
