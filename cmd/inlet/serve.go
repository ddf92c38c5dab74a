package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"inlet/catalog"
	"inlet/db"
	"inlet/db/redisdb"
	"inlet/imaging"
	"inlet/imaging/heif"
	"inlet/jobs"
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
	// traceTime bounds the delivery of the last traces at a stop.
	traceTime = 5 * time.Second
)

// serve starts the service and runs it until a signal.
func serve(ctx context.Context, cfg config) error {
	log := newLog(cfg)
	// Listening comes first, so that an address in use fails at once. Early
	// connections wait until the service is ready.
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr)
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
	stats   *stats.Service
	resume  *resume.Service
	decoder *heif.Decoder
	workers *jobs.Workers // nil in an api process
	web     *web.Server
	tracing *tracing.Provider
}

// wire makes the parts and connects them. It waits for the database.
func wire(ctx context.Context, cfg config, st *stores, log *slog.Logger) (_ *service, err error) {
	s := &service{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			s.close()
		}
	}()

	if err := migrateWhenThere(ctx, cfg, st.DatabaseURL, log); err != nil {
		return nil, err
	}
	if s.tracing, err = tracing.New(ctx, version()); err != nil {
		return nil, err
	}

	database := cfg.database()
	database.Tracer = s.queryTracer()
	if s.pool, err = db.Open(ctx, st.DatabaseURL, database); err != nil {
		return nil, err
	}
	if cfg.ReadURL != "" {
		if s.read, err = db.Open(ctx, cfg.ReadURL, database); err != nil {
			return nil, fmt.Errorf("INLET_DATABASE_READ_URL: %w", err)
		}
	}
	if s.redis, err = redisdb.Open(st.RedisURL, redisdb.Options{PoolSize: cfg.RedisConns}); err != nil {
		return nil, err
	}

	registry := prometheus.NewRegistry()
	if s.blobs, err = openBlobs(ctx, cfg, registry, log); err != nil {
		return nil, fmt.Errorf("INLET_BLOB_URL: %w", err)
	}
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newBuildInfo())
	measurePools(registry, s.pool, s.redis)
	timeRedis(registry, s.redis)
	tracer := s.tracing.Tracer("inlet")

	inspector := imaging.NewInspector(cfg.MaxPixels, int64(cfg.DecodeMemory))
	// The decoder allocates memory only while it decodes, which only jobs request.
	s.decoder = heif.NewDecoder(heif.Limits{Memory: int64(cfg.HEICMemory), Pixels: cfg.MaxPixels, Time: heicTime})
	enqueuer, err := jobs.NewEnqueuer(s.pool, log)
	if err != nil {
		return nil, err
	}

	s.stats = stats.New(stats.Options{
		Pool:       s.pool,
		Redis:      s.redis,
		Truth:      catalog.Counts{},
		Log:        log,
		Registerer: registry,
	})
	s.links = link.NewRevocations(s.pool, s.redis, log)
	gate := &link.Gate{
		Keys:        st.keys,
		Revocations: s.links,
		Store:       link.NewStore(s.pool, s.stats),
		Now:         time.Now,
	}
	contents := vault.New(vault.Options{
		Pool:        s.pool,
		Blobs:       s.blobs,
		References:  catalog.References{},
		Thumbnailer: inspector,
	})
	pictures := catalog.New(catalog.Options{
		Pool:      s.pool,
		Read:      s.read,
		Vault:     contents,
		Decoder:   s.decoder,
		Later:     enqueuer,
		Committed: s.stats.Wake,
	})
	uploads := upload.New(upload.Options{
		Pool:         s.pool,
		Gate:         gate,
		Vault:        contents,
		Catalog:      pictures,
		Inspector:    inspector,
		Decoder:      s.decoder,
		Later:        enqueuer,
		Committed:    s.stats.Wake,
		ClientKey:    st.keys.Derive("client addresses"),
		MaxFileBytes: int64(cfg.MaxFileBytes),
		ScopeByLink:  cfg.DedupScope == "link",
		Exact:        cfg.Dedup == "exact",
		Slots:        slots(cfg.DatabaseConns),
		Inspections:  2 * runtime.GOMAXPROCS(0),
		Registerer:   registry,
	})
	s.resume = resume.New(resume.Options{
		Pool:         s.pool,
		Store:        s.blobs.pieces,
		Uploads:      uploads,
		MaxFileBytes: int64(cfg.MaxFileBytes),
		Log:          log,
	})
	if cfg.Role != "api" {
		s.workers, err = jobs.New(jobs.Options{
			Pool:       s.pool,
			Vault:      contents,
			Catalog:    pictures,
			Uploads:    uploads,
			Links:      gate.Store,
			Stats:      s.stats,
			Resume:     s.resume,
			Log:        log,
			Poll:       database.Pooled,
			Registerer: registry,
			Tracer:     tracer,
		})
		if err != nil {
			return nil, err
		}
	}

	proxies := make([]netip.Prefix, len(cfg.TrustedProxies))
	for i, n := range cfg.TrustedProxies {
		proxies[i] = n.Prefix
	}
	var signer *web.Signer
	if cfg.ImageAccess == "signed" {
		signer = web.NewSigner(st.keys.Derive("image access"), time.Now)
	}

	s.web, err = web.New(web.Options{
		Gate:           gate,
		Uploads:        uploads,
		Resume:         s.resume,
		Catalog:        pictures,
		Stats:          s.stats,
		Signer:         signer,
		Checks:         s.checks(),
		Bucket:         s.blobs.bucket,
		StoreOrigin:    s.blobs.origin,
		AdminToken:     st.token,
		PublicURL:      cfg.PublicURL,
		TrustedProxies: proxies,
		MaxFileBytes:   int64(cfg.MaxFileBytes),
		MaxFiles:       cfg.MaxFiles,
		ClientRate:     cfg.ClientRate,
		LinkRate:       cfg.LinkRate,
		Redis:          s.redis,
		OperationsOnly: cfg.Role == "worker",
		Log:            log,
		Registerer:     registry,
		Gatherer:       registry,
		Tracer:         tracer,
	})

	return s, err
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
	group.Go(func() error { return s.sweepStaging(background) })

	server := s.web.HTTPServer()
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	if s.workers != nil {
		if err := s.workers.Start(background); err != nil {
			return err
		}
	}

	var cause error
	select {
	case <-ctx.Done():
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
  curl -sS -H "Authorization: Bearer $(cat %s)" -d '{"expires_in":"7d"}' %s/v1/links

Then send pictures to the "url" of the answer:
  curl -F file=@picture.jpg "<url>"

`, cfg.PublicURL, st.tokenFile(cfg), cfg.PublicURL)
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
