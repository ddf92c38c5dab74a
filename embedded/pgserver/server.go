// Package pgserver runs a private PostgreSQL server: it finds the binaries,
// creates the cluster, and starts and stops the server. It promises that
//   - the server listens on a Unix socket in the cluster's folder only, and
//     requires a password;
//   - it never touches a server or a cluster that it did not create;
//   - the server ends with this process, and the next start waits for what a
//     killed process left behind and recovers;
//   - it works for root, even when only root may enter the folder above the
//     cluster: the server then runs as another user and inherits the folder as an
//     open descriptor.
package pgserver

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/embedded/child"
)

const (
	// role owns the cluster and its databases.
	role = "inlet"
	// port is a part of the socket's name.
	port = "5432"
)

// Options of a server.
type Options struct {
	// Dir holds the cluster, which Start creates if it is missing; the folder
	// above must exist.
	Dir string
	// Password of the role inlet; it is fixed when the cluster is created.
	Password string
	// Settings are parameters of postgresql.conf.
	Settings map[string]string
	// NoSync creates a cluster without syncing it to disk, for tests.
	NoSync bool
	// Binaries replace those that Start finds or fetches.
	Binaries Binaries
	// Cache is the folder for fetched binaries; empty means the user's.
	Cache string
	// Repository is where Start fetches them; empty means Maven Central.
	Repository string
	// Notice reports what takes long; it may be nil.
	Notice func(message string)
	// Log gets the server's output.
	Log *child.Log
}

// Server is a running PostgreSQL.
type Server struct {
	process  *child.Process
	password string
	sockets  string // the folder of the socket, for clients
	release  func() // of sockets
}

// cluster is a server's folder while Start works on it.
type cluster struct {
	Options
	user *syscall.Credential // nil: this process's
	lock *os.File            // every program that works on the cluster inherits it
}

// Start creates the cluster if it is missing and starts a server on it. It
// returns once the server accepts connections; after a crash it first waits,
// limited by ctx alone, until the server has recovered.
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

	c.lock, err = child.TakeOver(ctx, dir+".lock", 10*time.Second, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL)
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	defer c.lock.Close() // the server has inherited it

	if err := c.prepare(ctx); err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}

	s, err := c.start(ctx)
	if err != nil {
		return nil, fmt.Errorf("pgserver: start PostgreSQL: %w; its last words: %s", err, c.Log.Tail())
	}
	return s, nil
}

// prepare finds binaries that fit the cluster, or creates the cluster, and
// removes what a crash left in it.
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

// run starts a program that holds the cluster's lock until it ends.
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

func (c *cluster) start(ctx context.Context) (*Server, error) {
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
	for name, value := range c.settings() {
		cmd.Args = append(cmd.Args, "-c", name+"="+value)
	}

	sockets, release, err := child.ShortPath(c.Dir)
	if err != nil {
		return nil, err
	}

	process, err := c.run(cmd)
	if err != nil {
		release()
		return nil, err
	}
	s := &Server{process: process, password: c.Password, sockets: sockets, release: release}

	err = process.AwaitReady(ctx, func() (bool, error) {
		f, err := c.pidFile()
		return err == nil && f.pid == process.Pid() && f.status == "ready", nil
	})
	if err != nil {
		s.Stop(ctx)
		return nil, err
	}
	return s, nil
}

// settings returns the options' settings with those that the options cannot
// change. The socket's folder is relative to the cluster, so its path always fits.
func (c *cluster) settings() map[string]string {
	all := map[string]string{}
	maps.Copy(all, c.Settings)

	all["listen_addresses"] = ""
	all["port"] = port
	all["unix_socket_directories"] = "."
	all["unix_socket_permissions"] = "0700"
	all["logging_collector"] = "off"
	return all
}

// URL returns the address of a database. It contains the password, and everything
// that a client would otherwise take from its environment.
func (s *Server) URL(database string) string {
	host := strings.ReplaceAll(url.QueryEscape(s.sockets), "+", "%20") // PostgreSQL's clients do not read + as a space
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, s.password),
		Path:     "/" + database,
		RawQuery: "host=" + host + "&port=" + port + "&sslmode=disable",
	}
	return u.String()
}

// CreateDatabase creates the database unless it exists.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()

	var exists bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	}
	if err != nil {
		return fmt.Errorf("pgserver: make the database %s: %w", name, err)
	}
	return nil
}

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Pid returns the id of the server's first process.
func (s *Server) Pid() int { return s.process.Pid() }

// Stop ends the server in good order or, when that takes long or ctx ends, at
// once, which costs a recovery at the next start but loses nothing.
func (s *Server) Stop(ctx context.Context) {
	s.process.Stop(ctx, 10*time.Second, syscall.SIGINT, syscall.SIGQUIT)
	s.release()
}
