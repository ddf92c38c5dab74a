// Package dbtest gives every test a PostgreSQL database of its own, with the
// schema of Inlet, in a private server that ends with the tests' process.
// Nothing of it is durable, and the machine's own database is never used.
package dbtest

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/db"
	"inlet/embedded/child"
	"inlet/embedded/pgserver"
)

const template = "inlet_template"

// Pool is a pool on a fresh, migrated database that is dropped after the test.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	url := URL(t)
	pool, err := db.Open(context.Background(), url, db.Options{})
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL is that of a fresh, migrated database that is dropped after the test.
func URL(t testing.TB) string {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatalf("dbtest: start PostgreSQL: %v", err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := execute(server, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	return server.URL(name)
}

func execute(s *process, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// shared is the server of this process. It is started once and lives as long
// as the process: its tests come and go.
var shared = sync.OnceValues(start)

// process is the server with what shows that this process lives.
type process struct {
	*pgserver.Server
	alive *os.File
}

func start() (*process, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "inlet-dbtest-")
	if err != nil {
		return nil, err
	}
	log, err := child.OpenLog("", 0)
	if err != nil {
		return nil, err
	}
	server, err := pgserver.Start(ctx, pgserver.Options{
		Dir:      filepath.Join(dir, "postgres"),
		Password: rand.Text(),
		NoSync:   true,
		Log:      log,
		Settings: map[string]string{
			"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
			"max_connections": "200", "shared_buffers": "32MB", "autovacuum": "off", "jit": "off",
		},
	})
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	alive, err := clean(dir, server.Pid())
	if err != nil {
		return nil, err
	}
	if err := server.CreateDatabase(ctx, template); err != nil {
		return nil, err
	}
	return &process{Server: server, alive: alive}, db.Migrate(ctx, server.URL(template))
}

// clean starts a process that waits for the end of this one, however it ends,
// stops the server and removes its files. The end shows in the pipe that clean
// returns, whose other side nobody writes to.
func clean(dir string, pid int) (*os.File, error) {
	// A server that ends removes its pid file. (A dead process may still have
	// its number: in a container often nobody buries the orphans.)
	const script = `
		read -r _
		kill -QUIT "$1"
		for i in $(seq 500); do
			[ -e "$0/postgres/postmaster.pid" ] && kill -0 "$1" || break
			sleep 0.02
		done
		rm -rf -- "$0"`
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	cmd := exec.CommandContext(context.Background(), "sh", "-c", script, dir, strconv.Itoa(pid))
	cmd.Stdin = read
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // survives Ctrl-C
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, err
	}
	return write, nil
}
