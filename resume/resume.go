// Package resume owns uploads that arrive in pieces, by the tus protocol: their
// sessions, the bytes that have come so far, and the lock that lets one request
// at a time write to a session, whichever process serves it.
//
// It promises that an offset which a client was told is durable; that a session
// can be continued through any process, and a second after its connection broke;
// that a file goes through the pipeline of package upload once, and that its
// result is the same for whoever asks within a day. An upload is called complete
// only when its result is known: a store that is away at that moment costs
// another request, never bytes. While bytes arrive it holds neither a database
// connection nor a place for processing.
package resume

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/tus/tusd/v2/pkg/handler"
	exslog "golang.org/x/exp/slog"

	"inlet/problem"
	"inlet/upload"
)

// Reasons for which a request is refused, beside those of package upload.
var (
	ErrNotFound   = problem.New(problem.NotFound, "there is no such upload, or no longer, or it was begun with another link")
	ErrTooMany    = problem.New(problem.RateLimited, "the link has too many unfinished uploads: finish or delete some")
	ErrUnfinished = problem.New(problem.BadRequest, "the upload is not complete")
	ErrOffset     = problem.New(problem.BadRequest, "the upload goes on at another offset: ask with HEAD")
	ErrVersion    = problem.New(problem.BadRequest, "the header Tus-Resumable must be 1.0.0")
	ErrLocked     = problem.New(problem.BadRequest, "another request writes to the upload, or has taken it over")
	ErrProtocol   = problem.New(problem.BadRequest, "the request does not follow the tus protocol")
	// ErrInterrupted says that the request ended early and nothing is wrong.
	ErrInterrupted = problem.New(problem.Unavailable, "the body was cut short; what came is kept, ask with HEAD where to go on")
)

const (
	// maxUnfinished is how many sessions one link may have open.
	maxUnfinished = 1000
	// idleLife is how long a session lives after the last request for it.
	idleLife = 24 * time.Hour
	// lateLife is how long it lives after its link's end: requests that began in
	// time may still be under way.
	lateLife = time.Hour
	// resultLife is how long a result is told.
	resultLife = 24 * time.Hour
	// debrisLife is the age from which bytes without a session are debris. A
	// session's bytes and its row are seconds apart.
	debrisLife = time.Hour

	// lockWait is how long a request waits for the one before to make room: longer
	// than a lease lasts, so that a process that died does not turn clients away.
	lockWait = 15 * time.Second
	// finishTime bounds what follows the last byte.
	finishTime = 2 * time.Minute
	// storeWait bounds each visit to the database.
	storeWait = 5 * time.Second
)

// Store keeps the bytes of unfinished uploads. It promises that bytes which
// WriteChunk has counted are durable when it returns.
type Store interface {
	handler.DataStore
	// Older lists the uploads that nothing was written to since t.
	Older(ctx context.Context, t time.Time) ([]string, error)
	// Remove removes an upload and all that is left of it; one that is not there
	// is fine.
	Remove(ctx context.Context, id string) error
}

// Options of a Service. All fields without a stated default are required.
type Options struct {
	Pool    *pgxpool.Pool
	Store   Store
	Uploads *upload.Service
	// MaxFileBytes is how large an upload may be.
	MaxFileBytes int64
	// Lease is how long a process that no longer answers keeps others from its
	// sessions; 0 means 10 s. Ten times in this time it is renewed.
	Lease time.Duration
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now
}

// Service serves uploads in pieces. It is safe for concurrent use.
type Service struct {
	Options
	sessions sessions
	leases   *leases
	quiet    *exslog.Logger // takes what tusd would log: it has the link's token in it
}

// New makes a Service. Its leases last only while Run runs.
func New(o Options) *Service {
	if o.Lease == 0 {
		o.Lease = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{
		Options:  o,
		sessions: sessions{o.Pool},
		leases:   newLeases(o.Pool, o.Lease),
		quiet:    exslog.New(exslog.NewTextHandler(io.Discard, &exslog.HandlerOptions{Level: exslog.LevelError + 1})),
	}
}

// Run renews the leases of this process until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	s.leases.run(ctx)
	return nil
}

// Interrupt ends the requests that are receiving bytes. Their clients go on with
// another process.
func (s *Service) Interrupt() { s.leases.interruptAll() }

// Transfer is what one request is about, and for whom.
type Transfer struct {
	// Sender is who sends; its link was found good.
	Sender upload.Sender
	// Upload is the id in the request's path, "" for the collection.
	Upload string
	// Base is the absolute address of the link's uploads, with a slash at the end.
	Base string
	// Pause is how long the sender may pause.
	Pause time.Duration
	// Document is the form in which a file's result is kept and told.
	Document func(upload.Result) []byte
	// Refused is told of a file that was refused, once.
	Refused func(upload.Result)
}

// expiry is when a session ends that is used now.
func (s *Service) expiry(t Transfer) time.Time {
	end := s.Now().Add(idleLife)
	if late := t.Sender.Grant.ExpiresAt.Add(lateLife); late.Before(end) {
		end = late
	}
	return end.UTC()
}
