package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/alicebob/miniredis/v2"
)

// Redis is the private Redis: a server of its own or, where none is installed,
// one in this process, which forgets all when it ends. That is allowed, as
// everything in Redis can be made again.
type Redis struct {
	url  string
	kind string
	stop func()
}

// StartRedis starts the private Redis, which keeps its files in
// <data dir>/redis and logs to <data dir>/redis.log. A server that dies is
// started again at the same URL until Stop is called.
func (d *Dir) StartRedis(ctx context.Context, log *slog.Logger) (*Redis, error) {
	password, _, err := d.Secret("redis-password", newPassword)
	if err != nil {
		return nil, err
	}
	server, err := findRedis(ctx)
	if errors.Is(err, errNoRedis) {
		return startMiniredis(ctx, log, password)
	}
	if err != nil {
		return nil, fmt.Errorf("embedded: the private Redis: %w", err)
	}
	r, err := d.startRedisServer(ctx, log, server, password)
	if err != nil {
		return nil, fmt.Errorf("embedded: the private Redis: %w (INLET_REDIS_URL names another one)", err)
	}
	return r, nil
}

// URL is where it is found. It holds the password.
func (r *Redis) URL() string { return r.url }

// Kind is the name of what runs: redis-server, valkey-server or miniredis.
func (r *Redis) Kind() string { return r.kind }

// Stop ends it.
func (r *Redis) Stop() { r.stop() }

func startMiniredis(ctx context.Context, log *slog.Logger, password string) (*Redis, error) {
	m := miniredis.NewMiniRedis()
	m.RequireAuth(password)
	m.ClockTTL(true) // its keys expire by the clock of the machine
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("embedded: the Redis in this process: %w", err)
	}
	log.InfoContext(ctx, "no Redis on this machine: it runs inside this process, and what it counted is rebuilt at each start")
	return &Redis{url: redisURL(m.Addr(), password), kind: "miniredis", stop: sync.OnceFunc(m.Close)}, nil
}

func redisURL(addr, password string) string {
	return "redis://:" + password + "@" + addr
}
