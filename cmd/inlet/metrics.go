package main

import (
	"context"
	"errors"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"inlet/blob"
)

// newBuildInfo tells which build this is.
func newBuildInfo() prometheus.Collector {
	version, revision, goVersion := "unknown", "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = info.Main.Version, info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "inlet_build_info", Help: "1, with what was built.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": goVersion},
	}, func() float64 { return 1 })
}

// newBlobRoom tells the free room of a store on a disk.
func newBlobRoom(store *blob.Files) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "inlet_blob_free_bytes", Help: "Room left on the disk of the blobs.",
	}, func() float64 { return float64(store.Free()) })
}

// poolCollector exports the connection pools' own figures when it is scraped.
type poolCollector struct {
	database *pgxpool.Pool
	redis    redis.UniversalClient

	dbConns, dbAcquires, dbWaits, dbWaited, dbGivenUp *prometheus.Desc
	redisConns, redisTimeouts                         *prometheus.Desc
}

func newPoolCollector(database *pgxpool.Pool, rdb redis.UniversalClient) *poolCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &poolCollector{
		database: database, redis: rdb,
		dbConns:       desc("inlet_db_connections", "Connections to Postgres by state; max is how many there may be.", "state"),
		dbAcquires:    desc("inlet_db_acquires_total", "How often a connection to Postgres was taken from the pool."),
		dbWaits:       desc("inlet_db_waits_total", "How often a connection to Postgres had to be waited for."),
		dbWaited:      desc("inlet_db_wait_seconds_total", "Time spent waiting for connections to Postgres."),
		dbGivenUp:     desc("inlet_db_given_up_total", "How often the wait for a connection to Postgres was given up."),
		redisConns:    desc("inlet_redis_connections", "Connections to Redis by state.", "state"),
		redisTimeouts: desc("inlet_redis_timeouts_total", "How often no connection to Redis could be had in time."),
	}
}

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	db := c.database.Stat()
	gauge(c.dbConns, float64(db.AcquiredConns()), "used")
	gauge(c.dbConns, float64(db.IdleConns()), "idle")
	gauge(c.dbConns, float64(db.MaxConns()), "max")
	counter(c.dbAcquires, float64(db.AcquireCount()))
	counter(c.dbWaits, float64(db.EmptyAcquireCount()))
	counter(c.dbWaited, db.EmptyAcquireWaitTime().Seconds())
	counter(c.dbGivenUp, float64(db.CanceledAcquireCount()))
	r := c.redis.PoolStats()
	gauge(c.redisConns, float64(r.TotalConns-r.IdleConns), "used")
	gauge(c.redisConns, float64(r.IdleConns), "idle")
	counter(c.redisTimeouts, float64(r.Timeouts))
}

// redisTimer measures what is asked of Redis.
type redisTimer struct {
	seconds  *prometheus.HistogramVec
	failures prometheus.Counter
}

// newRedisTimer watches rdb from now on.
func newRedisTimer(rdb redis.UniversalClient) *redisTimer {
	t := &redisTimer{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inlet_redis_command_seconds", Help: "Time of a command to Redis, or of a pipeline of them.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 8),
		}, []string{"command"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inlet_redis_failures_total", Help: "Commands to Redis that failed; that there is no such key is no failure.",
		}),
	}
	for _, command := range []string{"evalsha", "pipeline", "ping", "publish"} {
		t.seconds.WithLabelValues(command)
	}
	rdb.AddHook(t)
	return t
}

// Describe implements prometheus.Collector.
func (t *redisTimer) Describe(ch chan<- *prometheus.Desc) {
	t.seconds.Describe(ch)
	t.failures.Describe(ch)
}

// Collect implements prometheus.Collector.
func (t *redisTimer) Collect(ch chan<- prometheus.Metric) {
	t.seconds.Collect(ch)
	t.failures.Collect(ch)
}

// DialHook implements redis.Hook.
func (t *redisTimer) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook implements redis.Hook.
func (t *redisTimer) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		start := time.Now()
		err := next(ctx, cmd)
		t.observe(cmd.Name(), start, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (t *redisTimer) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		start := time.Now()
		err := next(ctx, cmds)
		t.observe("pipeline", start, err)
		return err
	}
}

// observe takes the names of commands as they are: we choose them all.
func (t *redisTimer) observe(command string, start time.Time, err error) {
	t.seconds.WithLabelValues(command).Observe(time.Since(start).Seconds())
	// A script that Redis has forgotten is sent again.
	if err != nil && !errors.Is(err, redis.Nil) && !errors.Is(err, context.Canceled) && !strings.HasPrefix(err.Error(), "NOSCRIPT") {
		t.failures.Inc()
	}
}
