package blob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Walk calls fn with the key of every content of which nothing, neither its
// bytes nor a variant, is younger than olderThan; also where only variants are
// left. It holds the names of one shard at a time. fn may delete. An error of
// fn ends the walk and is returned.
func (f *Files) Walk(ctx context.Context, olderThan time.Time, fn func(Key) error) error {
	shards, err := shardsIn(f.blobs())
	if err != nil {
		return unavailable("walk", err)
	}
	for _, shard := range shards {
		if err := ctx.Err(); err != nil {
			return err
		}
		keys, err := contents(shard, olderThan)
		if err != nil {
			return unavailable("walk", err)
		}
		for _, k := range keys {
			if err := fn(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// shardsIn lists the folders in dir whose names are two hex digits.
func shardsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var paths []string
	for _, e := range entries {
		if e.IsDir() && len(e.Name()) == 2 && strings.Trim(e.Name(), "0123456789abcdef") == "" {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, err
}

// contents lists the keys of a shard that are old as a whole. Names come
// sorted, so a content's files are neighbours.
func contents(shard string, olderThan time.Time) ([]Key, error) {
	entries, err := os.ReadDir(shard)
	if err != nil {
		return nil, err
	}
	var keys []Key
	var last string
	for _, e := range entries {
		content, _, _ := strings.Cut(e.Name(), ".")
		if !isContent(content) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if content != last {
			keys, last = append(keys, Key(content)), content
		}
		young := !info.ModTime().Before(olderThan)
		if n := len(keys); young && n > 0 && keys[n-1] == Key(content) {
			keys = keys[:n-1]
		}
	}
	return keys, nil
}
