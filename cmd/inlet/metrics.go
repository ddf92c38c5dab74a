package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"

	"inlet/blob"
)

// newBuildInfo exports version, commit and Go's version of this binary.
func newBuildInfo() prometheus.Collector {
	release, revision, goVersion := build()
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "inlet_build_info", Help: "1, with what was built.",
		ConstLabels: prometheus.Labels{"version": release, "revision": cmp.Or(revision, "unknown"), "goversion": goVersion},
	}, func() float64 { return 1 })
}

// newBlobRoom exports the free space of a store on a disk.
func newBlobRoom(store *blob.Files) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "inlet_blob_free_bytes", Help: "Room left on the disk of the blobs.",
	}, func() float64 { return float64(store.Free()) })
}

// measurePools exports the figures of the connection pools.
func measurePools(r prometheus.Registerer, pool *pgxpool.Pool, rdb redis.UniversalClient) {
	factory := promauto.With(r)
	counter := func(name, help string, value func() float64) {
		factory.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value)
	}
	gauge := func(name, help, state string, value func() float64) {
		labels := prometheus.Labels{"state": state}
		factory.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value)
	}

	const conns, help = "inlet_db_connections", "Connections to Postgres by state; max is how many there may be."
	gauge(conns, help, "used", func() float64 { return float64(pool.Stat().AcquiredConns()) })
	gauge(conns, help, "idle", func() float64 { return float64(pool.Stat().IdleConns()) })
	gauge(conns, help, "max", func() float64 { return float64(pool.Stat().MaxConns()) })
	counter("inlet_db_acquires_total", "How often a connection to Postgres was taken from the pool.",
		func() float64 { return float64(pool.Stat().AcquireCount()) })
	counter("inlet_db_waits_total", "How often a connection to Postgres had to be waited for.",
		func() float64 { return float64(pool.Stat().EmptyAcquireCount()) })
	counter("inlet_db_wait_seconds_total", "Time spent waiting for connections to Postgres.",
		func() float64 { return pool.Stat().EmptyAcquireWaitTime().Seconds() })
	counter("inlet_db_given_up_total", "How often the wait for a connection to Postgres was given up.",
		func() float64 { return float64(pool.Stat().CanceledAcquireCount()) })

	const redisConns, redisHelp = "inlet_redis_connections", "Connections to Redis by state."
	gauge(redisConns, redisHelp, "used", func() float64 {
		n := rdb.PoolStats()
		return float64(n.TotalConns - n.IdleConns)
	})
	gauge(redisConns, redisHelp, "idle", func() float64 { return float64(rdb.PoolStats().IdleConns) })
	counter("inlet_redis_timeouts_total", "How often no connection to Redis came free in time.",
		func() float64 { return float64(rdb.PoolStats().Timeouts) })
}

// redisTimer measures the commands to Redis.
type redisTimer struct {
	seconds  *prometheus.HistogramVec
	failures prometheus.Counter
}

// timeRedis measures the commands of rdb from now on.
func timeRedis(r prometheus.Registerer, rdb redis.UniversalClient) {
	factory := promauto.With(r)
	t := &redisTimer{
		seconds: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "inlet_redis_command_seconds", Help: "Time of a command to Redis, or of a pipeline of them.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 8),
		}, []string{"command"}),
		failures: factory.NewCounter(prometheus.CounterOpts{
			Name: "inlet_redis_failures_total", Help: "Commands to Redis that failed; that there is no such key is no failure.",
		}),
	}
	for _, command := range []string{"evalsha", "pipeline", "ping", "publish"} {
		t.seconds.WithLabelValues(command)
	}
	rdb.AddHook(t)
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

// observe uses the command's name as a label: the service's own code bounds their
// number.
func (t *redisTimer) observe(command string, start time.Time, err error) {
	t.seconds.WithLabelValues(command).Observe(time.Since(start).Seconds())
	// After NOSCRIPT the client sends the script itself.
	if err != nil && !errors.Is(err, redis.Nil) && !errors.Is(err, context.Canceled) && !strings.HasPrefix(err.Error(), "NOSCRIPT") {
		t.failures.Inc()
	}
}
