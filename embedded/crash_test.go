package embedded

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"inlet/embedded/ramdir"
)

// variable tells this test binary to be another Inlet on the named data dir.
const variable = "INLET_TEST_DATA_DIR"

// running is what the other Inlet says when it is ready.
type running struct {
	PostgresURL, RedisURL string
	Postgres, Redis       int // process ids
}

// TestOtherInlet is no test, but the other Inlet. It waits to be killed.
func TestOtherInlet(t *testing.T) {
	path := os.Getenv(variable)
	if path == "" {
		t.Skip("run by other tests only")
	}
	d := open(t, path)
	p, r := startPostgres(t, d), startRedis(t, d)
	told := running{PostgresURL: p.URL(), RedisURL: r.URL(), Postgres: p.server.Pid()}
	info := redisClient(t, r.URL()).InfoMap(t.Context(), "server").Val()["Server"]
	told.Redis, _ = strconv.Atoi(info["process_id"])
	if err := json.NewEncoder(os.NewFile(3, "answer")).Encode(told); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
}

func startOther(t *testing.T, path string) (*exec.Cmd, running) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestOtherInlet$")
	cmd.Env = append(os.Environ(), variable+"="+path)
	answer, far, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	cmd.ExtraFiles = []*os.File{far}
	err = cmd.Start()
	far.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(answer).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the other Inlet: %v", err)
	}
	var told running
	if err := json.Unmarshal(line, &told); err != nil {
		t.Fatalf("the other Inlet says %s", line)
	}
	return cmd, told
}

// Inlet is killed while its stores work: nothing of it goes on running, and
// the next start on the same data dir, at once, has all that was acknowledged.
func TestKilled(t *testing.T) {
	t.Parallel()
	killed(t, filepath.Join(ramdir.Temp(t), "data"))
}

// The same with a path that is too long for a socket, and with a comma, which
// separates hosts in a URL: no alias of it stays behind.
func TestKilledFarDown(t *testing.T) {
	t.Parallel()
	path := filepath.Join(ramdir.Temp(t), "a, b")
	path = filepath.Join(path, strings.Repeat("d", max(1, 199-len(path))))
	if len(path) < 200 {
		t.Fatalf("a path of %d characters", len(path))
	}
	t.Run("", func(t *testing.T) { killed(t, path) })
	if left := aliasesOf(path); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// aliasesOf finds the short paths to folders below path.
func aliasesOf(path string) (found []string) {
	links, _ := filepath.Glob(filepath.Join(os.TempDir(), "inlet-socket-*", "*"))
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, path) {
			found = append(found, link)
		}
	}
	return found
}

func killed(t *testing.T, path string) {
	t.Helper()
	other, told := startOther(t, path)
	exe(t, told.PostgresURL, "CREATE TABLE kept AS SELECT 'as promised' AS what")
	c := redisClient(t, told.RedisURL)
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}

	if _, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Errorf("while the other runs: %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err == nil {
		t.Error("it was not killed")
	}

	d := open(t, path)
	p, r := startPostgres(t, d), startRedis(t, d)
	if !gone(told.Postgres) {
		t.Error("the old database still runs")
	}
	// The Redis inside of the process has no id of its own.
	if told.Redis != 0 && told.Redis != other.Process.Pid {
		until(t, "the old Redis ends", func() bool { return gone(told.Redis) })
	}
	if got := query(t, p.URL(), "SELECT what FROM kept"); got != "as promised" {
		t.Errorf("kept: %q", got)
	}
	if got := redisClient(t, r.URL()).Get(t.Context(), "k").Val(); r.Kind() != "miniredis" && got != "v" {
		t.Errorf("Redis kept %q", got)
	}
}
