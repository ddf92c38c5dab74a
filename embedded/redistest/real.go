package redistest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"inlet/embedded/child"
)

// limit bounds the wait for a server.
const limit = 30 * time.Second

// redisServer is a real one.
type redisServer struct {
	dir     string
	conf    string         // a file of settings; mostly none
	extra   []string       // arguments
	addr    string         // the path of its socket, or host:port
	process *child.Process // nil while it does not run
}

func (r *redisServer) run(addr string) error {
	path, err := exec.LookPath(kindServer)
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
		Args:     r.args(),
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

func (r *redisServer) args() []string {
	listen := []string{"--port", "0", "--unixsocket", r.addr}
	if host, port, err := net.SplitHostPort(r.addr); err == nil {
		listen = []string{"--bind", host, "--port", port}
	}

	var all []string
	if r.conf != "" {
		all = append(all, r.conf) // redis-server reads only its first argument as a file
	}
	all = append(all, listen...)
	all = append(all, "--dir", r.dir, "--save", "", "--appendonly", "no", "--loglevel", "warning")
	return append(all, r.extra...)
}

// startReal starts a server that others reach by TCP, as the nodes of a cluster
// and sentinels do, at an address that nobody uses. If another process takes the
// address first, startReal tries another one. Settings that depend on the address
// are made by prepare.
func startReal(t testing.TB, prepare func(r *redisServer, host, port string) error) (*redisServer, error) {
	t.Helper()
	r := &redisServer{dir: t.TempDir()}
	t.Cleanup(r.kill)

	var err error
	for range 10 {
		var host, port string
		if host, port, err = freeAddr(t); err == nil {
			err = prepare(r, host, port)
		}
		if err == nil {
			err = r.run(net.JoinHostPort(host, port))
		}
		if err == nil {
			return r, nil
		}
	}
	return nil, err
}

// freeAddr returns an address that nobody uses right now. On Linux its host is a
// loopback address of the test's own: other tests do not take the port, nor do
// their connections while the server is stopped.
func freeAddr(t testing.TB) (host, port string, err error) {
	host = "127.0.0.1"
	if runtime.GOOS == "linux" {
		host = fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
	}

	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp4", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", "", err
	}
	defer l.Close()
	return net.SplitHostPort(l.Addr().String())
}

// awaitInfo returns once a section of INFO contains the text.
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

	return r.process.AwaitReady(ctx, func() (bool, error) {
		if !child.Listens(ctx, r.addr) {
			return false, nil
		}

		id, err := client.InfoMap(ctx, "server").Result()
		if err == nil && id["Server"]["process_id"] != fmt.Sprint(r.process.Pid()) {
			return false, errors.New("another server has the address")
		}
		return err == nil, nil
	})
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
