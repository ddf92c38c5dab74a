// Package resume owns uploads that arrive in pieces: the tus protocol, their
// sessions, the bytes that have arrived, and the lease by which one request at a
// time writes to a session, whichever process serves it.
//
// It promises that an offset which a client hears is durable; that a client
// continues a session through any process, a second after its connection broke;
// that a file passes the pipeline of package upload once, and that everyone who
// asks within a day hears the same result. A client hears that its upload is
// complete only together with the result: a store that is away at that moment
// costs another request, never bytes. While bytes arrive, a request holds neither
// a database connection nor a slot of the pipeline.
//
// A request enters each room once on its way down and once on its way up. Package
// web finds the sender and calls Serve; tusd reads the request and stores its
// bytes; Serve sends a complete file to package upload; web sends the Reply. In
// one place the way goes back and forth: tusd calls the exchange as its store. Only
// tusd knows when a request has passed its checks and may take the lease, and only
// the exchange knows which session the link may use and when it must stop writing.
package resume

import (
	"cmp"
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

// Reasons to refuse a request, beside those of package upload.
var (
	ErrNotFound   = problem.New(problem.NotFound, "there is no such upload, or no longer, or it was begun with another link")
	ErrTooMany    = problem.New(problem.RateLimited, "the link has too many unfinished uploads: finish or delete some")
	ErrUnfinished = problem.New(problem.BadRequest, "the upload is not complete")
	ErrOffset     = problem.New(problem.BadRequest, "the upload goes on at another offset: ask with HEAD")
	ErrVersion    = problem.New(problem.BadRequest, "the header Tus-Resumable must be "+Version)
	ErrLocked     = problem.New(problem.BadRequest, "another request writes to the upload, or has taken it over")
	ErrProtocol   = problem.New(problem.BadRequest, "the request does not follow the tus protocol")
	// ErrInterrupted says that the request ended early and nothing is wrong.
	ErrInterrupted = problem.New(problem.Unavailable, "the body was cut short; what came is kept, ask with HEAD where to go on")
)

const (
	maxUnfinished = 1000           // sessions of one link
	idleLife      = 24 * time.Hour // of a session, after its last request
	lateLife      = time.Hour      // of a session, after its link: the client began in time
	resultLife    = 24 * time.Hour // of a session, after its result
	debrisLife    = time.Hour      // of bytes without a session; its row follows within seconds

	lockWait   = 15 * time.Second // for the request before; longer than a lease that nobody renews
	finishTime = 2 * time.Minute  // for the pipeline
	storeWait  = 5 * time.Second  // for one visit to the database
)

// Store holds the bytes of unfinished uploads. It promises that the bytes which
// WriteChunk counts are durable when it returns.
type Store interface {
	handler.DataStore
	// Older lists the uploads that nobody wrote to since t.
	Older(ctx context.Context, t time.Time) ([]string, error)
	// Remove removes all that is left of an upload, be it nothing.
	Remove(ctx context.Context, id string) error
}

// Options of a Service. All fields without a stated default are required.
type Options struct {
	Pool         *pgxpool.Pool
	Store        Store
	Uploads      *upload.Service
	MaxFileBytes int64 // of one upload
	// Lease is how long a process that died keeps others from its sessions; 0
	// means 10 s. A process renews its leases ten times in this time.
	Lease time.Duration
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now
}

// Service serves uploads in pieces. It is safe for concurrent use.
type Service struct {
	Options
	sessions sessions
	leases   *leases
	quiet    *exslog.Logger // discards tusd's log, which has the link's token in it
}

// New makes a Service. Its leases last only while Run runs.
func New(o Options) *Service {
	o.Lease = cmp.Or(o.Lease, 10*time.Second)
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

// Interrupt ends the requests that receive bytes. Their clients continue with
// another process.
func (s *Service) Interrupt() { s.leases.interruptAll() }
