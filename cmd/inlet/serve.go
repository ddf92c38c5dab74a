package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"inlet/catalog"
	"inlet/db"
	"inlet/imaging/heif"
	"inlet/jobs"
	"inlet/learn/registry"
	"inlet/link"
	"inlet/resume"
	"inlet/stats"
	"inlet/tracing"
	"inlet/upload"
	"inlet/vault"
	"inlet/web"
)

const (
	// drainTime bounds the requests and jobs under way after a signal.
	drainTime = 30 * time.Second
	// storeWait bounds a start's wait for a store.
	storeWait = time.Minute
	// stagingGrace is the age at which a file in staging belongs to a dead upload: a
	// request ends when its body stalls for a minute.
	stagingGrace = 24 * time.Hour
	// heicTime bounds the decoding of one HEIC or AVIF. Large ones take seconds.
	heicTime = 2 * time.Minute
	// yieldTime is how long work in the background lets uploads go first, each time
	// that it asks.
	yieldTime = 100 * time.Millisecond
	// traceTime bounds the delivery of the last traces at a stop.
	traceTime = 5 * time.Second
)

// serve starts the service and runs it until a signal.
func serve(ctx context.Context, cfg config) error {
	log := newLog(cfg)
	// Listening comes first, so that an address in use fails at once. Early
	// connections wait until the service is ready.
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("INLET_ADDR: %w: another program listens there; stop it, or choose another INLET_ADDR", err)
	}
	if err != nil {
		return fmt.Errorf("INLET_ADDR: %w", err)
	}
	defer listener.Close()
	if public, found := strings.CutSuffix(cfg.PublicURL, ":0"); found {
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		cfg.PublicURL = public + ":" + port
	}

	st, err := openStores(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer st.close()
	svc, err := wire(ctx, cfg, st, log)
	if err != nil {
		return err
	}
	defer svc.close()
	if err := svc.links.Load(ctx); err != nil {
		return err
	}

	welcome(cfg, st, listener.Addr())
	return svc.run(ctx, listener, st)
}

// slots returns how many connections all uploads together may hold. Pictures, lists
// and jobs use the rest.
func slots(conns int32) int { return max(1, int(conns)*2/3) }

// service holds the wired parts of one process.
type service struct {
	cfg     config
	log     *slog.Logger
	pool    *pgxpool.Pool
	read    *pgxpool.Pool // of the read replica; nil without one
	redis   redis.UniversalClient
	blobs   *blobs
	links   *link.Revocations
	gate    *link.Gate
	vault   *vault.Vault
	catalog *catalog.Service
	uploads *upload.Service
	stats   *stats.Service
	resume  *resume.Service
	decoder *heif.Decoder
	workers *jobs.Workers // nil in an api process
	web     *web.Server
	tracing *tracing.Provider

	enqueuer *jobs.Enqueuer
	registry *registry.Service
	impaired map[string]string // see web.Options

	metrics *prometheus.Registry
}

// queryTracer makes spans of statements, without their arguments. It is nil without a
// collector.
func (s *service) queryTracer() pgx.QueryTracer {
	if !tracing.Enabled() {
		return nil
	}
	return otelpgx.NewTracer(otelpgx.WithTracerProvider(s.tracing))
}

// checks lists what readiness depends on. Without Redis the service works, and counts
// later.
func (s *service) checks() []web.Check {
	return []web.Check{
		{Name: "postgres", Essential: true, Ping: s.pool.Ping},
		{Name: "redis", Ping: func(ctx context.Context) error { return s.redis.Ping(ctx).Err() }},
		{Name: "blob", Essential: true, Ping: s.blobs.Ping},
	}
}

// migrateWhenThere waits for a database that starts together with the service.
func migrateWhenThere(ctx context.Context, cfg config, url string, log *slog.Logger) error {
	err := whenThere(ctx, log, "the database", db.ErrUnreachable, func() error { return db.Migrate(ctx, url, cfg.database(), partitions) })
	if errors.Is(err, db.ErrPooled) {
		return fmt.Errorf("INLET_DATABASE_POOLER: set it to transaction: %w", err)
	}
	return err
}

// partitions prepares the tables of the coming months.
func partitions(ctx context.Context, pool *pgxpool.Pool) error {
	return catalog.EnsurePartitions(ctx, pool, time.Now())
}

