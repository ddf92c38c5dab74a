// Package upload owns the way of an upload: from the bytes of one file to its
// committed row, its blob and its event for the counters.
//
// It promises that what it reports as stored or duplicate is durable: the blob
// is on disk (file and folder synced) and the row is committed before Accept
// returns. It promises that a picture is kept once per scope, however many
// clients send it at once, and that a file that was not accepted leaves nothing
// behind. While bytes arrive it holds neither a database connection nor a place
// for processing.
package upload

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"inlet/blob"
	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/link"
	"inlet/problem"
	"inlet/tracing"
)

// Reasons for which a file is refused, beside those of imaging and link.
var (
	ErrTooLarge   = problem.New(problem.TooLarge, "the file is larger than the service takes")
	ErrOverloaded = problem.New(problem.Overloaded, "the service is busy")
	ErrIntake     = problem.New(problem.BadRequest, "the request cannot be read")
)

// Blobs is what uploads need of a blob store.
type Blobs interface {
	Stage(ctx context.Context) (*blob.Staged, error)
	Keep(ctx context.Context, st *blob.Staged, k blob.Key) error
	Open(ctx context.Context, k blob.Key) (blob.Blob, error)
}

// Inspector looks into a file, and decodes it for comparison.
type Inspector interface {
	Inspect(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format) (imaging.Info, error)
	Picture(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format, want imaging.Want) (*fingerprint.Picture, error)
}

// Decoder decodes HEIC and AVIF, which takes seconds.
type Decoder interface {
	Picture(ctx context.Context, r io.ReaderAt, size int64, want imaging.Want) (*fingerprint.Picture, error)
}

// Usage tells what of a limited link has been used up.
type Usage interface {
	Usage(ctx context.Context, g link.Grant) (link.Usage, error)
}

// Orphans removes bytes that no picture has.
type Orphans interface {
	RemoveOrphan(ctx context.Context, sum [32]byte) error
}

// Later enqueues jobs in the transaction that makes them necessary.
type Later interface {
	// Decode decodes a picture that is not decoded on arrival.
	Decode(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	// Fold compares pairs of stored pictures and makes one of those that are the
	// same.
	Fold(ctx context.Context, tx pgx.Tx, pairs [][2]uuid.UUID) error
}

// Options of a Service. All fields without a stated default are required.
type Options struct {
	Pool      *pgxpool.Pool
	Blobs     Blobs
	Inspector Inspector
	Usage     Usage
	Orphans   Orphans
	// Committed is called after each commit that wrote an event; it must not block.
	Committed func()
	// ClientKey keys the hash under which client addresses are kept.
	ClientKey []byte

	MaxFileBytes int64
	// ScopeByLink compares only uploads through the same link.
	ScopeByLink bool
	// Exact takes only the same bytes for the same picture.
	Exact bool
	// Later runs what is done after the answer.
	Later Later
	// Decoder decodes what Inspector does not; only jobs have it do so.
	Decoder Decoder
	// Places is how many files that have arrived are worked on at once; each has
	// one connection of the pool at most, which should have more. Inspections is
	// how many of them are looked into at once; half as many are compared with
	// stored pictures, which takes up to 100 MB each. Queue is how many may wait
	// for a place. Defaults: 16, 4 and 1,024.
	Places, Inspections, Queue int
	// QueueWait bounds the wait for a place, StoreWait each visit to a store.
	// Defaults: 10 s and 5 s.
	QueueWait, StoreWait time.Duration
	Registerer           prometheus.Registerer // nil: metrics are not exported
	Now                  func() time.Time      // nil: time.Now
}

// Service accepts files. It is safe for concurrent use.
type Service struct {
	Options
	places      *places
	inspections *places
	comparisons *places
	flights     flights
	metrics     *metrics
}

// New makes a Service.
func New(o Options) *Service {
	if o.Places == 0 {
		o.Places = 16
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
		places:      newPlaces(o.Places, o.Queue, o.QueueWait),
		inspections: newPlaces(o.Inspections, o.Queue, o.QueueWait),
		comparisons: newPlaces(comparisons(o.Inspections), o.Queue, o.QueueWait),
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

// How a duplicate was recognised.
const (
	MatchExact   = "exact"   // the same bytes
	MatchPayload = "payload" // the same picture data with other metadata
	// MatchPerceptual is the same picture re-encoded, scaled or converted.
	MatchPerceptual = "perceptual"
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

// Settled tells whether the outcome is final: the same file would have it again.
// A store that is away or a busy service settles nothing.
func (r Result) Settled() bool { return r.Err == nil || problem.CodeOf(r.Err).Permanent() }

// step is one step of the pipeline of one file, under way.
type step struct {
	seconds prometheus.Observer
	start   time.Time
	span    trace.Span
}

// begin begins a step: ctx is for what it does.
func (s *Service) begin(ctx context.Context, name string) (context.Context, step) {
	ctx, span := tracing.Start(ctx, name)
	return ctx, step{s.metrics.steps.WithLabelValues(name), time.Now(), span}
}

// end measures it.
func (st step) end() {
	st.seconds.Observe(time.Since(st.start).Seconds())
	st.span.End()
}

// isStorage tells failures of the staging disk from failures of the sender.
func isStorage(err error) bool {
	var pathErr *os.PathError
	return errors.Is(err, blob.ErrUnavailable) || errors.As(err, &pathErr)
}
