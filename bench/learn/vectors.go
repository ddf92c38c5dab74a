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

// all measures the pictures of a set, in their order. A picture that cannot be
// decoded has no values.
func (m *maker) all(ctx context.Context, items []item, progress func(done int)) ([][]float32, error) {
	values := make([][]float32, len(items))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(m.workers)
	var done atomic.Int64

	for i, it := range items {
		group.Go(func() error {
			data, err := it.read()
			if err != nil {
				return err
			}
			values[i], err = m.one(ctx, data)
			if err != nil && !errors.Is(err, imaging.ErrTooManyPixels) && !errors.Is(err, imaging.ErrUndecodable) {
				return fmt.Errorf("%s: %w", it.family, err)
			}
			progress(int(done.Add(1)))
			return nil
		})
	}

	return values, group.Wait()
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
	values, _, err := m.extractor.Measure(ctx, small, [6]float32{}, nil)
	return values, err
}
