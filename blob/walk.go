package blob

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"strings"
	"time"
)

// Walk calls fn with the key of every content whose files, its bytes and its
// variants, are all older than olderThan, even if only variants are left. It
// holds the names of one shard at a time. fn may delete. Walk ends with the first
// error of fn and returns it.
func (f *Files) Walk(ctx context.Context, olderThan time.Time, fn func(Key) error) error {
	for i := range shards {
		if err := ctx.Err(); err != nil {
			return err
		}

		for k, err := range Old(filesIn(f.shard(i)), olderThan) {
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

// filesIn lists the files of a shard by name, without those that vanish meanwhile.
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

// Old yields the key of every content whose files, its bytes and its variants, are
// all older than olderThan. The files must be sorted by name, so that those of a
// content are neighbours. Old ends with their first error and yields it.
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
