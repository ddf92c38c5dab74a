package imaging

import (
	"context"
	"errors"
	"fmt"
	"io"

	"inlet/imaging/exif"
)

// source is the file that is read. Reads end once the context is done. A source
// remembers a failure of the reader, so that it is never taken for damage in the
// file.
type source struct {
	r       *io.SectionReader
	done    func() error // the context's Err
	failure error
}

// fromSource runs read on a file. A failure of the reader takes precedence over
// all that read says.
func fromSource[T any](ctx context.Context, r io.ReaderAt, size int64, read func(*source) (T, error)) (T, error) {
	src := &source{r: io.NewSectionReader(r, 0, size), done: ctx.Err}
	v, err := read(src)
	if src.failure != nil {
		var none T
		return none, src.failure
	}
	return v, err
}

// ReadAt implements io.ReaderAt.
func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if err := s.done(); err != nil {
		return 0, s.fail(err)
	}

	n, err := s.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, s.fail(fmt.Errorf("read the picture: %w", err))
	}
	return n, err
}

func (s *source) fail(err error) error {
	if s.failure == nil {
		s.failure = err
	}
	return err
}

// rows makes next fail once the context is done.
func (s *source) rows(next func([]uint8) error) func([]uint8) error {
	return func(pixels []uint8) error {
		if err := s.done(); err != nil {
			return s.fail(err)
		}
		return next(pixels)
	}
}

// meta reads the camera's metadata, empty where there is none.
func (s *source) meta(f Format) exif.Metadata { return exif.Read(s, s.size(), string(f)) }

func (s *source) size() int64 { return s.r.Size() }

// section is a part of the file, cut off at the file's end.
func (s *source) section(off, n int64) *io.SectionReader {
	return io.NewSectionReader(s, off, max(0, min(n, s.size()-off)))
}

// all is the whole file.
func (s *source) all() *io.SectionReader { return s.section(0, s.size()) }

// bytes reads n bytes at off; the caller bounds n. Bytes beyond the end are
// ErrUndecodable.
func (s *source) bytes(off int64, n int) ([]byte, error) {
	if off < 0 || off > s.size()-int64(n) {
		return nil, undecodable("the file is truncated")
	}

	p := make([]byte, n)
	if _, err := s.ReadAt(p, off); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return p, nil
}

// ended makes the end of a file where more is needed ErrUndecodable.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return undecodable("the file is truncated")
	}
	return err
}

func undecodable(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUndecodable, fmt.Sprintf(format, args...))
}
