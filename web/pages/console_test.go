package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConsoleWeight: without pictures, the console with its map is below 200 KB
// as it is sent.
func TestConsoleWeight(t *testing.T) {
	t.Parallel()
	a, err := newAssets()
	must(t, err)
	weight := 0
	for name, f := range a.files {
		if strings.HasPrefix(name, "console/") || strings.HasPrefix(name, "vendor/world-atlas/") || name == "base.css" {
			weight += min(len(f.plain), max(len(f.zipped), 1))
		}
	}
	if weight > 200_000 || weight < 10_000 {
		t.Errorf("the console weighs %d bytes", weight)
	}
	t.Logf("the console weighs %d bytes", weight)
}

// TestConsoleWritesNoHTML: labels, file names and camera names come from
// strangers; no script of the console can make elements of them.
func TestConsoleWritesNoHTML(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|\beval\(|new Function|srcdoc|https?://[^w]`)
	scripts, err := filepath.Glob("scripts/console/*.js")
	must(t, err)
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		must(t, err)
		if found := forbidden.Find(text); found != nil {
			t.Errorf("%s has %q", name, found)
		}
	}
	if len(scripts) < 20 {
		t.Errorf("only %d scripts were read", len(scripts))
	}
}
