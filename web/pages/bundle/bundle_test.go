package main

import (
	"bytes"
	"os"
	"testing"
)

// TestBundlesAreCurrent compares what the pages load with the scripts.
func TestBundlesAreCurrent(t *testing.T) {
	t.Parallel()
	files, err := bundle("..", false)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(entries) {
		t.Errorf("%d bundles of %d entries", len(files), len(entries))
	}
	for _, f := range files {
		got, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, f.Contents) {
			t.Errorf("%s is not what the scripts say: run go generate ./web/pages", f.Path)
		}
	}
}
