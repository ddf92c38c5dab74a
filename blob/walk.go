package blob

import (
	"context"
	"errors"
	"io/fs"
	"iter"
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
		for k, err := range Old(filesIn(shard), olderThan) {
			if err != nil {
				return unavailable("walk", err)
			}
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

// filesIn lists the files of a shard by name. Those that are removed meanwhile
// are left out.
func filesIn(shard string) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		entries, err := os.ReadDir(shard)
		if err != nil {
			yield(Listed{}, err)
			return
		}
		for _, e := range entries {
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				yield(Listed{}, err)
				return
			}
			if !yield(Listed{e.Name(), info.ModTime()}, nil) {
				return
			}
		}
	}
}

// Listed is a file of a store.
type Listed struct {
	Name     string // without the folders
	Modified time.Time
}

// Old gives the key of every content of which all files, its bytes and its
// variants, are older than olderThan. The files come sorted by name, so those of
// a content are neighbours. An error of theirs is the last that is given.
func Old(files iter.Seq2[Listed, error], olderThan time.Time) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		var last string
		old := false
		for f, err := range files {
			if err != nil {
				yield("", err)
				return
			}
			content, _, _ := strings.Cut(f.Name, ".")
			if !isContent(content) {
				continue
			}
			if content != last {
				if old && !yield(Key(last), nil) {
					return
				}
				last, old = content, true
			}
			old = old && f.Modified.Before(olderThan)
		}
		if old {
			yield(Key(last), nil)
		}
	}
}
