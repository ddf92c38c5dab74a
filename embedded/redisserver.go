package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"inlet/embedded/child"
)

var errNoRedis = errors.New("no usable redis-server found")

// findRedis looks for a Redis 6.2 or later, or a Valkey.
func findRedis(ctx context.Context) (string, error) {
	number := regexp.MustCompile(`v=(\d+)\.(\d+)`)
	for _, name := range []string{"redis-server", "valkey-server"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, "--version").Output()
		if err != nil {
			continue
		}
		version := number.FindStringSubmatch(string(out))
		if version == nil {
			continue
		}
		major, _ := strconv.Atoi(version[1]) // both are digits
		minor, _ := strconv.Atoi(version[2])
		if major > 6 || major == 6 && minor >= 2 {
			return path, nil
		}
	}
	return "", errors.Join(errNoRedis, ctx.Err())
}

// redisServer keeps a redis-server running.
type redisServer struct {
	path     string // of the program
	dir      string // for its files
	user     *syscall.Credential
	password string
	output   *child.Log
	log      *slog.Logger
	port     int // chosen at the first start, then kept
}

func (d *Dir) startRedisServer(ctx context.Context, log *slog.Logger, path, password string) (*Redis, error) {
	s := &redisServer{path: path, dir: filepath.Join(d.path, "redis"), password: password, log: log}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	var err error
	if s.output, err = child.OpenLog(filepath.Join(d.path, "redis.log"), logBytes); err != nil {
		return nil, err
	}
	process, err := s.start(ctx)
	if err != nil {
		return nil, errors.Join(err, s.output.Close())
	}
	log.InfoContext(ctx, "the private Redis has started", "program", path, "process", process.Pid())

	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var ended sync.WaitGroup
	ended.Go(func() { s.keep(running, process) })
	return &Redis{
		url:  redisURL(s.addr(), password),
		kind: filepath.Base(path),
		stop: func() {
			cancel()
			ended.Wait()
		},
	}, nil
}

func (s *redisServer) prepare() error {
	var err error
	if s.user, err = child.Unprivileged(s.dir, "redis", "nobody"); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return child.Adopt(s.dir, s.user)
}

func (s *redisServer) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// keep starts the server again when it dies, until ctx ends.
func (s *redisServer) keep(ctx context.Context, process *child.Process) {
	defer func() { _ = s.output.Close() }()
	for {
		select {
		case <-ctx.Done():
			process.Stop(context.WithoutCancel(ctx), 10*time.Second, syscall.SIGTERM)
			return
		case <-process.Done():
		}
		s.log.ErrorContext(ctx, "the private Redis has died and is started again",
			"error", process.Err(), "last", s.output.Tail())
		for {
			next, err := s.start(ctx)
			if err == nil {
				process = next
				break
			}
			if ctx.Err() != nil {
				return
			}
			s.log.ErrorContext(ctx, "the private Redis does not start", "error", err)
			if child.Pause(ctx, time.Second) != nil {
				return
			}
		}
	}
}

// start runs the server and waits until it has read its data. When the port is
// not fixed yet, it tries several, as somebody else may take one in between.
func (s *redisServer) start(ctx context.Context) (*child.Process, error) {
	lock, err := child.TakeOver(ctx, s.dir+".lock", 5*time.Second, syscall.SIGTERM, syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // the server has inherited it
	if s.port != 0 {
		return s.startOnce(ctx, lock)
	}
	for attempt := 1; ; attempt++ {
		if s.port, err = child.FreePort(ctx); err != nil {
			return nil, err
		}
		process, err := s.startOnce(ctx, lock)
		if err == nil || attempt == 5 || ctx.Err() != nil {
			return process, err
		}
	}
}

func (s *redisServer) startOnce(ctx context.Context, lock *os.File) (*child.Process, error) {
	folder, err := os.Open(s.dir)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	cmd := child.Command{
		Path:     s.path,
		Args:     []string{"-"}, // reads its configuration, so that no other user sees the password
		User:     s.user,
		Output:   s.output,
		Orphaned: syscall.SIGTERM,
	}
	cmd.Input = strings.NewReader(s.config(cmd.Inherit(folder)))
	cmd.Inherit(lock)
	process, err := child.Start(cmd)
	if err != nil {
		return nil, err
	}
	err = child.SetHolder(lock, process.Pid())
	if err == nil {
		err = s.awaitReady(ctx, process)
	}
	if err != nil {
		process.Stop(context.WithoutCancel(ctx), time.Second, syscall.SIGTERM)
		return nil, fmt.Errorf("%w; its last words: %s", err, s.output.Tail())
	}
	return process, nil
}

func (s *redisServer) config(dir string) string {
	return strings.Join([]string{
		"bind 127.0.0.1",
		"port " + strconv.Itoa(s.port),
		"requirepass " + s.password,
		"dir " + strconv.Quote(dir),
		"appendonly yes",
		"appendfsync everysec",
		`save ""`,
		"loglevel warning",
		"",
	}, "\n")
}

func (s *redisServer) awaitReady(ctx context.Context, process *child.Process) error {
	client := redis.NewClient(&redis.Options{
		Addr: s.addr(), Password: s.password, MaxRetries: -1, DialerRetries: 1, PoolSize: 1,
	})
	defer func() { _ = client.Close() }()
	for {
		if listens(ctx, s.addr()) && client.Ping(ctx).Err() == nil {
			return nil
		}
		select {
		case <-process.Done():
			return errors.Join(errors.New("it ended before it was ready"), process.Err())
		default:
		}
		if err := child.Pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// listens asks before the client does, who would complain on standard error.
func listens(ctx context.Context, addr string) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp4", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
