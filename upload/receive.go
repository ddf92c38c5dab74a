package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"inlet/blob"
	"inlet/imaging"
	"inlet/problem"
)

// receive streams the file to staging, hashing on the way, and tells its
// format by its first bytes. An unknown format is refused before it is written.
func (s *Service) receive(ctx context.Context, body io.Reader) (_ *blob.Staged, _ imaging.Format, err error) {
	ctx, step := s.begin(ctx, "receive")
	defer step.end()
	src := &source{r: body}
	head := make([]byte, imaging.SniffLen)
	n, _ := io.ReadFull(src, head) // its error is the sender's, or a short file
	if src.err != nil {
		return nil, "", intakeFailed(src.err)
	}
	if n == 0 {
		return nil, "", fmt.Errorf("%w: the file is empty", imaging.ErrUndecodable)
	}
	format, err := imaging.Sniff(head[:n])
	if err != nil {
		return nil, "", err
	}
	staged, err := s.Blobs.Stage(ctx)
	if err != nil {
		return nil, "", problem.StoreFailed(err)
	}
	defer func() {
		if err != nil {
			staged.Discard()
		}
	}()
	whole := io.MultiReader(bytes.NewReader(head[:n]), src)
	size, err := io.Copy(staged, io.LimitReader(whole, s.MaxFileBytes+1))
	s.metrics.bytes.Add(float64(size))
	switch {
	case src.err != nil:
		return nil, "", intakeFailed(src.err)
	case err != nil:
		return nil, "", problem.StoreFailed(err)
	case size > s.MaxFileBytes:
		return nil, "", ErrTooLarge
	}
	return staged, format, nil
}

// intakeFailed says that the sender's bytes did not all arrive. The cause comes
// first in the tree, for the code that it may carry.
func intakeFailed(cause error) error { return fmt.Errorf("%[2]w: %[1]w", cause, ErrIntake) }

// source remembers the sender's error, to tell it from the disk's.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// keep makes the blob durable under its content's key.
func (s *Service) keep(ctx context.Context, a arrival) error {
	ctx, step := s.begin(ctx, "blob")
	defer step.end()
	return s.keepStill(ctx, a)
}

// keepStill keeps the blob again, should it have gone since it was kept. Where
// it has not, this only looks.
func (s *Service) keepStill(ctx context.Context, a arrival) error {
	return problem.StoreFailed(s.Blobs.Keep(ctx, a.staged, blob.ContentKey(a.staged.Sum())))
}
