// Package upload owns the pipeline of one file, from its first byte to its
// committed row, its content and its event for the counters. A file of this
// package is a step of the pipeline: admit, receive, exact, inspect, match, keep,
// commit.
//
// It promises that what it reports as stored or duplicate is durable: the
// content is on disk (file and folder synced), and the row committed, before
// Accept returns. It stores a picture once per scope, however many clients send
// it at once. A file that it does not accept leaves nothing behind. While bytes
// arrive it holds neither a database connection nor a slot.
package upload

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"inlet/catalog"
	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/imaging/heif"
	"inlet/link"
	"inlet/problem"
	"inlet/tracing"
	"inlet/vault"
)

// Reasons for which a file is refused, beside those of imaging and link.
var (
	ErrTooLarge   = problem.New(problem.TooLarge, "the file is larger than the service takes")
	ErrOverloaded = problem.New(problem.Overloaded, "the service is busy")
	ErrIntake     = problem.New(problem.BadRequest, "the request cannot be read")
)

// Later enqueues jobs in the transaction that makes them necessary. (Package jobs
// does; it stands above this one.)
type Later interface {
	// Decode decodes a picture of a slow format.
	Decode(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	// Compare has Service.Compare called with each pair of stored pictures.
	Compare(ctx context.Context, tx pgx.Tx, pairs [][2]uuid.UUID) error
	// QueueFeatures adds to a transaction that a job makes the features of a picture.
	QueueFeatures(b *pgx.Batch, id uuid.UUID)
}

// Inspector checks a file, and decodes it for comparisons. (Tests replace it, to
// count and to stop its work.)
type Inspector interface {
	Inspect(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format) (imaging.Info, error)
	Picture(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format, want imaging.Want) (*fingerprint.Picture, error)
}

// Options of a Service. All fields without a stated default are required.
type Options struct {
	Pool      *pgxpool.Pool
	Gate      *link.Gate
	Vault     *vault.Vault
	Catalog   *catalog.Service
	Inspector Inspector
	// Committed is called after each commit that wrote an event; it must not block.
	Committed func()
	// ClientKey keys the hashes that stand for client addresses.
	ClientKey []byte

	MaxFileBytes int64
	// ScopeByLink compares only uploads through the same link.
	ScopeByLink bool
	// Exact takes only the same bytes for the same picture.
	Exact bool
	// Later runs what follows the answer.
	Later Later
	// Decoder decodes what Inspector does not; only jobs use it.
	Decoder *heif.Decoder
	// Slots is how many files that have arrived are worked on at once; each takes
	// one connection of the pool at most, which should have more. Inspections is
	// how many of them are inspected at once; half as many are compared with
	// stored pictures, which takes up to 100 MB each. Queue is how many may wait
	// for a slot. Defaults: 16, 4 and 1,024.
	Slots, Inspections, Queue int
	// QueueWait bounds the wait for a slot, StoreWait each visit to a store.
	// Defaults: 10 s and 5 s.
	QueueWait, StoreWait time.Duration
	Registerer           prometheus.Registerer // nil: metrics are not exported
	Now                  func() time.Time      // nil: time.Now
}

// Service accepts files. It is safe for concurrent use.
type Service struct {
	Options
	slots        *fairQueue
	inspections  *fairQueue
	comparisons  *fairQueue
	singleflight singleflight
	metrics      *metrics
}

// New makes a Service.
func New(o Options) *Service {
	if o.Slots == 0 {
		o.Slots = 16
	}
	if o.Inspections == 0 {
		o.Inspections = 4
	}
	if o.Queue == 0 {
		o.Queue = 1024
	}
	if o.QueueWait == 0 {
		o.QueueWait = 10 * time.Second
	}
	if o.StoreWait == 0 {
		o.StoreWait = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Committed == nil {
		o.Committed = func() {}
	}
	s := &Service{
		Options:     o,
		slots:       newFairQueue(o.Slots, o.Queue, o.QueueWait),
		inspections: newFairQueue(o.Inspections, o.Queue, o.QueueWait),
		comparisons: newFairQueue(comparisons(o.Inspections), o.Queue, o.QueueWait),
	}
	s.metrics = newMetrics(s)

	return s
}

// comparisons is how many pairs are compared at once: each takes two pictures.
func comparisons(inspections int) int { return max(1, inspections/2) }

// Sender says through which link and from where files come.
type Sender struct {
	Grant  link.Grant
	Client netip.Addr
	// Record, if set, adds statements to the transaction that accepts a file: they
	// commit or fail together. It may be called again.
	Record func(b *pgx.Batch, r Result)
}

// Status of a file.
type Status string

// The outcomes of a file.
const (
	Stored    Status = "stored"
	Duplicate Status = "duplicate"
	Rejected  Status = "rejected"
)

// Result is the outcome of one file. Of a rejected file only Filename, Status
// and Err are set; of an accepted one ID and what follows describe the stored
// picture.
type Result struct {
	Filename      string
	Status        Status
	ID            uuid.UUID
	Match         string // how a duplicate was recognised
	Distance      *int   // of a perceptual match, in bits of the hash
	SHA256        [32]byte
	Format        imaging.Format
	Width, Height int // as displayed
	Bytes         int64
	Err           error
}

// Yield waits while this process receives files, but no longer than most. So
// work in the background lets uploads go first.
func (s *Service) Yield(ctx context.Context, most time.Duration) {
	const look = 2 * time.Millisecond
	for end := time.Now().Add(most); s.slots.taken() > 0 && time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return
		case <-time.After(look):
		}
	}
}

// Settled tells whether the outcome is final: the same file would have it again.
// A store that is away or a busy service settles nothing.
func (r Result) Settled() bool { return r.Err == nil || problem.CodeOf(r.Err).Permanent() }

// step is one step of one file, under way.
type step struct {
	seconds prometheus.Observer
	start   time.Time
	span    trace.Span
}

// begin begins a step, which uses the context that it returns.
func (s *Service) begin(ctx context.Context, name string) (context.Context, step) {
	ctx, span := tracing.Start(ctx, name)
	return ctx, step{s.metrics.steps.WithLabelValues(name), time.Now(), span}
}

// end ends the step and observes its time.
func (st step) end() {
	st.seconds.Observe(time.Since(st.start).Seconds())
	st.span.End()
}
