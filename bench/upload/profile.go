package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"

	"inlet/bench/service"
)

// The product cannot be profiled from outside. go build -overlay adds this file
// to its sources; it profiles between two signals.
//
//go:embed overlay.go.txt
var profiler []byte

// profileEnv names the folder for the profiles.
const profileEnv = "INLET_BENCH_PROFILE"

// profileOverlay writes the file for go build -overlay and returns its path.
func profileOverlay(ctx context.Context, dir string) (string, error) {
	root, err := service.Dir(ctx, "inlet")
	if err != nil {
		return "", err
	}

	source := filepath.Join(dir, "overlay.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(root, "cmd", "inlet", "bench_overlay.go"): source,
	}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(source, profiler, 0o600); err != nil {
		return "", err
	}

	path := filepath.Join(dir, "overlay.json")

	return path, os.WriteFile(path, overlay, 0o600)
}

// profiling begins a profile of the server; end ends it.
func profiling(s *server) (end func()) {
	s.Signal(syscall.SIGUSR1)
	return func() { s.Signal(syscall.SIGUSR1) }
}
