package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testSupport lists the packages that only tests import.
var testSupport = []string{"blob/blobtest", "blob/s3/s3test", "blob/s3/s3test/versitygw", "db/dbtest", "embedded/ramdir", "embedded/redistest"}

// TestHouse holds the list in docs/ARCHITECTURE.md against the imports: each
// package imports what its line says, and only what stands below it.
func TestHouse(t *testing.T) {
	t.Parallel()
	drawn, order := house(t)
	actual := productImports(t, "../..")

	for name, imports := range actual {
		line, known := drawn[name]
		if !known {
			t.Errorf("docs/ARCHITECTURE.md does not have %s → %s", name, strings.Join(imports, ", "))
			continue
		}
		if !slices.Equal(line, imports) {
			t.Errorf("docs/ARCHITECTURE.md: %s → %s\nthe code imports: %s", name, strings.Join(line, ", "), strings.Join(imports, ", "))
		}
		for _, below := range imports {
			if slices.Index(order, below) < slices.Index(order, name) {
				t.Errorf("%s imports %s, which stands above it", name, below)
			}
		}
	}
	for _, name := range order {
		if _, exists := actual[name]; !exists {
			t.Errorf("docs/ARCHITECTURE.md has %s, which does not exist", name)
		}
	}
}

// house reads the list of the page.
func house(t *testing.T) (imports map[string][]string, order []string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- house")
	_, rest, _ = strings.Cut(rest, "```\n")
	list, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/ARCHITECTURE.md has no list of packages")
	}
	imports = map[string][]string{}
	for line := range strings.Lines(list) {
		name, below, _ := strings.Cut(strings.TrimSpace(line), "→")
		name = strings.TrimSpace(name)
		order = append(order, name)
		imports[name] = strings.Fields(strings.ReplaceAll(below, ",", " "))
		slices.Sort(imports[name])
	}
	return imports, order
}

// productImports reads which packages of the product each of them imports, tests
// aside.
func productImports(t *testing.T, root string) map[string][]string {
	t.Helper()
	actual := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, filepath.Dir(path))
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if err == nil && path != root || strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || slices.Contains(testSupport, filepath.ToSlash(name)) {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		all := actual[name]
		for _, i := range file.Imports {
			if below, inside := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), "inlet/"); inside {
				all = append(all, below)
			}
		}
		slices.Sort(all)
		actual[name] = slices.Compact(all)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return actual
}
