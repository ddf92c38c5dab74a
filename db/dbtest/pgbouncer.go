package dbtest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/embedded/child"
)

// PgBouncer starts one in its mode transaction in front of the database at a URL,
// and returns the URL by which it is asked. It ends with the test. Where it is not
// installed the test is skipped.
func PgBouncer(t testing.TB, rawURL string) string {
	t.Helper()
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("pgbouncer is not installed")
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	port, err := child.FreePort(t.Context())
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	password, _ := u.User.Password()
	dir, conf := t.TempDir(), fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
auth_type = any
pool_mode = transaction
default_pool_size = 8
unix_socket_dir =
`, u.Hostname(), u.Port(), u.User.Username(), password, port)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	user, err := child.Unprivileged(dir, "postgres", "nobody") // it refuses to run as root
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	settings, err := os.Open(file)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	defer settings.Close()
	log, err := child.OpenLog("", 0)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	cmd := child.Command{Path: path, User: user, Output: log, Orphaned: syscall.SIGKILL}
	cmd.Args = []string{cmd.Inherit(settings)}
	process, err := child.Start(cmd)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() { process.Stop(context.Background(), time.Second, syscall.SIGTERM) })
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, u.String())
		if err == nil {
			_ = conn.Close(ctx)
			return u.String()
		}
		if child.Pause(ctx, 10*time.Millisecond) != nil {
			t.Fatalf("dbtest: pgbouncer: %v\n%s", err, log.Tail())
		}
	}
}
