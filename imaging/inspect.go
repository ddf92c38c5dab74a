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
	"inlet/imaging/exif"
	"inlet/imaging/fingerprint"
	"inlet/imaging/quality"
)

// bufferSize is the size of the buffers through which files are read, in bytes.
const bufferSize = 64 << 10

// Inspector reads pictures and scales them. Many callers may use it at
// once: work that needs memory by the size of the picture waits for the
// semaphore, which keeps all of it together within the Inspector's memory.
type Inspector struct {
	maxPixels int64
	memory    int64
	semaphore *semaphore.Weighted // bytes of memory

	jpegs   sync.Pool // of *dcjpeg.Decoder
	buffers sync.Pool // of *bufio.Reader
}

// NewInspector makes an Inspector that refuses pictures of more than maxPixels,
// all frames together, and decodes within memory bytes.
func NewInspector(maxPixels, memory int64) *Inspector {
	return &Inspector{
		maxPixels: maxPixels, memory: max(memory, 1), semaphore: semaphore.NewWeighted(max(memory, 1)),
		jpegs:   sync.Pool{New: func() any { return dcjpeg.NewDecoder() }},
		buffers: sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }},
	}
}

// contents is what a format's reader finds in a file.
type contents struct {
	width, height int // as coded
	frames        int
	duration      time.Duration // of an animation
	payload       *payload      // nil where it is not known
	// upright says that width and height are as displayed, and that the EXIF
	// orientation does not count.
	upright bool
	// reduced is the first frame, upright and at most fingerprint.Side large. Where
	// it is nil, Inspect decodes the file for it, unless reducedKnown says that
	// there is nothing to compare.
	reduced      *fingerprint.Picture
	reducedKnown bool
	blocks       *quality.Blocks // of a JPEG whose reduced picture shows an eighth
}

// Inspect reads the whole file and tells what it is. A file that is damaged,
// truncated or of a kind that nothing decodes is ErrUndecodable; one whose
// header declares too many pixels is ErrTooManyPixels before anything is
// allocated for them. Failures of r and of ctx come back as they are, wrapped.
func (in *Inspector) Inspect(ctx context.Context, r io.ReaderAt, size int64, f Format) (Info, error) {
	return fromSource(ctx, r, size, func(src *source) (Info, error) { return in.inspect(ctx, src, f) })
}

func (in *Inspector) inspect(ctx context.Context, src *source, f Format) (Info, error) {
	read := map[Format]func(_ context.Context, _ *source, orientation int) (contents, error){
		JPEG: in.jpeg, PNG: in.png, GIF: in.gif, WebP: in.webp, BMP: in.bmp, TIFF: in.tiff, HEIC: in.heif, AVIF: in.heif,
	}[f]
	if read == nil {
		return Info{}, fmt.Errorf("%w: %q", ErrUnsupported, f)
	}

	meta := src.meta(f)
	c, err := read(ctx, src, meta.Orientation)
	if err != nil {
		return Info{}, err
	}

	info := Info{Format: f, Width: c.width, Height: c.height, Frames: c.frames, Meta: meta}
	if c.frames > 1 {
		info.Duration = c.duration
	}
	if !c.upright && turned(meta.Orientation) {
		info.Width, info.Height = info.Height, info.Width
	}

	info.Payload = c.payload.sum(meta.Orientation)

	if c.reduced == nil && !c.reducedKnown && decodable(f) == nil {
		if c.reduced, err = in.reduceAccepted(ctx, src, f, meta.Orientation); err != nil {
			return Info{}, err
		}
	}
	if c.reduced != nil {
		info.Fingerprint, info.Probes, _ = fingerprint.Of(c.reduced)
	}
	info.Quality = quality.Measure(quality.Source{
		Width: info.Width, Height: info.Height, Picture: c.reduced, Blocks: c.blocks, Camera: byCamera(meta),
	})
	return info, nil
}

// QualityOf measures a picture that a job has decoded. Its dimensions and luma may
// not be empty.
func QualityOf(p *fingerprint.Picture, meta exif.Metadata) Quality {
	return quality.Measure(quality.Source{Width: p.Width, Height: p.Height, Picture: p, Camera: byCamera(meta)})
}

// byCamera says that a camera has exposed the picture: programs that draw write
// neither.
func byCamera(meta exif.Metadata) bool {
	return meta.CameraName != "" && (meta.ExposureTime != nil || meta.FNumber != nil || meta.ISO != nil)
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

// maxFrames bounds the work on files of many tiny frames.
const maxFrames = 1 << 16

func tooManyFrames() error {
	return fmt.Errorf("%w: it has more than %d frames", ErrTooManyPixels, maxFrames)
}

// within runs decode once the semaphore grants so many bytes of memory. A decode
// that needs more than the Inspector's memory takes all of it and runs alone.
func (in *Inspector) within(ctx context.Context, bytes int64, decode func() error) error {
	bytes = min(bytes, in.memory)
	if err := in.semaphore.Acquire(ctx, bytes); err != nil {
		return fmt.Errorf("wait for memory: %w", err)
	}
	defer in.semaphore.Release(bytes)
	return decode()
}

// buffered reads r through a buffer of the pool, which release gives back.
func (in *Inspector) buffered(r io.Reader) (_ *bufio.Reader, release func()) {
	b := in.buffers.Get().(*bufio.Reader)
	b.Reset(r)
	return b, func() {
		b.Reset(nil)
		in.buffers.Put(b)
	}
}
