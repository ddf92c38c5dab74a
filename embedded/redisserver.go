package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// findRedis returns the path of a Redis 6.2 or later, or of a Valkey.
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
	return "", errNoRedis
}

// redisServer runs a redis-server and restarts it when it dies.
type redisServer struct {
	program  string
	dir      string // the server's files and its socket
	address  string // the socket's path for clients
	user     *syscall.Credential
	password string
	output   *child.Log
	log      *slog.Logger
}

func (d *Dir) startRedisServer(ctx context.Context, log *slog.Logger, program, password string) (_ *Redis, err error) {
	s := &redisServer{program: program, dir: filepath.Join(d.path, "redis"), password: password, log: log}
	if err := s.prepare(); err != nil {
		return nil, err
	}

	short, release, err := child.ShortPath(s.dir)
	if err != nil {
		return nil, err
	}
	s.address = filepath.Join(short, socket)

	if s.output, err = d.openLog("redis.log"); err != nil {
		release()
		return nil, err
	}

	process, err := s.start(ctx)
	if err != nil {
		release()
		return nil, errors.Join(err, s.output.Close())
	}
	log.InfoContext(ctx, "the private Redis has started", "program", program, "process", process.Pid())

	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var supervisor sync.WaitGroup
	supervisor.Go(func() { s.supervise(running, process) })

	return &Redis{
		url:  redisURL(s.address, password),
		kind: filepath.Base(program),
		stop: func() {
			cancel()
			supervisor.Wait()
			release()
		},
	}, nil
}

func (s *redisServer) prepare() (err error) {
	if s.user, err = child.Unprivileged(s.dir, "redis", "nobody"); err != nil {
		return err
	}

	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return child.Adopt(s.dir, s.user)
}

// supervise restarts the server whenever it dies, until ctx ends.
func (s *redisServer) supervise(ctx context.Context, process *child.Process) {
	defer func() { _ = s.output.Close() }()

	for {
		select {
		case <-ctx.Done():
			process.Stop(context.WithoutCancel(ctx), 10*time.Second, syscall.SIGTERM)
			return
		case <-process.Done():
		}

		s.log.ErrorContext(ctx, "the private Redis has died and is started again", "error", process.Err(), "last", s.output.Tail())
		next, err := s.start(ctx)
		for err != nil {
			if ctx.Err() != nil {
				return
			}

			s.log.ErrorContext(ctx, "the private Redis does not start", "error", err)
			if child.Pause(ctx, time.Second) != nil {
				return
			}

			next, err = s.start(ctx)
		}
		process = next
	}
}

// start runs the server and returns once it has loaded its data.
func (s *redisServer) start(ctx context.Context) (*child.Process, error) {
	lock, err := child.TakeOver(ctx, s.dir+".lock", 5*time.Second, syscall.SIGTERM, syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // the server has inherited it

	folder, err := os.Open(s.dir)
	if err != nil {
		return nil, err
	}
	defer folder.Close()

	cmd := child.Command{
		Path:     s.program,
		Args:     []string{"-"}, // reads its configuration from standard input, which hides the password from other users
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

// config places the socket in dir, which is the server's working directory: a
// relative name always fits, and replaces a stale socket.
func (s *redisServer) config(dir string) string {
	return strings.Join([]string{
		"port 0",
		"unixsocket " + socket,
		"unixsocketperm 700",
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
		Network: "unix", Addr: s.address, Password: s.password, MaxRetries: -1, DialerRetries: 1, PoolSize: 1,
	})
	defer func() { _ = client.Close() }()

	return process.AwaitReady(ctx, func() (bool, error) {
		return child.Listens(ctx, s.address) && client.Ping(ctx).Err() == nil, nil
	})
}
