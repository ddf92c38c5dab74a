package imaging

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"inlet/imaging/dcjpeg"
	"inlet/imaging/fingerprint"
)

// bufferSize is what files are read by.
const bufferSize = 64 << 10

// Inspector looks into pictures and scales them. Many may use it at once: what
// needs memory by the size of the picture waits until all of it together stays
// within the Inspector's memory.
type Inspector struct {
	maxPixels int64
	memory    int64
	room      *semaphore.Weighted

	jpegs   sync.Pool // of *dcjpeg.Decoder
	buffers sync.Pool // of *bufio.Reader
}

// NewInspector makes an Inspector that refuses pictures of more than maxPixels,
// all frames together, and decodes within memory bytes.
func NewInspector(maxPixels, memory int64) *Inspector {
	return &Inspector{
		maxPixels: maxPixels, memory: max(memory, 1), room: semaphore.NewWeighted(max(memory, 1)),
		jpegs:   sync.Pool{New: func() any { return dcjpeg.NewDecoder() }},
		buffers: sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }},
	}
}

// picture is what a format's reader found out.
type picture struct {
	width, height int // as coded
	frames        int
	duration      time.Duration // of an animation
	payload       *payload      // nil where it is not known
	// oriented says that width and height are as displayed, and that the EXIF
	// orientation is to be left alone.
	oriented bool
	// look is what it looks like, upright and at most fingerprint.Side large: the
	// first frame. Where it is nil the file is decoded for it, unless it was looked
	// at already.
	look   *fingerprint.Picture
	looked bool
}

// Inspect reads the whole file and tells what it is. A file that is damaged,
// truncated or of a kind that nothing decodes is ErrUndecodable; one whose
// header declares too many pixels is ErrTooManyPixels before anything is
// allocated for them. Failures of r and of ctx come back as they are, wrapped.
func (in *Inspector) Inspect(ctx context.Context, r io.ReaderAt, size int64, f Format) (Info, error) {
	src := &source{r: io.NewSectionReader(r, 0, size), done: ctx.Err}
	info, err := in.inspect(ctx, src, f)
	if src.failure != nil {
		return Info{}, src.failure
	}
	return info, err
}

func (in *Inspector) inspect(ctx context.Context, src *source, f Format) (Info, error) {
	meta := readMeta(src, f)
	heif := func(ctx context.Context, src *source, _ int) (picture, error) { return in.heif(ctx, src) }
	read := map[Format]func(_ context.Context, _ *source, orientation int) (picture, error){
		JPEG: in.jpeg, PNG: in.png, GIF: in.gif, WebP: in.webp, BMP: in.bmp, TIFF: in.tiff, HEIC: heif, AVIF: heif,
	}[f]
	if read == nil {
		return Info{}, fmt.Errorf("%w: %q", ErrUnsupported, f)
	}
	pic, err := read(ctx, src, meta.Orientation)
	if err != nil {
		return Info{}, err
	}
	info := Info{Format: f, Width: pic.width, Height: pic.height, Frames: pic.frames, Meta: meta}
	if pic.frames > 1 {
		info.Duration = pic.duration
	}
	if o := info.Meta.Orientation; !pic.oriented && o >= 5 && o <= 8 {
		info.Width, info.Height = info.Height, info.Width
	}
	info.Payload = pic.payload.sum(info.Meta.Orientation)
	if pic.look == nil && !pic.looked && decodable(f) == nil {
		if pic.look, err = in.look(ctx, src, f, meta.Orientation); err != nil {
			return Info{}, err
		}
	}
	if pic.look != nil {
		info.Fingerprint, info.Probes, _ = fingerprint.Of(pic.look)
	}
	return info, nil
}

// fits checks dimensions as a header declares them.
func (in *Inspector) fits(width, height, frames int64) error {
	if width <= 0 || height <= 0 || frames <= 0 {
		return undecodable("it is %d×%d pixels", width, height)
	}
	if width > math.MaxInt32 || height > math.MaxInt32 || frames > in.maxPixels || width*height > in.maxPixels/frames {
		of := ""
		if frames > 1 {
			of = fmt.Sprintf(" in %d frames", frames)
		}
		return fmt.Errorf("%w: %d×%d%s, at most %d are taken", ErrTooManyPixels, width, height, of, in.maxPixels)
	}
	return nil
}

// tooManyPixels passes on what another package said of the dimensions.
func tooManyPixels(err error) error { return fmt.Errorf("%w: %w", ErrTooManyPixels, err) }

// maxFrames bounds the work on files of many tiny frames.
const maxFrames = 1 << 16

func tooManyFrames() error {
	return fmt.Errorf("%w: it has more than %d frames", ErrTooManyPixels, maxFrames)
}

// within runs decode, which needs so many bytes of memory, when there is room.
// What needs more than there is takes all of it.
func (in *Inspector) within(ctx context.Context, bytes int64, decode func() error) error {
	bytes = min(bytes, in.memory)
	if err := in.room.Acquire(ctx, bytes); err != nil {
		return fmt.Errorf("wait for memory: %w", err)
	}
	defer in.room.Release(bytes)
	return decode()
}

// buffered reads r through a buffer that is used again after release.
func (in *Inspector) buffered(r io.Reader) (_ *bufio.Reader, release func()) {
	b := in.buffers.Get().(*bufio.Reader)
	b.Reset(r)
	return b, func() {
		b.Reset(nil)
		in.buffers.Put(b)
	}
}
