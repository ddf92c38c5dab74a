package upload

import (
	"context"
	"errors"
	"io"
	"time"

	"inlet/blob"
	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/upload/match"
)

// contentReader is the bytes of a picture, staged or stored.
type contentReader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// subject is one of two pictures that are compared. It caches the last frame that
// it decoded: a file is often compared with several stored pictures.
type subject struct {
	s             *Service
	fingerprint   *fingerprint.Fingerprint
	format        imaging.Format
	width, height int
	frames        int
	duration      time.Duration
	open          func(context.Context) (contentReader, error)
	// tenant is whose turn a comparison takes; all jobs share one.
	tenant tenant
	// patient lets slow formats decode for seconds.
	patient bool

	decoded *fingerprint.Picture
	of      imaging.Want
}

func (s *Service) subjectOf(c match.Candidate) *subject {
	return &subject{
		s: s, fingerprint: c.Fingerprint, format: c.Format, width: c.Width, height: c.Height,
		frames: c.Frames, duration: c.Duration(),
		open: func(ctx context.Context) (contentReader, error) { return s.Vault.Open(ctx, c.Sum()) },
	}
}

// mayCopy tells whether the picture can be a copy of c for all that is known
// without their pixels: c has as many at least, and runs as long.
func (x *subject) mayCopy(c match.Candidate) bool {
	if c.Width*c.Height < x.width*x.height || c.Frames != x.frames {
		return false
	}

	// Formats count time in steps of up to 10 ms a frame.
	return (x.duration - c.Duration()).Abs() <= time.Duration(x.frames)*10*time.Millisecond
}

// sample lists the frames that decide: first, middle and last.
func (x *subject) sample() []int {
	switch last := x.frames - 1; {
	case last <= 0:
		return []int{0}
	case last == 1:
		return []int{0, 1}
	default:
		return []int{0, last / 2, last}
	}
}

func (x *subject) picture(ctx context.Context, want imaging.Want) (*fingerprint.Picture, error) {
	if x.decoded != nil && x.of == want {
		return x.decoded, nil
	}
	file, err := x.open(ctx)
	if err != nil {
		return nil, err
	}
	defer file.Close()

	p, err := x.s.Inspector.Picture(ctx, file, file.Size(), x.format, want)
	if errors.Is(err, imaging.ErrNotReady) && x.patient && x.s.Decoder != nil {
		p, err = x.s.Decoder.Picture(ctx, file, file.Size(), want)
	}
	if err != nil {
		return nil, err
	}
	x.decoded, x.of = p, want

	return p, nil
}

// stagedContent reads what has just arrived like what is stored.
type stagedContent struct{ *blob.Staged }

// Close leaves the staged file to the one who staged it.
func (stagedContent) Close() error { return nil }
