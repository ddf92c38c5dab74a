package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"inlet/embedded/child"
	"inlet/embedded/ramdir"
)

// options are for a server in a folder of the test's own, quick to make.
func options(t *testing.T) Options {
	t.Helper()
	log, err := child.OpenLog("", 0)
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Dir:      filepath.Join(ramdir.Temp(t), "postgres"),
		Password: "p@ss/word",
		NoSync:   true,
		Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB", "port": "6543", "listen_addresses": "*"},
		Log:      log,
	}
}

func run(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s
}

func connect(t *testing.T, s *Server, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func text(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	var got string
	if err := conn.QueryRow(t.Context(), sql).Scan(&got); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func TestServer(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := run(t, o)
	for range 2 {
		if err := s.CreateDatabase(t.Context(), "pictures"); err != nil {
			t.Fatal(err)
		}
	}
	conn := connect(t, s, "pictures")
	for sql, want := range map[string]string{
		"SHOW listen_addresses":                   "", // whatever the options say
		"SHOW unix_socket_directories":            ".",
		"SHOW port":                               port,
		"SHOW password_encryption":                "scram-sha-256",
		"SHOW data_checksums":                     "on",
		"SHOW server_encoding":                    "UTF8",
		"SELECT current_database()":               "pictures",
		"SELECT lower('ÄÖ')":                      "äö",
		"SELECT ('a' < 'B')::text":                "false",
		"SELECT min(type) FROM pg_hba_file_rules": "host",
		"SELECT string_agg(DISTINCT auth_method, ' ') FROM pg_hba_file_rules": "scram-sha-256",
	} {
		if got := text(t, conn, sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}

	wrong := strings.Replace(s.URL("pictures"), "p%40ss", "guess", 1)
	if _, err := pgx.Connect(t.Context(), wrong); err == nil {
		t.Error("a wrong password lets in")
	}
	if os.Geteuid() == 0 {
		if owner := text(t, conn, "SELECT (pg_stat_file('PG_VERSION')).size::text"); owner == "" {
			t.Error("the server cannot read its files")
		}
	}
	s.Stop(t.Context())
	<-s.Done()
	if err := s.CreateDatabase(t.Context(), "other"); err == nil {
		t.Error("a stopped server makes a database")
	}
}

// What a killed server and a number that a stranger has now leave behind does
// not keep the next one from starting, and nothing is lost.
func TestAfterACrash(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := run(t, o)
	conn := connect(t, s, "postgres")
	if _, err := conn.Exec(t.Context(), `CREATE TABLE kept AS SELECT 1 AS n`); err != nil {
		t.Fatal(err)
	}
	// The connection's own process outlives the server for a moment.
	if err := syscall.Kill(s.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()

	for _, pid := range []int{0, os.Getpid()} {
		if pid != 0 {
			old := fmt.Sprintf("%d\n%s\n1\n5432\n.\n\n\nready   \n", pid, o.Dir)
			for _, name := range []string{"postmaster.pid", ".s.PGSQL.5432.lock", ".s.PGSQL.5432"} {
				if err := os.WriteFile(filepath.Join(o.Dir, name), []byte(old), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		next := run(t, o)
		if got := text(t, connect(t, next, "postgres"), `SELECT n::text FROM kept`); got != "1" {
			t.Errorf("kept %s", got)
		}
		next.Stop(t.Context())
	}
}

// A second server waits for the first to let go of the cluster.
func TestTakesOver(t *testing.T) {
	t.Parallel()
	o := options(t)
	first := run(t, o)
	second := run(t, o)
	select {
	case <-first.Done():
	default:
		t.Error("two servers on one cluster")
	}
	text(t, connect(t, second, "postgres"), "SELECT 'it works'")
}

func TestCannotStart(t *testing.T) {
	t.Parallel()
	nowhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(nowhere.Close)
	write := func(t *testing.T, o *Options, name, content string) {
		t.Helper()
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(o.Dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		spoil func(t *testing.T, o *Options)
		want  string
	}{
		"data of a version that is not here": {
			func(t *testing.T, o *Options) { write(t, o, "PG_VERSION", "99\n") }, "holds data of PostgreSQL 99",
		},
		"no version": {
			func(t *testing.T, o *Options) { write(t, o, "PG_VERSION", "new\n") }, "does not hold a PostgreSQL cluster",
		},
		"another's files": {
			func(t *testing.T, o *Options) { write(t, o, "diary.txt", "dear") }, "is not empty",
		},
		"a setting that is unknown": {
			func(_ *testing.T, o *Options) { o.Settings["no_such_setting"] = "1" }, "no_such_setting",
		},
		"no folder above": {
			func(_ *testing.T, o *Options) { o.Dir = filepath.Join(o.Dir, "deeper", "down") }, "no such file",
		},
		"programs that are none": {
			func(t *testing.T, o *Options) { o.Binaries = Binaries{Dir: t.TempDir(), Major: 15} }, "initdb",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.Cache, o.Repository = t.TempDir(), nowhere.URL
			test.spoil(t, &o)
			s, err := Start(t.Context(), o)
			if err == nil {
				s.Stop(t.Context())
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
}

func TestStartIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("enough")
	cancel(because)
	if _, err := Start(ctx, options(t)); err == nil {
		t.Fatal("it started")
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	found, err := Find(t.Context(), 0, nil)
	if errors.Is(err, ErrNoBinaries) {
		t.Skip("no PostgreSQL on this machine")
	}
	if err != nil {
		t.Fatal(err)
	}
	same, err := Find(t.Context(), found.Major, nil)
	if err != nil || same.Major != found.Major {
		t.Errorf("found %v, then %v, %v", found, same, err)
	}
	if _, err := Find(t.Context(), 99, nil); !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), found.Dir) {
		t.Errorf("version 99: %v", err)
	}
}
