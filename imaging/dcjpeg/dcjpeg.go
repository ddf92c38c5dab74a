// Package dcjpeg decodes a JPEG to one eighth of its size by reading all of
// its entropy-coded data and keeping only the DC terms.
//
// The DC term of an 8×8 block is the block's mean, so the picture at 1/8 scale
// needs no inverse transform, no upsampling and no memory for pixels: what is
// left of the work is Huffman decoding, and the AC coefficients, most of the
// bits, are skipped several at a time.
//
// The package promises three things.
//
//   - A file that it accepts is whole. Sequential files (baseline and extended)
//     are read to the last bit: a truncated or damaged stream is ErrCorrupt. Of
//     a progressive file the DC scans are decoded; of the other scans the
//     header, the tables they name, their restart markers and that they hold
//     data at all are checked, and EOI must be there. Damage inside the AC data
//     of a progressive file is not looked for: it is what makes them cheap.
//   - It accepts what image/jpeg accepts, unless it says ErrUnsupported. Where it
//     is stricter, libjpeg is as well: Huffman tables with more codes than fit,
//     components without a quantisation table, a height or width of zero, and
//     zero-run symbols that only progressive files may hold. Restart intervals
//     of a scan with one component count blocks, as the standard has it;
//     image/jpeg counts MCUs. A run of zeros that leaves the block ends the
//     block with its value bits read, as in libjpeg; image/jpeg leaves them.
//   - Memory depends on the dimensions in the header alone, which are capped
//     before anything is allocated.
//
// Luma is bit-identical to what libjpeg-turbo gives for a scale of 1/8.
package dcjpeg

import (
	"errors"
	"fmt"
	"io"
)

// Errors. All are returned wrapped, with the detail in the message. A failure
// of the reader other than io.EOF is wrapped as it is and is none of these.
var (
	// ErrCorrupt means that the file is truncated, damaged or no JPEG.
	ErrCorrupt = errors.New("corrupt JPEG")
	// ErrUnsupported means a JPEG of a kind this package leaves to others: CMYK
	// and YCCK, RGB, unusual sampling, 12 bits, arithmetic coding, lossless,
	// hierarchical. Nothing is known about the soundness of the file.
	ErrUnsupported = errors.New("unsupported JPEG")
	// ErrTooLarge means that the header declares more pixels than allowed.
	ErrTooLarge = errors.New("JPEG has too many pixels")
)

// errStricter marks the ErrCorrupt that image/jpeg would have let pass.
var errStricter = fmt.Errorf("%w", ErrCorrupt)

// Image is a picture at 1/8 scale.
type Image struct {
	Width, Height int // of the file, in pixels: 1 to 65535
	Components    int // 1 (grey) or 3 (YCbCr); 4 of what has no planes
	Progressive   bool
	// MissingEOI says that the file ends after the last block of its last scan,
	// without the end marker. image/jpeg refuses such a file until the two bytes
	// FF D9 are appended. Only sequential files are accepted like this.
	MissingEOI bool

	Y, Cb, Cr Plane // Cb and Cr are empty when Components is 1
}

// Plane is one colour component. Sample (x, y) is the mean of the file's pixels
// from (x*ScaleX, y*ScaleY) on, ScaleX wide and ScaleY high.
//
// The last column and row may reach beyond the picture, filled up by the
// encoder. So map positions by fractional extents: the picture is
// Width/ScaleX samples wide, not W.
type Plane struct {
	Pix            []uint8 // samples by row, 0 to 255
	Stride         int     // samples from one row to the next
	W, H           int     // samples that hold any of the picture
	ScaleX, ScaleY int     // pixels to a sample: 8, or 16 or 32 where subsampled
}

// A Tap is told what a file consists of while it is read: the code and the body
// of each segment; and behind that of an SOS the entropy-coded data as they stand
// in the file, restart markers included, in pieces whose code is 0. What follows
// the end marker is not told. The bytes hold until it returns.
type Tap func(code byte, data []byte)

// Decode reads one JPEG from r, up to its end marker; what follows is not read,
// except into a buffer. A picture of more than maxPixels is refused with
// ErrTooLarge.
func Decode(r io.Reader, maxPixels int64) (*Image, error) {
	return NewDecoder().Decode(r, maxPixels)
}

// Decoder holds the buffers and tables of a decode, about 300 KB, for the next
// one. Cameras write the same Huffman tables into every file, so a Decoder used
// again mostly finds its tables made. It is not safe for concurrent use.
type Decoder struct {
	bits   bitReader
	header header
	quant  [4]quantTable
	dcSpec [4]huffSpec
	acSpec [4]huffSpec
	dc     [4]codes
	ac     [4]acTable
	starts [maxComponents]startTable
	coefs  [maxComponents][]int16 // DC coefficients, kept for their capacity
}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder {
	return &Decoder{bits: newBitReader()}
}

// Decode is like the function Decode. The image returned does not share memory
// with the Decoder.
func (d *Decoder) Decode(r io.Reader, maxPixels int64) (*Image, error) {
	if err := d.read(r, nil, header{maxPixels: maxPixels}); err != nil {
		return nil, err
	}
	return d.image(), nil
}

// Check reads a JPEG as Decode does, but tells its size alone. It takes more
// kinds: CMYK, RGB and any sampling, all that is Huffman-coded, of 8 bits, and
// has one, three or four components.
func (d *Decoder) Check(r io.Reader, maxPixels int64) (width, height int, err error) {
	if err := d.read(r, nil, header{maxPixels: maxPixels, anyKind: true}); err != nil {
		return 0, 0, err
	}
	return d.header.width, d.header.height, nil
}

// Inspect takes what Check takes, and decodes what Decode decodes: of other kinds
// the Image has no planes, Y.Pix is nil. The tap may be nil.
func (d *Decoder) Inspect(r io.Reader, maxPixels int64, tap Tap) (*Image, error) {
	if err := d.read(r, tap, header{maxPixels: maxPixels, anyKind: true}); err != nil {
		return nil, err
	}
	return d.image(), nil
}

// read reads the file.
func (d *Decoder) read(r io.Reader, tap Tap, h header) error {
	d.bits.reset(r, tap)
	d.header = h
	d.quant = [4]quantTable{}
	for i := range d.dcSpec {
		d.dcSpec[i].defined, d.acSpec[i].defined = false, false
	}
	if err := d.segments(); err != nil {
		return fmt.Errorf("dcjpeg: %w", err)
	}
	return nil
}

// image turns the DC coefficients into samples.
func (d *Decoder) image() *Image {
	h := &d.header
	m := &Image{
		Width: h.width, Height: h.height, Components: len(h.comps()),
		Progressive: h.progressive, MissingEOI: h.missingEOI,
	}
	if h.foreign {
		return m
	}
	for i, p := range []*Plane{&m.Y, &m.Cb, &m.Cr}[:m.Components] {
		c := &h.comp[i]
		*p = Plane{
			Pix: samples(d.coefs[i], c.quant), Stride: c.stride,
			W: c.blocksX, H: c.blocksY,
			ScaleX: 8 * h.hMax / c.h, ScaleY: 8 * h.vMax / c.v,
		}
	}
	return m
}

// samples dequantises, scales to the mean of a block, and shifts to 0..255,
// rounding as libjpeg's 1×1 inverse transform does.
func samples(coefs []int16, quant uint16) []uint8 {
	pix := make([]uint8, len(coefs))
	for i, c := range coefs {
		v := (int32(c)*int32(quant)+4)>>3 + 128
		pix[i] = uint8(min(max(v, 0), 255))
	}
	return pix
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

func stricter(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errStricter, fmt.Sprintf(format, args...))
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}