// whenThere repeats open while it fails with away, for storeWait at most.
func whenThere(ctx context.Context, log *slog.Logger, store string, away error, open func() error) error {
	deadline := time.Now().Add(storeWait)
	for told := false; ; told = true {
		err := open()
		if err == nil || !errors.Is(err, away) || time.Now().After(deadline) {
			return err
		}
		if !told {
			log.WarnContext(ctx, "waiting for "+store, "error", err)
		}

		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// run serves until ctx is done or a part fails. Then it stops gracefully: it accepts no
// new requests, ends those under way, then the jobs, then what everything uses.
func (s *service) run(ctx context.Context, listener net.Listener, st *stores) error {
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	group, failed := errgroup.WithContext(background)
	group.Go(func() error { return s.stats.Run(background) })
	group.Go(func() error { return s.links.Run(background) })
	group.Go(func() error { return s.resume.Run(background) })
	if s.workers != nil {
		group.Go(func() error { return s.registry.Run(background) })
	}
	group.Go(func() error { return s.sweepStaging(background) })

	server := s.web.HTTPServer()
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	var cause error
	stop := ctx.Done()
	if s.workers != nil {
		if cause = s.workers.Start(background); cause != nil {
			now := make(chan struct{})
			close(now)
			stop = now
		}
	}

	select {
	case <-stop:
		s.log.Info("stopping: requests under way are being finished")
	case <-failed.Done():
	case <-st.died():
		cause = fmt.Errorf("the private database has ended; its last words:\n%s", st.postgres.LastWords())
	}

	s.stop(server)
	stopBackground()
	if err := group.Wait(); cause == nil && !errors.Is(err, context.Canceled) {
		cause = err
	}

	return cause
}

// stop lets requests and jobs end.
func (s *service) stop(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	s.web.Stop()
	if err := server.Shutdown(ctx); err != nil {
		s.log.Warn("requests under way were cut off", "error", err)
		server.Close()
	}
	if s.workers != nil {
		if err := s.workers.Stop(ctx); err != nil {
			s.log.Warn("jobs under way were cut off; they run again", "error", err)
		}
	}
}

// sweepStaging removes the files of crashed uploads, at once and every hour. It is no
// job of the queue, because each process has a staging folder on its own disk.
func (s *service) sweepStaging(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		n, err := s.blobs.SweepStaging(ctx, time.Now().Add(-stagingGrace))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			s.log.Warn("sweep staging", "error", err)
		case n > 0:
			s.log.Info("debris of uploads that died removed", "files", n)
		}

		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *service) close() {
	if s.tracing != nil {
		ctx, cancel := context.WithTimeout(context.Background(), traceTime)
		defer cancel()
		if err := s.tracing.Stop(ctx); err != nil {
			s.log.Warn("the last traces were not delivered", "error", err)
		}
	}

	if s.decoder != nil {
		if err := s.decoder.Close(context.Background()); err != nil {
			s.log.Warn("close the decoder", "error", err)
		}
	}
	if s.redis != nil {
		s.redis.Close()
	}
	for _, pool := range []*pgxpool.Pool{s.read, s.pool} {
		if pool != nil {
			pool.Close()
		}
	}
}

// welcome tells the person at the terminal the next steps.
func welcome(cfg config, st *stores, addr net.Addr) {
	fmt.Printf("inlet: listening on http://%s\n", addr)
	if !cfg.private() {
		return
	}
	if cfg.AdminToken == "" {
		fmt.Printf("operator token: %s\n  (stored in %s)\n", st.token, st.tokenFile(cfg))
	}
	fmt.Printf(`
Open %s and sign in with the operator's token: there you make links
and see the pictures. Or make a first link here, good for a week:
  curl -sS -H "Authorization: Bearer $(cat '%s')" -d '{"expires_in":"7d"}' %s/v1/links

Then send pictures to the "url" of the answer:
  curl -F file=@picture.jpg "<url>"

`, cfg.PublicURL, strings.ReplaceAll(st.tokenFile(cfg), "'", `'\''`), cfg.PublicURL)
}

func newLog(cfg config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // checked by Validate
	options := &slog.HandlerOptions{Level: level}
	log := slog.New(slog.NewTextHandler(os.Stderr, options))
	if cfg.LogFormat == "json" {
		log = slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	redis.SetLogger(quietRedis{log})
	return log
}
