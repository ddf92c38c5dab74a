// Command bundle makes the few files below web/pages/assets that the pages load
// from the scripts below web/pages/scripts. Over HTTP/1.1 a browser fetches six
// files at a time: a page of twenty modules takes four round trips, a bundle one.
// `go generate ./web/pages` runs it; its test fails after a forgotten run.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// entries are the scripts that pages and workers begin with.
var entries = []string{"console/main.js", "upload/main.js", "upload/worker/hash.js"}

func main() {
	if err := run("."); err != nil {
		fmt.Fprintf(os.Stderr, "bundle: %v\n", err)
		os.Exit(1)
	}
}

// run writes the bundles of the package in dir.
func run(dir string) error {
	files, err := bundle(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(f.Path, f.Contents, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// bundle makes them in memory. What is below ../vendor is loaded when it is
// needed, and stays a file of its own.
func bundle(dir string) ([]api.OutputFile, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	scripts := filepath.Join(dir, "scripts")
	var points []string
	for _, entry := range entries {
		points = append(points, filepath.Join(scripts, filepath.FromSlash(entry)))
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: scripts, EntryPoints: points,
		Outbase: scripts, Outdir: filepath.Join(dir, "assets"),
		Bundle: true, Format: api.FormatESModule, Platform: api.PlatformBrowser, Target: api.ES2022,
		External:         []string{"../vendor/*"},
		MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true,
		LegalComments: api.LegalCommentsEndOfFile, Charset: api.CharsetUTF8,
	})
	var problems []error
	for _, m := range result.Errors {
		problem := errors.New(m.Text)
		if m.Location != nil {
			problem = fmt.Errorf("%s:%d: %s", m.Location.File, m.Location.Line, m.Text)
		}
		problems = append(problems, problem)
	}
	return result.OutputFiles, errors.Join(problems...)
}
