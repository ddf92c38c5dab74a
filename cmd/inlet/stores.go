package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"inlet/embedded"
	"inlet/link"
)

// stores are the database and the Redis that the configuration names, or private
// ones.
type stores struct {
	DatabaseURL string `json:"database_url"`
	RedisURL    string `json:"redis_url"`

	token      string
	keys       *link.Keyring
	dir        *embedded.Dir
	postgres   *embedded.Postgres
	redis      *embedded.Redis
	runtimeDoc string // the file by which other commands find the private stores
}

// openStores starts the private stores that the configuration leaves open.
func openStores(ctx context.Context, cfg config, log *slog.Logger) (_ *stores, err error) {
	s := &stores{DatabaseURL: cfg.DatabaseURL, RedisURL: cfg.RedisURL, token: cfg.AdminToken, keys: cfg.keys}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if cfg.DatabaseURL != "" && cfg.RedisURL != "" {
		return s, nil
	}

	if s.dir, err = embedded.Open(cfg.DataDir); err != nil {
		return nil, err
	}
	if cfg.private() {
		if err := s.secrets(); err != nil {
			return nil, err
		}
		if s.postgres, err = s.dir.StartPostgres(ctx, log); err != nil {
			return nil, err
		}
		s.DatabaseURL = s.postgres.URL()
	}
	if cfg.RedisURL == "" {
		if s.redis, err = s.dir.StartRedis(ctx, log); err != nil {
			return nil, err
		}
		s.RedisURL = s.redis.URL()
	}

	return s, s.announce(cfg.DataDir)
}

// secrets reads or makes the secrets that the operator did not set.
func (s *stores) secrets() (err error) {
	if s.token == "" {
		if s.token, _, err = s.dir.Secret("operator-token", func() (string, error) { return rand.Text(), nil }); err != nil {
			return err
		}
	}
	if s.keys != nil {
		return nil
	}

	text, _, err := s.dir.Secret("link-keys", func() (string, error) {
		keys, err := link.GenerateKeys()
		if err != nil {
			return "", err
		}
		return keys.String(), nil
	})
	if err != nil {
		return err
	}
	if s.keys, err = link.ParseKeys(text); err != nil {
		return fmt.Errorf("link-keys in the data dir: %w", err)
	}

	return nil
}

// tokenFile is the path of the operator's token, relative to the working folder if
// the data dir is.
func (s *stores) tokenFile(cfg config) string { return filepath.Join(cfg.DataDir, "operator-token") }

func runtimeFile(dataDir string) string { return filepath.Join(dataDir, "running.json") }

// announce tells other commands on this data dir where the private stores are.
func (s *stores) announce(dataDir string) error {
	doc, err := json.Marshal(s)
	if err != nil {
		return err
	}
	s.runtimeDoc = runtimeFile(dataDir)
	return renameio.WriteFile(s.runtimeDoc, doc, 0o600)
}

// reachStores is openStores for a command that may run beside the service: it uses
// the private stores of a running service.
func reachStores(ctx context.Context, cfg config, log *slog.Logger) (*stores, error) {
	s, err := openStores(ctx, cfg, log)
	if !errors.Is(err, embedded.ErrInUse) {
		return s, err
	}

	doc, readErr := os.ReadFile(runtimeFile(cfg.DataDir))
	if errors.Is(readErr, fs.ErrNotExist) {
		return nil, err // the service is starting or stopping
	}
	if readErr != nil {
		return nil, readErr
	}

	s = &stores{}
	if err := json.Unmarshal(doc, s); err != nil {
		return nil, fmt.Errorf("%s: %w", runtimeFile(cfg.DataDir), err)
	}

	return s, nil
}

// died returns a channel that closes when the private database ends by itself.
func (s *stores) died() <-chan struct{} {
	if s.postgres == nil {
		return nil
	}
	return s.postgres.Done()
}

// close stops the private stores in the opposite order.
func (s *stores) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	if s.runtimeDoc != "" {
		_ = os.Remove(s.runtimeDoc) // a stale file does no harm
	}
	if s.redis != nil {
		s.redis.Stop()
	}
	if s.postgres != nil {
		s.postgres.Stop(ctx)
	}
	if s.dir != nil {
		s.dir.Close()
	}
}

// quietRedis demotes the Redis client's own messages, one for every failure. The
// packages that use the client log an outage once.
type quietRedis struct{ log *slog.Logger }

func (q quietRedis) Printf(ctx context.Context, format string, v ...any) {
	q.log.DebugContext(ctx, "redis: "+fmt.Sprintf(format, v...))
}
