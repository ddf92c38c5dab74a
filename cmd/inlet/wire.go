package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"inlet/catalog"
	"inlet/db"
	"inlet/db/redisdb"
	"inlet/imaging"
	"inlet/imaging/heif"
	"inlet/jobs"
	"inlet/learn/features"
	"inlet/learn/net"
	"inlet/learn/registry"
	"inlet/link"
	"inlet/resume"
	"inlet/stats"
	"inlet/tracing"
	"inlet/upload"
	"inlet/vault"
	"inlet/web"
)

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
	if err := s.connect(ctx, st); err != nil {
		return nil, err
	}
	if err := s.makeServices(st); err != nil {
		return nil, err
	}
	if cfg.Role != "api" {
		if err := s.makeWorkers(); err != nil {
			return nil, err
		}
	}

	return s, s.makeWeb(st)
}

// connect opens what is outside of the process.
func (s *service) connect(ctx context.Context, st *stores) (err error) {
	cfg := s.cfg
	if s.tracing, err = tracing.New(ctx, version()); err != nil {
		return err
	}
	database := cfg.database()
	database.Tracer = s.queryTracer()
	if s.pool, err = db.Open(ctx, st.DatabaseURL, database); err != nil {
		return err
	}
	if cfg.ReadURL != "" {
		if s.read, err = db.Open(ctx, cfg.ReadURL, database); err != nil {
			return fmt.Errorf("INLET_DATABASE_READ_URL: %w", err)
		}
	}
	if s.redis, err = redisdb.Open(st.RedisURL, redisdb.Options{PoolSize: cfg.RedisConns}); err != nil {
		return err
	}

	s.metrics = prometheus.NewRegistry()
	if s.blobs, err = openBlobs(ctx, cfg, s.metrics, s.log); err != nil {
		return fmt.Errorf("INLET_BLOB_URL: %w", err)
	}
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newBuildInfo())
	measurePools(s.metrics, s.pool, s.redis)
	timeRedis(s.metrics, s.redis)

	return nil
}

// makeServices makes the core, from the bottom up.
func (s *service) makeServices(st *stores) (err error) {
	if s.enqueuer, err = jobs.NewEnqueuer(s.pool, s.log); err != nil {
		return err
	}
	inspector := imaging.NewInspector(s.cfg.MaxPixels, int64(s.cfg.DecodeMemory))
	// The decoder allocates memory only while it decodes, which only jobs request.
	s.decoder = heif.NewDecoder(heif.Limits{Memory: int64(s.cfg.HEICMemory), Pixels: s.cfg.MaxPixels, Time: heicTime})

	s.makeRecords(st, inspector)
	s.makeUploads(st, inspector)
	s.makeLearning(inspector)

	return nil
}

// makeRecords makes what keeps counters, links, contents and the rows of pictures.
func (s *service) makeRecords(st *stores, inspector *imaging.Inspector) {
	s.stats = stats.New(stats.Options{
		Pool:       s.pool,
		Redis:      s.redis,
		Truth:      catalog.Counts{},
		Log:        s.log,
		Registerer: s.metrics,
	})
	s.links = link.NewRevocations(s.pool, s.redis, s.log)
	s.gate = &link.Gate{
		Keys:        st.keys,
		Revocations: s.links,
		Store:       link.NewStore(s.pool, s.stats),
		Now:         time.Now,
	}
	s.vault = vault.New(vault.Options{
		Pool:        s.pool,
		Blobs:       s.blobs,
		References:  catalog.References{},
		Thumbnailer: inspector,
	})
	s.catalog = catalog.New(catalog.Options{
		Pool:        s.pool,
		Read:        s.read,
		Vault:       s.vault,
		Decoder:     s.decoder,
		Later:       s.enqueuer,
		Predictions: registry.SQL(),
		Committed:   s.stats.Wake,
	})
}

