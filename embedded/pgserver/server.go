// Package pgserver runs a PostgreSQL server of our own: it finds the binaries,
// makes the cluster and starts and stops the server. It promises that
//   - the server listens on 127.0.0.1 only, at a free port, with a password;
//   - it never touches a server or a cluster that it has not made;
//   - it ends with this process, and what a killed process left behind is
//     waited for and recovered from at the next start;
//   - it works for root, even when only root may enter the folder above the
//     cluster: the server then runs as another user and is handed the folder
//     as an open descriptor.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/embedded/child"
)

// role owns the cluster and its databases.
const role = "inlet"

// Options of a server.
type Options struct {
	// Dir holds the cluster and is made if absent; the folder above must exist.
	Dir string
	// Password of the role inlet, fixed when the cluster is made.
	Password string
	// Settings are parameters of postgresql.conf.
	Settings map[string]string
	// NoSync makes a cluster without forcing it to disk, for tests.
	NoSync bool
	// Binaries are used instead of those that are found or fetched.
	Binaries Binaries
	// Cache is the folder for fetched binaries; empty means the user's.
	Cache string
	// Repository is where they are fetched; empty means Maven Central.
	Repository string
	// Notice is told what takes long; it may be nil.
	Notice func(message string)
	// Log gets what the server writes.
	Log *child.Log
}

// Server is a running PostgreSQL.
type Server struct {
	process  *child.Process
	port     int
	password string
}

// cluster is what starting a server works on.
type cluster struct {
	Options
	user *syscall.Credential // nil: ourselves
	lock *os.File            // held by whatever runs on the cluster
}

// Start makes the cluster if there is none and starts a server on it. It
// returns when the server accepts connections: after a crash that is when it
// has recovered, which only ctx limits.
func Start(ctx context.Context, o Options) (*Server, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	o.Dir = dir
	c := &cluster{Options: o}
	if c.user, err = child.Unprivileged(dir, "postgres", "nobody"); err != nil {
		return nil, err
	}
	// Until the server inherits the lock, and its maker as well, it is ours.
	c.lock, err = child.TakeOver(ctx, dir+".lock", 10*time.Second, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL)
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	defer c.lock.Close()
	if err := c.prepare(ctx); err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	return c.start(ctx)
}

// prepare sees to binaries and a cluster that fit each other.
func (c *cluster) prepare(ctx context.Context) error {
	major, err := Version(c.Dir)
	if err != nil {
		return err
	}
	if c.Binaries.Dir == "" {
		if c.Binaries, err = c.find(ctx, major); err != nil {
			return err
		}
	}
	if major == 0 {
		if err := c.create(ctx); err != nil {
			return fmt.Errorf("make the database files in %s: %w", c.Dir, err)
		}
	}
	if err := child.Adopt(c.Dir, c.user); err != nil {
		return err
	}
	return c.dropStale()
}

// run starts a command that holds the cluster's lock until it ends.
func (c *cluster) run(cmd child.Command) (*child.Process, error) {
	cmd.User, cmd.Output = c.user, c.Log
	cmd.Inherit(c.lock)
	process, err := child.Start(cmd)
	if err != nil {
		return nil, err
	}
	if err := child.SetHolder(c.lock, process.Pid()); err != nil {
		process.Stop(context.Background(), time.Second)
		return nil, err
	}
	return process, nil
}

// attempts bounds how often a server that ends while it starts is started
// again: its port may have been taken in between, or processes of a killed
// predecessor may not be gone yet.
const attempts = 5

func (c *cluster) start(ctx context.Context) (*Server, error) {
	for attempt := 1; ; attempt++ {
		s, err := c.startOnce(ctx)
		if err == nil {
			return s, nil
		}
		err = fmt.Errorf("pgserver: start PostgreSQL: %w; its last words: %s", err, c.Log.Tail())
		if attempt == attempts || ctx.Err() != nil {
			return nil, err
		}
		if child.Pause(ctx, time.Duration(attempt)*100*time.Millisecond) != nil {
			return nil, err
		}
	}
}

func (c *cluster) startOnce(ctx context.Context) (*Server, error) {
	port, err := child.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := os.Open(c.Dir)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	cmd := child.Command{
		Path:     filepath.Join(c.Binaries.Dir, "postgres"),
		User:     c.user,
		Orphaned: syscall.SIGINT, // fast shutdown
	}
	cmd.Args = []string{"-D", cmd.Inherit(folder)}
	for name, value := range c.settings(port) {
		cmd.Args = append(cmd.Args, "-c", name+"="+value)
	}
	process, err := c.run(cmd)
	if err != nil {
		return nil, err
	}
	s := &Server{process: process, port: port, password: c.Password}
	if err := c.awaitReady(ctx, process); err != nil {
		s.Stop(ctx)
		return nil, err
	}
	return s, nil
}

// settings are those of the options and those that may not be chosen.
func (c *cluster) settings(port int) map[string]string {
	all := map[string]string{}
	for name, value := range c.Settings {
		all[name] = value
	}
	all["listen_addresses"] = "127.0.0.1"
	all["port"] = strconv.Itoa(port)
	all["unix_socket_directories"] = ""
	all["logging_collector"] = "off"
	return all
}

// awaitReady waits until the server says in its pid file that it is ready.
func (c *cluster) awaitReady(ctx context.Context, p *child.Process) error {
	for {
		if f, err := c.pidFile(); err == nil && f.pid == p.Pid() && f.status == "ready" {
			return nil
		}
		select {
		case <-p.Done():
			return fmt.Errorf("it ended: %w", errors.Join(p.Err(), errEnded))
		default:
		}
		if err := child.Pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

var errEnded = errors.New("before it was ready")

// URL is where the database is found. It holds the password.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// CreateDatabase makes the database unless it exists.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var there bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&there)
	if err == nil && !there {
		_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	}
	if err != nil {
		return fmt.Errorf("pgserver: make the database %s: %w", name, err)
	}
	return nil
}

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Pid is the id of the server's first process.
func (s *Server) Pid() int { return s.process.Pid() }

// Stop ends the server: in good order, or, when that takes long or ctx ends,
// at once, which costs a recovery at the next start but loses nothing.
func (s *Server) Stop(ctx context.Context) {
	s.process.Stop(ctx, 10*time.Second, syscall.SIGINT, syscall.SIGQUIT)
}
