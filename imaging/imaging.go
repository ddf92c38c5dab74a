// Package imaging looks into picture files: format, dimensions, soundness,
// metadata, the hash of the picture data and what the picture looks like. It
// consists of functions of bytes; it knows no store and no HTTP.
//
// Inspect reads a file when it comes in, Picture decodes it again to compare it
// with another, frame by frame if it is an animation, and Thumbnail scales it.
//
// It promises that pixels, frames and nesting are bounded by what the header
// says before anything is allocated, and that at any time all that is decoded
// stays within the memory that the Inspector was given; a picture that needs
// more is decoded alone.
package imaging

import (
	"time"

	"inlet/imaging/exif"
	"inlet/imaging/fingerprint"
	"inlet/problem"
)

// Format of a picture file, by its content.
type Format string

// The formats that are taken.
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

// Why a file is not taken. All are returned wrapped, with the detail in the
// message, which is fit to be shown to the sender.
var (
	ErrUnsupported   = problem.New(problem.UnsupportedFormat, "the file is not of a supported picture format")
	ErrUndecodable   = problem.New(problem.Undecodable, "the picture cannot be decoded")
	ErrTooManyPixels = problem.New(problem.TooManyPixels, "the picture has too many pixels")
	// ErrNotReady is the answer of Thumbnail and Picture for formats that are not
	// decoded here.
	ErrNotReady = problem.New(problem.NotReady, "the picture has not been decoded yet")
)

// SniffLen is how many first bytes Sniff wants; fewer are enough when the file
// is shorter.
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
	// Fingerprint is what the picture looks like, and Probes find stored pictures that
	// look alike; of an animation, the first frame, and of pages the first one. nil
	// for pictures with too little in them to be told from others, for kinds that
	// are not decoded here (HEIC, AVIF, and some that are taken without), and for a
	// PNG whose own picture is no part of its animation.
	Fingerprint *fingerprint.Fingerprint
	Probes      []int32
}