// makeUploads makes what takes files in.
func (s *service) makeUploads(st *stores, inspector *imaging.Inspector) {
	cfg := s.cfg
	s.uploads = upload.New(upload.Options{
		Pool:         s.pool,
		Gate:         s.gate,
		Vault:        s.vault,
		Catalog:      s.catalog,
		Inspector:    inspector,
		Decoder:      s.decoder,
		Later:        s.enqueuer,
		Committed:    s.stats.Wake,
		ClientKey:    st.keys.Derive("client addresses"),
		MaxFileBytes: int64(cfg.MaxFileBytes),
		ScopeByLink:  cfg.DedupScope == "link",
		Exact:        cfg.Dedup == "exact",
		Slots:        slots(cfg.DatabaseConns),
		Inspections:  2 * runtime.GOMAXPROCS(0),
		Registerer:   s.metrics,
	})
	s.resume = resume.New(resume.Options{
		Pool:         s.pool,
		Store:        s.blobs.pieces,
		Uploads:      s.uploads,
		MaxFileBytes: int64(cfg.MaxFileBytes),
		Log:          s.log,
	})
}

// makeLearning makes what learns from labels.
func (s *service) makeLearning(inspector *imaging.Inspector) {
	cfg := s.cfg
	s.registry = registry.New(registry.Options{
		Pool:       s.pool,
		Catalog:    s.catalog,
		Stats:      s.stats,
		Extractor:  features.New(s.loadNets()),
		Reader:     inspector,
		Later:      s.enqueuer,
		MinImages:  cfg.TrainMin,
		TrainEvery: time.Duration(cfg.TrainEvery),
		Yield:      func(ctx context.Context) { s.uploads.Yield(ctx, yieldTime) },
		Log:        s.log,
		Registerer: s.metrics,
	})
}

// computing is how many pictures' features are made at once: all processors in a
// process that does nothing else.
func computing(role string) int {
	if role == "worker" {
		return runtime.GOMAXPROCS(0)
	}

	return max(1, runtime.GOMAXPROCS(0)/2)
}

// makeWorkers makes what runs jobs.
func (s *service) makeWorkers() (err error) {
	s.workers, err = jobs.New(jobs.Options{
		Pool:       s.pool,
		Vault:      s.vault,
		Catalog:    s.catalog,
		Uploads:    s.uploads,
		Links:      s.gate.Store,
		Stats:      s.stats,
		Resume:     s.resume,
		Registry:   s.registry,
		Computing:  computing(s.cfg.Role),
		Log:        s.log,
		Poll:       s.cfg.database().Pooled,
		Registerer: s.metrics,
		Tracer:     s.tracing.Tracer("inlet"),
	})

	return err
}

// makeWeb makes what answers requests.
func (s *service) makeWeb(st *stores) (err error) {
	cfg := s.cfg
	proxies := make([]netip.Prefix, len(cfg.TrustedProxies))
	for i, n := range cfg.TrustedProxies {
		proxies[i] = n.Prefix
	}
	var signer *web.Signer
	if cfg.ImageAccess == "signed" {
		signer = web.NewSigner(st.keys.Derive("image access"), time.Now)
	}

	s.web, err = web.New(web.Options{
		Gate:           s.gate,
		Uploads:        s.uploads,
		Resume:         s.resume,
		Catalog:        s.catalog,
		Stats:          s.stats,
		Registry:       s.registry,
		Jobs:           s.enqueuer,
		Signer:         signer,
		Checks:         s.checks(),
		Impaired:       s.impaired,
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
		Log:            s.log,
		Registerer:     s.metrics,
		Gatherer:       s.metrics,
		Tracer:         s.tracing.Tracer("inlet"),
	})

	return err
}

// loadNets reads the nets that the extractor runs. Where their weights are damaged or
// left out it measures by hand only, and readiness says so; likewise the reviewer.
func (s *service) loadNets() (*net.Nets, *net.Reviewer) {
	s.impaired = map[string]string{}
	nets, err := net.Load()
	if err != nil {
		s.log.Error("the weights of the nets cannot be used: features are measured by hand only", "error", err)
		s.impaired["nets"] = "unavailable"
		return nil, nil
	}
	if s.cfg.ReviewWeights == "" || s.cfg.Role == "api" { // which makes no features
		return nets, nil
	}

	reviewer, err := net.LoadReviewer(s.cfg.ReviewWeights)
	if err != nil {
		s.log.Error("INLET_REVIEW_WEIGHTS: sensitive pictures are judged by the first net alone", "error", err)
		s.impaired["reviewer"] = "unavailable"
	}

	return nets, reviewer
}
