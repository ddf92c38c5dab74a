package main

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// poolCollector exports the connection pools' own figures when it is scraped.
type poolCollector struct {
	database *pgxpool.Pool
	redis    redis.UniversalClient

	dbConns, dbWaits, dbWaited, redisConns, redisTimeouts *prometheus.Desc
}

func newPoolCollector(database *pgxpool.Pool, rdb redis.UniversalClient) *poolCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &poolCollector{
		database: database, redis: rdb,
		dbConns:       desc("inlet_db_connections", "Connections to Postgres by state.", "state"),
		dbWaits:       desc("inlet_db_waits_total", "How often a connection to Postgres had to be waited for."),
		dbWaited:      desc("inlet_db_wait_seconds_total", "Time spent waiting for connections to Postgres."),
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
	counter(c.dbWaits, float64(db.EmptyAcquireCount()))
	counter(c.dbWaited, db.EmptyAcquireWaitTime().Seconds())
	r := c.redis.PoolStats()
	gauge(c.redisConns, float64(r.TotalConns-r.IdleConns), "used")
	gauge(c.redisConns, float64(r.IdleConns), "idle")
	counter(c.redisTimeouts, float64(r.Timeouts))
}
