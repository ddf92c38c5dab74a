package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"inlet/imaging"
	"inlet/learn/features"
)

// maker makes features as the product does, and keeps what was measured in a folder
// by the extractor's version and the picture's SHA-256.
type maker struct {
	dir       string
	workers   int
	extractor *features.Extractor
	inspector *imaging.Inspector
}

// all measures the pictures of a set, in their order, and removes those that cannot
// be decoded from the set.
func (m *maker) all(ctx context.Context, s *set) ([][]float32, error) {
	values := make([][]float32, len(s.items))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(m.workers)
	var done atomic.Int64

	for i, it := range s.items {
		group.Go(func() error {
			data, err := it.read()
			if err != nil {
				return err
			}
			values[i], err = m.one(ctx, data)
			if err != nil && !errors.Is(err, imaging.ErrTooManyPixels) && !errors.Is(err, imaging.ErrUndecodable) {
				return fmt.Errorf("%s: %w", it.family, err)
			}
			if n := done.Add(1); n%100 == 0 {
				fmt.Fprintf(os.Stderr, "\r%s: %d of %d pictures", s.name, n, len(s.items))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}

	fmt.Fprint(os.Stderr, "\r\x1b[K")
	lacking := func(i int) bool { return values[i] == nil }
	s.items = without(s.items, lacking)
	return without(values, lacking), nil
}

// without copies a list without some of its places.
func without[T any](all []T, lacking func(i int) bool) []T {
	var out []T
	for i, v := range all {
		if !lacking(i) {
			out = append(out, v)
		}
	}
	return out
}

// quantised makes vectors of values.
func (m *maker) quantised(values [][]float32) [][]int8 {
	out := make([][]int8, len(values))
	for i, v := range values {
		out[i] = m.extractor.Quantise(v)
	}
	return out
}

func (m *maker) one(ctx context.Context, data []byte) ([]float32, error) {
	sum := sha256.Sum256(data)
	name := hex.EncodeToString(sum[:])
	path := filepath.Join(m.dir, m.extractor.Version(), name[:2], name)
	if kept, err := os.ReadFile(path); err == nil && len(kept) == 4*m.extractor.Dims() {
		values := make([]float32, m.extractor.Dims())
		_, err := binary.Decode(kept, binary.LittleEndian, values)
		return values, err
	}

	values, err := m.measure(ctx, data)
	if err != nil {
		return nil, err
	}
	out, err := binary.Append(nil, binary.LittleEndian, values)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return values, os.WriteFile(path, out, 0o644)
}

// measure takes the product's steps: the format, the small picture, its values.
func (m *maker) measure(ctx context.Context, data []byte) ([]float32, error) {
	format, err := imaging.Sniff(data[:min(len(data), imaging.SniffLen)])
	if err != nil {
		return nil, err
	}
	small, err := m.inspector.Small(ctx, bytes.NewReader(data), int64(len(data)), format)
	if err != nil {
		return nil, err
	}
	info, err := m.inspector.Inspect(ctx, bytes.NewReader(data), int64(len(data)), format)
	if err != nil {
		return nil, err
	}
	values, _, err := m.extractor.Measure(ctx, small, info.Quality.Numbers(), nil)
	return values, err
}
