package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
)

// oldest is the first major version that Inlet's schema supports.
const oldest = 14

// ErrNoBinaries means that this machine has no usable PostgreSQL.
var ErrNoBinaries = errors.New("no usable PostgreSQL found")

// Binaries are an installed PostgreSQL.
type Binaries struct {
	Dir   string // holds initdb and postgres
	Major int
}

// Find looks for PostgreSQL's binaries in PATH, then where Debian installs them,
// newest first, and skips those that user may not run. It accepts only the
// version major, or any supported one if major is 0.
func Find(ctx context.Context, major int, user *syscall.Credential) (Binaries, error) {
	var seen []string
	for _, dir := range candidates() {
		found, err := version(ctx, dir, user)
		if err != nil {
			continue
		}
		if found >= oldest && (major == 0 || found == major) {
			return Binaries{Dir: dir, Major: found}, nil
		}

		seen = append(seen, fmt.Sprintf("version %d in %s", found, dir))
	}

	wanted := fmt.Sprintf("version %d or later", oldest)
	if major != 0 {
		wanted = fmt.Sprintf("version %d", major)
	}

	return Binaries{}, fmt.Errorf("%w: %s is wanted, there is %v", ErrNoBinaries, wanted, seen)
}

func candidates() []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}

	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // fails for malformed patterns only
	slices.SortFunc(debian, func(a, b string) int { return number(b) - number(a) })
	return append(dirs, debian...)
}

var digits = regexp.MustCompile(`\d+`)

// number returns the first number in s, or 0.
func number(s string) int {
	n, _ := strconv.Atoi(digits.FindString(s))
	return n
}

// version runs the server's binary as user, who must be allowed to.
func version(ctx context.Context, dir string, user *syscall.Credential) (int, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0, err
	}

	cmd := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}

	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	return number(string(out)), nil
}
