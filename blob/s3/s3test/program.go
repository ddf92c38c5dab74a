package s3test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"inlet/embedded/child"
)

const (
	module  = "github.com/versity/versitygw"
	version = "v1.8.0"
	// override names the variable with the path of an existing program.
	override = "INLET_TEST_VERSITYGW"
	// buildTime bounds the build, downloads included.
	buildTime = 8 * time.Minute
)

// Program returns the path of the server's program and builds it if it is
// missing. Several processes may call it at once.
func Program(ctx context.Context) (string, error) {
	if path := os.Getenv(override); path != "" {
		return path, nil
	}

	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}

	path := filepath.Join(cache, "inlet-tests", "versitygw-"+version)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}

	// One build at a time: every parallel test asks for the program.
	lock, err := child.Lock(path + ".lock")
	for errors.Is(err, child.ErrLocked) && child.Pause(ctx, 50*time.Millisecond) == nil {
		lock, err = child.Lock(path + ".lock")
	}
	if err != nil {
		return "", err
	}
	defer lock.Close()

	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	return path, build(ctx, path)
}

// build makes the program in a temporary folder and renames it to path.
func build(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()

	dir, err := os.MkdirTemp(filepath.Dir(path), "build-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	cmd := exec.CommandContext(ctx, "go", "install", module+"/cmd/versitygw@"+version)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build versitygw: %w: %s", err, lastLine(out))
	}
	return os.Rename(filepath.Join(dir, "versitygw"), path)
}

func lastLine(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
