package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/embedded/child"
	"inlet/embedded/ramdir"
)

// PgBouncer starts a PgBouncer in its mode transaction in front of the database
// at a URL and returns the URL by which clients reach it, on a Unix socket. It
// ends with the test. Where it is not installed PgBouncer skips the test.
func PgBouncer(t testing.TB, rawURL string) string {
	t.Helper()
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("pgbouncer is not installed")
	}

	u, err := url.Parse(rawURL)
	must(t, err)

	dir := ramdir.Temp(t)
	user, err := child.Unprivileged(filepath.Join(dir, "none"), "postgres", "nobody") // it refuses to run as root
	must(t, err)
	must(t, child.Give(dir, user))

	sockets, release, err := child.ShortPath(dir)
	must(t, err)
	t.Cleanup(release)

	log, err := child.OpenLog("", 0)
	must(t, err)

	query := u.Query()
	cmd := child.Command{Path: path, User: user, Output: log, Orphaned: syscall.SIGKILL}
	inherit := func(path string) string {
		f, err := os.Open(path)
		must(t, err)
		t.Cleanup(func() { f.Close() })
		return cmd.Inherit(f)
	}

	password, _ := u.User.Password()
	file := filepath.Join(dir, "pgbouncer.ini")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `[databases]
* = host=%s port=%s user=%s password=%s
[pgbouncer]
listen_addr =
listen_port = %[2]s
unix_socket_dir = %[5]s
auth_type = any
pool_mode = transaction
default_pool_size = 8
`, inherit(query.Get("host")), query.Get("port"), u.User.Username(), password, inherit(dir)), 0o644))
	cmd.Args = []string{inherit(file)}

	process, err := child.Start(cmd)
	must(t, err)
	t.Cleanup(func() { process.Stop(context.Background(), time.Second, syscall.SIGTERM) })

	query.Set("host", sockets)
	u.RawQuery = query.Encode()

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	err = process.AwaitReady(ctx, func() (bool, error) {
		conn, err := pgx.Connect(ctx, u.String())
		if err != nil {
			return false, nil //nolint:nilerr // it is not ready yet
		}
		return true, conn.Close(ctx)
	})
	if err != nil {
		t.Fatalf("dbtest: pgbouncer: %v\n%s", err, log.Tail())
	}
	return u.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
}
