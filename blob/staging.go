package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Staging holds the files that are arriving at a store, in memory up to a bound
// and then in a folder of this machine. Several goroutines and processes may use
// the folder at once.
type Staging struct {
	dir    string
	memory *memory
}

// NewStaging stages files in memory and in the folder dir, which it creates.
func NewStaging(dir string) (*Staging, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unavailable("open the staging folder", err)
	}
	return &Staging{dir: dir, memory: newMemory(stagedMemory, fileMemory)}, nil
}

// Stage begins a file, which the caller must Discard.
func (s *Staging) Stage(ctx context.Context) (*Staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &Staged{staging: s, hash: sha256.New()}, nil
}

// Ping checks that the folder exists.
func (s *Staging) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}

	info, err := os.Stat(s.dir)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "stage", Path: s.dir, Err: errors.New("not a folder")}
	}
	return unavailable("ping", err)
}

// SweepStaging removes files that were staged before olderThan and neither kept
// nor discarded, because their process died. It returns their number.
func (s *Staging) SweepStaging(ctx context.Context, olderThan time.Time) (int, error) {
	return sweepFolder(ctx, s.dir, olderThan)
}

func sweepFolder(ctx context.Context, dir string, olderThan time.Time) (removed int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, unavailable("sweep staging", err)
	}

	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return removed, err
		}

		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || (err == nil && !info.ModTime().Before(olderThan)) {
			continue
		}

		if err == nil {
			err = remove(filepath.Join(dir, e.Name()))
		}
		if err != nil {
			return removed, unavailable("sweep staging", err)
		}
		removed++
	}
	return removed, nil
}
