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
	if _, err := bundle(".", true); err != nil {
		fmt.Fprintf(os.Stderr, "bundle: %v\n", err)
		os.Exit(1)
	}
}

// bundle makes the bundles of the pages in dir, and writes them where write says so.
// The libraries below ../vendor stay files of their own, for pages that need them.
func bundle(dir string, write bool) ([]api.OutputFile, error) {
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
		Write: write, Bundle: true, Format: api.FormatESModule, Platform: api.PlatformBrowser, Target: api.ES2022,
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
