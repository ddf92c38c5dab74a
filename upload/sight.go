package upload

import (
	"context"
	"errors"
	"io"
	"time"

	"inlet/blob"
	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/upload/lookalike"
)

// content is the bytes of a picture, staged or kept.
type content interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// sight is a picture that others are compared with. What of it is decoded is kept
// until something else of it is wanted: a newcomer is often compared with several.
type sight struct {
	s             *Service
	print         *fingerprint.Fingerprint
	format        imaging.Format
	width, height int
	frames        int
	duration      time.Duration
	open          func(context.Context) (content, error)
	// whose turn it takes to be compared; jobs have one together.
	whose party
	// patient lets it be decoded for as long as it takes.
	patient bool

	kept *fingerprint.Picture
	of   imaging.Want
}

func (s *Service) sightOf(c lookalike.Candidate) *sight {
	return &sight{
		s: s, print: c.Fingerprint, format: c.Format, width: c.Width, height: c.Height,
		frames: c.Frames, duration: c.Duration,
		open: func(ctx context.Context) (content, error) {
			return s.Blobs.Open(ctx, blob.ContentKey([32]byte(c.SHA256)))
		},
	}
}

// mayCopy says whether the picture can be a copy of c for all that is known
// without their pixels: c has as many at least, and runs as long.
func (x *sight) mayCopy(c lookalike.Candidate) bool {
	if c.Width*c.Height < x.width*x.height || c.Frames != x.frames {
		return false
	}
	// Formats count time in steps of up to 10 ms a frame.
	return (x.duration - c.Duration).Abs() <= time.Duration(x.frames)*10*time.Millisecond
}

// telling are the frames that are compared.
func (x *sight) telling() []int {
	switch last := x.frames - 1; {
	case last <= 0:
		return []int{0}
	case last == 1:
		return []int{0, 1}
	default:
		return []int{0, last / 2, last}
	}
}

func (x *sight) picture(ctx context.Context, want imaging.Want) (*fingerprint.Picture, error) {
	if x.kept != nil && x.of == want {
		return x.kept, nil
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
	x.kept, x.of = p, want
	return p, nil
}

// stagedContent lets what has just arrived be read like what is kept.
type stagedContent struct{ *blob.Staged }

// Close leaves the staged file to the one who staged it.
func (stagedContent) Close() error { return nil }
