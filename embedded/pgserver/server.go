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
	"strings"
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
	// Binaries are used instead of what Find finds.
	Binaries Binaries
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
	if c.user, err = User(dir); err != nil {
		return nil, err
	}
	major, err := Version(dir)
	if err != nil {
		return nil, err
	}
	if c.Binaries.Dir == "" {
		if c.Binaries, err = Find(ctx, major, c.user); err != nil {
			return nil, fmt.Errorf("pgserver: for the data in %s: %w", dir, err)
		}
	}
	if major == 0 {
		if err := c.create(ctx); err != nil {
			return nil, fmt.Errorf("pgserver: make the database files in %s: %w", dir, err)
		}
	}
	if err := c.adopt(); err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	if err := c.awaitPredecessor(ctx); err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	return c.start(ctx)
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
		if pause(ctx, time.Duration(attempt)*100*time.Millisecond) != nil {
			return nil, err
		}
	}
}

func (c *cluster) startOnce(ctx context.Context) (*Server, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := os.Open(c.Dir)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	args := []string{"-D", c.reach(folder, 0)}
	for name, value := range c.settings(port) {
		args = append(args, "-c", name+"="+value)
	}
	process, err := child.Start(child.Command{
		Path:     filepath.Join(c.Binaries.Dir, "postgres"),
		Args:     args,
		Files:    []*os.File{folder},
		User:     c.user,
		Output:   c.Log,
		Orphaned: syscall.SIGINT, // fast shutdown
	})
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
	// By this a later start knows this server again, see awaitPredecessor.
	all[mark] = c.Dir
	return all
}

// reach is the path by which the server opens f, the n-th of its inherited
// files. Another user may be kept out of the folders above, but not out of
// what is open already.
func (c *cluster) reach(f *os.File, n int) string {
	if c.user != nil && hasProc() {
		return fmt.Sprintf("/proc/self/fd/%d", 3+n)
	}
	return f.Name()
}

func hasProc() bool {
	_, err := os.Stat("/proc/self/fd")
	return err == nil
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
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
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

var errEnded = errors.New("before it was ready")

// pause waits, but not beyond the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

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
	defer conn.Close(context.WithoutCancel(ctx))
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

// Version is the major version of the cluster in dir, 0 if there is none.
func Version(dir string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("pgserver: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("pgserver: %s does not hold a PostgreSQL cluster: %w", dir, err)
	}
	return major, nil
}
