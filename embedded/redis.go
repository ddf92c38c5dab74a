package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/alicebob/miniredis/v2"

	"inlet/embedded/child"
	"inlet/embedded/mini"
)

// socket is the name of Redis's socket in its folder.
const socket = "redis.sock"

// Redis is the private Redis: an installed server or, where there is none, a
// Miniredis in this process. Miniredis forgets everything when it stops; the
// service rebuilds what it needs from PostgreSQL.
type Redis struct {
	url  string
	kind string
	stop func()
}

// StartRedis starts the private Redis, which stores its files in
// <data dir>/redis and logs to <data dir>/redis.log. If the server dies, it is
// restarted at the same URL until Stop is called.
func (d *Dir) StartRedis(ctx context.Context, log *slog.Logger) (*Redis, error) {
	password, _, err := d.Secret("redis-password", newPassword)
	if err != nil {
		return nil, err
	}

	program, err := findRedis(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err() // a search that was cut short proves nothing
	}
	if errors.Is(err, errNoRedis) {
		return d.startMiniredis(ctx, log, password)
	}
	if err != nil {
		return nil, fmt.Errorf("the private Redis: %w", err)
	}

	r, err := d.startRedisServer(ctx, log, program, password)
	if err != nil {
		return nil, fmt.Errorf("the private Redis: %w (INLET_REDIS_URL names another one)", err)
	}
	return r, nil
}

// URL returns the server's address, such as unix://:password@/path. It contains
// the password.
func (r *Redis) URL() string { return r.url }

// Kind is redis-server, valkey-server or miniredis.
func (r *Redis) Kind() string { return r.kind }

// Stop ends the server. Further calls do nothing.
func (r *Redis) Stop() { r.stop() }

func (d *Dir) startMiniredis(ctx context.Context, log *slog.Logger, password string) (*Redis, error) {
	dir := filepath.Join(d.path, "redis")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the data dir: %w", err)
	}

	short, release, err := child.ShortPath(dir)
	if err != nil {
		return nil, fmt.Errorf("the data dir: %w", err)
	}

	m := miniredis.NewMiniRedis()
	m.RequireAuth(password)
	address := filepath.Join(short, socket)
	stop, err := mini.Serve(m, address)
	if err != nil {
		release()
		return nil, fmt.Errorf("the Redis in this process: %w", err)
	}

	log.InfoContext(ctx, "no redis-server on this machine: a Redis runs inside this process, and Inlet rebuilds its counters at each start")
	return &Redis{
		url:  redisURL(address, password),
		kind: "miniredis",
		stop: func() {
			stop()
			release()
		},
	}, nil
}

func redisURL(address, password string) string {
	return (&url.URL{Scheme: "unix", User: url.UserPassword("", password), Path: address}).String()
}
