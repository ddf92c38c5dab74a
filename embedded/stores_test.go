package embedded

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"inlet/embedded/ramdir"
)

func startPostgres(t *testing.T, d *Dir) *Postgres {
	t.Helper()
	p, err := d.StartPostgres(t.Context(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(context.Background()) })
	return p
}

func startRedis(t *testing.T, d *Dir) *Redis {
	t.Helper()
	r, err := d.StartRedis(t.Context(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return r
}

func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var got string
	if err := conn.QueryRow(t.Context(), sql).Scan(&got); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	opts, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	opts.DialerRetries = 1
	c := redis.NewClient(opts)
	t.Cleanup(func() { c.Close() })
	return c
}

// until waits for something that comes about by itself.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// gone says whether a process has ended, even if nobody has buried it.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}

func TestPostgresIsDurableAndPrivate(t *testing.T) {
	t.Parallel()
	d := open(t, filepath.Join(ramdir.Temp(t), "data"))
	p := startPostgres(t, d)
	for sql, want := range map[string]string{
		"SHOW fsync":                                            "on",
		"SHOW synchronous_commit":                               "on",
		"SHOW full_page_writes":                                 "on",
		"SHOW data_checksums":                                   "on",
		"SHOW listen_addresses":                                 "",
		"SHOW unix_socket_directories":                          ".", // which only the server's user may enter
		"SHOW unix_socket_permissions":                          "0700",
		"SELECT current_database()":                             "inlet",
		"SELECT coalesce(inet_server_addr()::text, 'a socket')": "a socket",
		"CREATE TABLE kept (); SHOW timezone":                   "UTC",
	} {
		for _, statement := range strings.Split(sql, "; ") {
			if strings.HasPrefix(statement, "CREATE") {
				exe(t, p.URL(), statement)
				continue
			}
			if got := query(t, p.URL(), statement); got != want {
				t.Errorf("%s: %q, want %q", statement, got, want)
			}
		}
	}
	for _, name := range []string{"postgres-password", "postgres.log", "postgres.lock"} {
		info, err := os.Stat(filepath.Join(d.Path(), name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	p.Stop(t.Context())
	<-p.Done()

	p = startPostgres(t, d)
	if got := query(t, p.URL(), "SELECT count(*)::text FROM kept"); got != "0" {
		t.Errorf("after a restart: %s", got)
	}
}

func exe(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestPostgresDies(t *testing.T) {
	t.Parallel()
	d := open(t, ramdir.Temp(t))
	p := startPostgres(t, d)
	if err := syscall.Kill(p.server.Pid(), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if !strings.Contains(p.LastWords(), "immediate shutdown") {
		t.Errorf("its last words: %s", p.LastWords())
	}
	query(t, startPostgres(t, d).URL(), "SELECT 'it recovers'")
}

func TestPostgresCannotStart(t *testing.T) {
	t.Parallel()
	t.Run("the password was lost", func(t *testing.T) {
		t.Parallel()
		d := open(t, ramdir.Temp(t))
		startPostgres(t, d).Stop(t.Context())
		if err := os.Remove(filepath.Join(d.Path(), "postgres-password")); err != nil {
			t.Fatal(err)
		}
		if _, err := d.StartPostgres(t.Context(), quiet()); err == nil || !strings.Contains(err.Error(), "password") {
			t.Errorf("%v", err)
		}
	})
	t.Run("the place is taken", func(t *testing.T) {
		t.Parallel()
		d := open(t, ramdir.Temp(t))
		if err := os.WriteFile(filepath.Join(d.Path(), "postgres"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := d.StartPostgres(t.Context(), quiet())
		if err == nil || !strings.Contains(err.Error(), "INLET_DATABASE_URL") {
			t.Errorf("%v", err)
		}
	})
}

// Nobody but root may enter the data dir or a folder above it, and yet the
// database's own user reaches its files.
func TestRootsPrivateFolders(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root has servers of another user")
	}
	above := filepath.Join(ramdir.Temp(t), "root's own")
	if err := os.Mkdir(above, 0o700); err != nil {
		t.Fatal(err)
	}
	d := open(t, filepath.Join(above, "data"))
	for range 2 {
		p, r := startPostgres(t, d), startRedis(t, d)
		exe(t, p.URL(), "CREATE TABLE IF NOT EXISTS t (); CHECKPOINT")
		if c := redisClient(t, r.URL()); r.Kind() != "miniredis" {
			if err := c.BgRewriteAOF(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			until(t, "Redis has rewritten its file", func() bool {
				about := c.InfoMap(t.Context(), "persistence").Val()["Persistence"]
				return about["aof_rewrite_in_progress"] == "0" && about["aof_rewrite_scheduled"] == "0" &&
					about["aof_last_bgrewrite_status"] == "ok"
			})
		}
		p.Stop(t.Context())
		r.Stop()
	}
	for _, dir := range []string{above, d.Path(), filepath.Join(d.Path(), "postgres")} {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
	if owner := ownerOf(t, filepath.Join(d.Path(), "postgres")); owner == 0 {
		t.Error("the database's files are root's")
	}

	// A backup that root has copied back is root's.
	err := exec.CommandContext(t.Context(), "chown", "-R", "0:0", filepath.Join(d.Path(), "postgres")).Run()
	if err != nil {
		t.Fatal(err)
	}
	query(t, startPostgres(t, d).URL(), "SELECT 'it works'")
}

func ownerOf(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

func TestRedisServer(t *testing.T) {
	t.Parallel()
	if _, err := findRedis(t.Context()); errors.Is(err, errNoRedis) {
		t.Skip("no redis-server on this machine")
	}
	d := open(t, ramdir.Temp(t))
	r := startRedis(t, d)
	if r.Kind() == "miniredis" {
		t.Fatal("the redis-server of the machine is not used")
	}
	c := redisClient(t, r.URL())
	for setting, want := range map[string]string{"appendonly": "yes", "appendfsync": "everysec", "port": "0", "unixsocketperm": "700"} {
		if got := c.ConfigGet(t.Context(), setting).Val()[setting]; got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if err := redis.NewClient(&redis.Options{Network: "unix", Addr: c.Options().Addr}).Ping(t.Context()).Err(); err == nil {
		t.Error("no password is wanted")
	}
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}

	// It dies: it comes back at the same place with what it held.
	info := c.InfoMap(t.Context(), "server").Val()["Server"]
	pid, err := strconv.Atoi(info["process_id"])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "Redis comes back", func() bool { return c.Get(t.Context(), "k").Val() == "v" })

	r.Stop()
	r.Stop() // does no harm
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Error("it answers after Stop")
	}
	if got := redisClient(t, startRedis(t, d).URL()).Get(t.Context(), "k").Val(); got != "v" {
		t.Errorf("after a restart: %q", got)
	}
}

func TestMiniredis(t *testing.T) {
	t.Parallel()
	r, err := open(t, ramdir.Temp(t)).startMiniredis(t.Context(), quiet(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	if r.Kind() != "miniredis" {
		t.Error(r.Kind())
	}
	c := redisClient(t, r.URL())
	if err := c.Set(t.Context(), "k", "v", 10*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	until(t, "the clock runs", func() bool { return c.Exists(t.Context(), "k").Val() == 0 })
	if err := redis.NewClient(&redis.Options{Network: "unix", Addr: c.Options().Addr}).Ping(t.Context()).Err(); err == nil {
		t.Error("no password is wanted")
	}
	r.Stop()
}

// Without a Redis on the machine the one in this process is used.
func TestNoRedisServer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	d := open(t, ramdir.Temp(t))
	if kind := startRedis(t, d).Kind(); kind != "miniredis" {
		t.Error(kind)
	}
}
