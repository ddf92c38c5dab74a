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
)

const (
	module  = "github.com/versity/versitygw"
	version = "v1.8.0"
	// override names a program that is there already.
	override = "INLET_TEST_VERSITYGW"
	// buildTime bounds the building, downloads included.
	buildTime = 8 * time.Minute
)

// Program is the path of the server, which is built if it is not there yet.
// Several processes may do so at once.
func Program(ctx context.Context) (string, error) {
	if path := os.Getenv(override); path != "" {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "inlet-tests", "versitygw-"+version)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, build(ctx, path)
}

// build puts the program in its place whole.
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
