// Package imaging reads picture files: format, dimensions, soundness, metadata,
// the hash of the picture data and the fingerprint. It consists of functions of
// bytes; it knows no store and no HTTP.
//
// Inspect reads a file when it comes in, Picture decodes it again to compare it
// with another, frame by frame if it is an animation, and Thumbnail scales it.
//
// It bounds pixels, frames and nesting by the header before it allocates or calls
// a library, and keeps all decoding together within the Inspector's memory; it
// decodes a picture that needs more alone.
package imaging

import (
	"time"

	"inlet/imaging/exif"
	"inlet/imaging/fingerprint"
	"inlet/imaging/quality"
	"inlet/problem"
)

// Format of a picture file, by its content.
type Format string

// The accepted formats.
const (
	JPEG Format = "jpeg"
	PNG  Format = "png"
	GIF  Format = "gif"
	WebP Format = "webp"
	BMP  Format = "bmp"
	TIFF Format = "tiff"
	HEIC Format = "heic"
	AVIF Format = "avif"
)

// Formats lists all formats, in the order in which they are announced.
var Formats = []Format{JPEG, PNG, GIF, WebP, BMP, TIFF, HEIC, AVIF}

// ContentType is the format's media type.
func (f Format) ContentType() string { return "image/" + string(f) }

// Why a file is refused. Functions return these wrapped; senders may see the
// message, detail included.
var (
	ErrUnsupported   = problem.New(problem.UnsupportedFormat, "the file is not in a supported picture format")
	ErrUndecodable   = problem.New(problem.Undecodable, "the picture cannot be decoded")
	ErrTooManyPixels = problem.New(problem.TooManyPixels, "the picture has too many pixels")
	// ErrNotReady is the answer of Thumbnail and Picture for formats that a worker
	// decodes.
	ErrNotReady = problem.New(problem.NotReady, "the picture has not been decoded yet")
)

// SniffLen is how many first bytes Sniff wants, or all of a shorter file.
const SniffLen = 512

// Info is what Inspect found in a file.
type Info struct {
	Format        Format
	Width, Height int // pixels, as displayed: after EXIF orientation, irot and imir
	Frames        int // of an animation, or pages; 1 for a still
	// Duration is how long an animation runs once, by browsers' clocks: a frame
	// of 10 ms or less is shown for 100. 0 for stills, pages, HEIC and AVIF.
	Duration time.Duration
	// Payload identifies the picture data and how it displays (orientation,
	// colour profile) without any other metadata; nil where that is not known.
	Payload *[32]byte
	Meta    exif.Metadata
	// Fingerprint is that of the first frame or page, and Probes find candidates
	// among the stored pictures. They are nil for pictures with too little in them
	// to be told from others, for kinds that nothing here decodes (HEIC, AVIF, some
	// TIFFs and BMPs), and for a PNG whose own picture is no part of its animation.
	Fingerprint *fingerprint.Fingerprint
	Probes      []int32
	// Quality is not measured, but for its flags, where nothing here decodes the
	// picture.
	Quality Quality
}

// Quality tells how good a picture is, and its kind.
type Quality = quality.Quality

// Clean removes from the metadata what cannot be true of a picture that came in at a
// time, and flags it.
func (i *Info) Clean(uploaded time.Time) {
	i.Meta.Clean(uploaded)
	if i.Meta.TimeSuspect {
		i.Quality.Add(quality.TimeSuspect)
	}
	if i.Meta.PlaceSuspect {
		i.Quality.Add(quality.PlaceSuspect)
	}
}
