package dbtest

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inlet/embedded/child"
)

func TestDatabasesAreFreshAndMigrated(t *testing.T) {
	t.Parallel()
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			pool := Pool(t)
			_, err := pool.Exec(t.Context(), `INSERT INTO links VALUES ('only', NULL, now(), now())`)
			if err != nil {
				t.Error(err)
			}
			var jobs int
			if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job`).Scan(&jobs); err != nil || jobs != 0 {
				t.Errorf("%d jobs, %v", jobs, err)
			}
		})
	}
}

func TestDatabasesAreDropped(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("", func(t *testing.T) {
		pool := Pool(t)
		if err := pool.QueryRow(t.Context(), `SELECT current_database()`).Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	var there bool
	err := Pool(t).QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&there)
	if there || err != nil {
		t.Errorf("%s is there: %v, %v", name, there, err)
	}
}

// variable tells this test binary to be another one.
const variable = "INLET_DBTEST_OTHER"

// TestOther is no test, but what TestNothingIsLeft kills.
func TestOther(t *testing.T) {
	if os.Getenv(variable) == "" {
		t.Skip("run by another test only")
	}
	Pool(t)
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(os.NewFile(3, "answer"), s.dir)
	<-s.Done()
}

func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	near, far, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestOther$")
	cmd.Env = append(os.Environ(), variable+"=1")
	cmd.ExtraFiles = []*os.File{far}
	err = cmd.Start()
	far.Close()
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(near).ReadString('\n')
	cmd.Process.Kill()
	cmd.Wait()
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(line)
	if !strings.Contains(filepath.Base(dir), prefix) {
		t.Fatalf("the other test's folder is %q", dir)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", dir)
		}
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	folder := func(name string, age time.Duration) string {
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	used := folder(prefix+"used", 0)
	lock, err := child.Lock(filepath.Join(used, "postgres.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := os.Chtimes(used, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	folder(prefix+"old", time.Hour)
	folder(prefix+"young", 0)
	folder("somebody-else", time.Hour)

	sweep(parent)
	left, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range left {
		names = append(names, strings.TrimPrefix(entry.Name(), prefix))
	}
	if got := strings.Join(names, " "); got != "used young somebody-else" {
		t.Errorf("left: %s", got)
	}
}
