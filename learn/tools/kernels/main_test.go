package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGenerated holds the assembly in the repository against what the generator
// makes. The first line of a file has the command, and differs here.
func TestGenerated(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ kernels, pkg, file string }{
		{"gemm", "gemm", "tile_amd64.s"},
		{"depthwise", "net", "depthwise_amd64.s"},
	} {
		t.Run(test.kernels, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			made := map[string]string{"-out": test.file, "-stubs": "stubs_amd64.go"}
			args := []string{"run", ".", "-kernels", test.kernels, "-pkg", test.pkg}
			for flag, file := range made {
				args = append(args, flag, filepath.Join(folder, file))
			}
			if output, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, output)
			}

			for _, file := range made {
				want, got := body(t, filepath.Join(folder, file)), body(t, filepath.Join("../..", test.pkg, file))
				if !bytes.Equal(want, got) {
					t.Errorf("learn/%s/%s is not what the generator makes: run go generate ./learn/...", test.pkg, file)
				}
			}
		})
	}
}

// body is a file after its first line.
func body(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(data, []byte("\n"))
	return rest
}
