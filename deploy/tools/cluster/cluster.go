package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"inlet/bench/service"
	"inlet/embedded"
	"inlet/embedded/child"
	"inlet/embedded/pgserver"
	"inlet/link"
)

// options of a cluster.
type options struct {
	addr              string // of nginx; port 0: any
	replicas, workers int
	procs             int
	blobs             string
	dir               string
	binary            string   // of Inlet; empty: start builds it
	env               []string // settings for every process
}

// cluster is the running stores, processes and nginx.
type cluster struct {
	options
	log        *slog.Logger
	url, token string
	database   string     // its URL
	postgres   int        // its process
	redis      string     // its URL
	processes  []*process // the replicas, then the workers
	stops      []func()   // in the order of starting
}

// start brings up the stores, the processes and nginx, in this order.
func start(ctx context.Context, o options, log *slog.Logger) (_ *cluster, err error) {
	c := &cluster{options: o, log: log, token: rand.Text()}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()

	if err := c.makeDir(); err != nil {
		return nil, err
	}
	if err := c.build(ctx); err != nil {
		return nil, err
	}

	settings, err := c.stores(ctx)
	if err != nil {
		return nil, err
	}
	if c.addr, err = fixedPort(ctx, c.addr); err != nil {
		return nil, err
	}

	c.url = "http://" + c.addr
	keys, err := link.GenerateKeys()
	if err != nil {
		return nil, err
	}

	settings = append(settings, c.env...)
	settings = append(settings, "INLET_PUBLIC_URL="+c.url, "INLET_ADMIN_TOKEN="+c.token, "INLET_LINK_KEYS="+keys.String(),
		"INLET_TRUSTED_PROXIES=127.0.0.1/32", "INLET_LOG_FORMAT=json", "INLET_LOG_LEVEL=warn")
	if c.procs > 0 {
		settings = append(settings, "GOMAXPROCS="+strconv.Itoa(c.procs))
	}

	if err := c.inlets(ctx, settings); err != nil {
		return nil, err
	}

	return c, c.proxy(ctx)
}

func (c *cluster) makeDir() (err error) {
	if c.dir != "" {
		c.dir, err = filepath.Abs(c.dir)
		return errors.Join(err, os.MkdirAll(c.dir, 0o700))
	}

	if c.dir, err = os.MkdirTemp("", "inlet-cluster-"); err != nil {
		return err
	}

	c.stops = append(c.stops, func() { _ = os.RemoveAll(c.dir) })

	return nil
}

// build builds Inlet of this tree.
func (c *cluster) build(ctx context.Context) error {
	if c.binary != "" {
		return nil
	}

	c.binary = filepath.Join(c.dir, "inlet")

	return service.Build(ctx, c.dir, "inlet", "./cmd/inlet")
}

// stores starts PostgreSQL, Redis and the blob store, and returns their settings.
func (c *cluster) stores(ctx context.Context) ([]string, error) {
	output, err := child.OpenLog(filepath.Join(c.dir, "postgres.log"), 8<<20)
	if err != nil {
		return nil, err
	}

	postgres, err := pgserver.Start(ctx, pgserver.Options{
		Dir: filepath.Join(c.dir, "postgres"), Password: "cluster", Log: output,
		Settings: map[string]string{"max_connections": "200", "shared_buffers": "512MB", "max_wal_size": "2GB", "jit": "off"},
		Notice:   func(message string) { c.log.Info(message) },
	})
	if err != nil {
		return nil, err
	}

	c.stops = append(c.stops, func() { postgres.Stop(context.Background()) })
	if err := postgres.CreateDatabase(ctx, "inlet"); err != nil {
		return nil, err
	}

	c.database, c.postgres = postgres.URL("inlet"), postgres.Pid()
	private, err := embedded.Open(filepath.Join(c.dir, "private"))
	if err != nil {
		return nil, err
	}

	c.stops = append(c.stops, func() { _ = private.Close() })
	redis, err := private.StartRedis(ctx, c.log)
	if err != nil {
		return nil, err
	}

	c.stops = append(c.stops, redis.Stop)
	c.redis = redis.URL()
	blobs, err := c.blobStore(ctx)
	if err != nil {
		return nil, err
	}

	return append(blobs, "INLET_DATABASE_URL="+c.database, "INLET_REDIS_URL="+redis.URL()), nil
}

// inlets starts the replicas and the workers at once. The first one migrates the
// schema while the others wait.
func (c *cluster) inlets(ctx context.Context, settings []string) error {
	for i := range c.replicas + c.workers {
		name, role := fmt.Sprintf("api-%d", i+1), "api"
		if i >= c.replicas {
			name, role = fmt.Sprintf("worker-%d", i-c.replicas+1), "worker"
		}

		addr, err := fixedPort(ctx, "127.0.0.1:0")
		if err != nil {
			return err
		}

		p := &process{
			name: name, addr: addr, binary: c.binary, log: filepath.Join(c.dir, name+".log"),
			env: append([]string{"INLET_ROLE=" + role, "INLET_ADDR=" + addr, "INLET_DATA_DIR=" + filepath.Join(c.dir, name)}, settings...),
		}

		if err := p.start(); err != nil {
			return err
		}

		c.processes = append(c.processes, p)
		c.stops = append(c.stops, p.drain)
	}

	for _, p := range c.processes {
		if err := p.awaitReady(ctx); err != nil {
			return err
		}
	}

	return nil
}

// environment is the environment of a command that uses the cluster.
func (c *cluster) environment() []string {
	var pids, replicas []string
	for _, p := range c.processes {
		pids = append(pids, strconv.Itoa(p.pid()))
	}

	for _, p := range c.processes[:c.replicas] {
		replicas = append(replicas, "http://"+p.addr)
	}

	return []string{
		"INLET_URL=" + c.url, "INLET_ADMIN_TOKEN=" + c.token, "INLET_DATABASE_URL=" + c.database,
		"INLET_CLUSTER_POSTGRES=" + strconv.Itoa(c.postgres),
		"INLET_CLUSTER_PIDS=" + strings.Join(pids, ","), "INLET_CLUSTER_REPLICAS=" + strings.Join(replicas, ","),
	}
}

// stop ends everything in the reverse order.
func (c *cluster) stop() {
	for i := len(c.stops) - 1; i >= 0; i-- {
		c.stops[i]()
	}
}

// fixedPort replaces port 0 by a free one.
func fixedPort(ctx context.Context, addr string) (string, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || port != "0" {
		return addr, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", addr)
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// pause waits between two checks of a condition.
func pause(ctx context.Context) error { return child.Pause(ctx, 20*time.Millisecond) }
