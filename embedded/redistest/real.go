package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"inlet/embedded/child"
)

// limit bounds what a test waits for a server.
const limit = 30 * time.Second

// redisServer is a real one.
type redisServer struct {
	dir     string
	conf    string   // a file of settings; mostly none
	extra   []string // arguments
	addr    string
	process *child.Process // nil while it does not run
}

func (r *redisServer) run(addr string) error {
	path, err := exec.LookPath(kindServer)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	log, err := child.OpenLog("", 0)
	if err != nil {
		return err
	}
	r.addr = addr
	r.process, err = child.Start(child.Command{
		Path:     path,
		Args:     r.args(host, port),
		Output:   log,
		Orphaned: syscall.SIGKILL,
	})
	if err != nil {
		return err
	}
	if err := r.awaitReady(); err != nil {
		r.kill()
		return fmt.Errorf("%w: %s", err, log.Tail())
	}
	return nil
}

func (r *redisServer) args(host, port string) []string {
	var all []string
	if r.conf != "" {
		all = append(all, r.conf) // the first, or it is not taken for a file
	}
	all = append(all, "--bind", host, "--port", port, "--dir", r.dir, "--save", "", "--appendonly", "no", "--loglevel", "warning")
	return append(all, r.extra...)
}

// startReal starts a server at an address that nobody uses. Settings that depend
// on it are made by prepare.
func startReal(t testing.TB, prepare func(r *redisServer, host, port string) error) (*redisServer, error) {
	r := &redisServer{dir: t.TempDir()}
	t.Cleanup(r.kill)
	_, err := atFreeAddr(t, func(addr string) error {
		host, port, err := net.SplitHostPort(addr)
		if err == nil {
			err = prepare(r, host, port)
		}
		if err == nil {
			err = r.run(addr)
		}
		return err
	})
	return r, err
}

// awaitInfo waits until a section of INFO has the text.
func (r *redisServer) awaitInfo(ctx context.Context, section, text string) error {
	client := r.client()
	defer func() { _ = client.Close() }()
	for {
		info, err := client.Info(ctx, section).Result()
		if err == nil && strings.Contains(info, text) {
			return nil
		}
		if child.Pause(ctx, 10*time.Millisecond) != nil {
			return fmt.Errorf("%s did not become %s: %w\n%s", section, text, err, info)
		}
	}
}

func (r *redisServer) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	client := r.client()
	defer func() { _ = client.Close() }()
	var dialer net.Dialer
	for {
		// Asked before the client does, who would complain on standard error.
		var id map[string]map[string]string
		conn, err := dialer.DialContext(ctx, "tcp4", r.addr)
		if err == nil {
			conn.Close()
			id, err = client.InfoMap(ctx, "server").Result()
		}
		switch {
		case err == nil && id["Server"]["process_id"] == fmt.Sprint(r.process.Pid()):
			return nil
		case err == nil:
			return errors.New("another server has the port")
		case ctx.Err() != nil:
			return err
		}
		select {
		case <-r.process.Done():
			return errors.Join(errors.New("it ended at once"), r.process.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (r *redisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: r.addr, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true})
}

func (r *redisServer) kill() {
	if r.process != nil {
		r.process.Stop(context.Background(), limit, syscall.SIGKILL)
		r.process = nil
	}
}

func (r *redisServer) save() error {
	client := r.client()
	defer func() { _ = client.Close() }()
	return client.Save(context.Background()).Err()
}

func (r *redisServer) flush() error {
	client := r.client()
	defer func() { _ = client.Close() }()
	return client.FlushAll(context.Background()).Err()
}

func (r *redisServer) forget() error {
	err := os.Remove(filepath.Join(r.dir, "dump.rdb"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
