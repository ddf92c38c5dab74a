package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"inlet/imaging"
	"inlet/problem"
)

// receive streams the file to staging, hashing on the way, and tells its format
// by its first bytes. It refuses an unknown format before it writes anything.
func (s *Service) receive(ctx context.Context, a *arrival, body io.Reader) (err error) {
	ctx, step := s.begin(ctx, "receive")
	defer step.end()

	src := &source{r: body}
	head := make([]byte, imaging.SniffLen)
	n, _ := io.ReadFull(src, head) // its error is the sender's, or a short file
	if src.err != nil {
		return intakeFailed(src.err)
	}
	if n == 0 {
		return fmt.Errorf("%w: the file is empty", imaging.ErrUndecodable)
	}
	if a.format, err = imaging.Sniff(head[:n]); err != nil {
		return err
	}

	staged, err := s.Vault.Stage(ctx)
	if err != nil {
		return err
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
		return intakeFailed(src.err)
	case err != nil:
		return problem.StoreFailed(err)
	case size > s.MaxFileBytes:
		return ErrTooLarge
	}
	a.staged = staged

	return nil
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
