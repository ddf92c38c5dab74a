// Package dcjpeg decodes a JPEG at one eighth of its size: it reads all of the
// entropy-coded data and keeps only the DC coefficients.
//
// The DC coefficient of an 8×8 block is the block's mean, so the picture at 1/8
// needs no inverse transform, no upsampling and no memory for pixels. What
// remains is Huffman decoding, and tables skip several AC coefficients, which are
// most of the bits, at a time. The format is that of ITU-T T.81; markers, tables
// and procedures bear its names.
//
// The package promises three things.
//
//   - A file that it accepts is whole. It reads sequential files (baseline and
//     extended) to the last bit: a truncated or damaged stream is ErrCorrupt. Of
//     a progressive file it decodes the DC scans. Of the AC scans it checks the
//     headers, the tables that they name, their restart markers, and that they
//     hold data at all; the file must have its EOI. Damage inside the AC data of
//     a progressive file goes unnoticed: that makes those files cheap.
//   - It accepts what image/jpeg accepts, or returns ErrUnsupported. It is
//     stricter only where libjpeg is as well: Huffman tables with more codes than
//     fit, components without a quantisation table, a height or width of zero, and
//     zero-run symbols that only progressive files may hold. The restart interval
//     of a scan with one component counts blocks, as the standard has it;
//     image/jpeg counts MCUs. A run of zeros that leaves the block ends the block
//     after its value bits, as in libjpeg; image/jpeg leaves these bits unread.
//   - Memory depends only on the dimensions in the header, which are capped before
//     anything is allocated.
//
// Luma is bit-identical to libjpeg-turbo's at a scale of 1/8.
package dcjpeg

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// Errors. Decoder returns them wrapped, with the detail in the message. It wraps
// a failure of the reader other than io.EOF as it is, with none of these.
var (
	// ErrCorrupt means that the file is truncated, damaged or no JPEG.
	ErrCorrupt = errors.New("corrupt JPEG")
	// ErrUnsupported means a JPEG of a kind that other decoders must read: CMYK
	// and YCCK, RGB, unusual sampling, 12 bits, arithmetic coding, lossless,
	// hierarchical. The file may be sound or not.
	ErrUnsupported = errors.New("unsupported JPEG")
	// ErrTooLarge means that the header declares more pixels than allowed.
	ErrTooLarge = errors.New("JPEG has too many pixels")
)

// Image is a picture at 1/8 scale.
type Image struct {
	Width, Height int // of the file, in pixels: 1 to 65535
	Components    int // 1 (grey) or 3 (YCbCr); 4 only without planes
	Progressive   bool
	// MissingEOI means that the file ends after the last block of its last scan,
	// without the end marker. image/jpeg refuses such a file until the two bytes
	// FF D9 are appended. Only sequential files are accepted like this.
	MissingEOI bool

	Y, Cb, Cr Plane // Cb and Cr are empty when Components is 1

	// Ends holds, for each sample of Y, how many coefficients of that block precede
	// the end of block, in zigzag order and with the DC: 1 for a flat block, 64 for
	// one with the finest detail. It is nil where the AC coefficients are not read,
	// so for progressive files.
	Ends []uint8
	// FineBytes is how many bytes of a progressive file hold luma's coefficients from
	// the sixth on, but for their last bits. It is 0 where scans mix these with
	// others.
	FineBytes int
	// Steps is luma's quantisation table in zigzag order.
	Steps [64]uint16
}

// Plane is one colour component. Sample (x, y) is the mean of the file's pixels
// from (x*ScaleX, y*ScaleY) on, ScaleX wide and ScaleY high.
//
// The encoder may have filled up the last column and row beyond the picture. So
// map positions by fractional extents: the picture is Width/ScaleX samples wide,
// not W.
type Plane struct {
	Pix            []uint8 // samples by row, 0 to 255
	Stride         int     // samples from one row to the next
	W, H           int     // samples that hold any of the picture
	ScaleX, ScaleY int     // pixels a sample: 8, or 16 or 32 where subsampled
}

// A Tap receives the parts of a file while the Decoder reads it: the code and the
// body of each segment; after that of an SOS, the entropy-coded data as the file
// has them, with restart markers, in pieces whose code is 0. It receives nothing
// behind the end marker. The bytes are valid until it returns.
type Tap func(code byte, data []byte)

// Decoder holds the buffers and tables of a decode, about 300 KB, for the next
// one. Cameras write the same Huffman tables into every file, so a Decoder that is
// used again rarely has to build tables. It is not safe for concurrent use.
type Decoder struct {
	bits   bitReader
	header header
	quant  [4]quantTable
	dcSpec [4]huffSpec
	acSpec [4]huffSpec
	dc     [4]codes
	ac     [4]acTable
	starts [maxComponents]startTable
	coefs  [maxComponents][]int16 // DC coefficients; reused for their capacity
	ends   [maxComponents][]uint8 // of Image.Ends; as large
}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder {
	return &Decoder{bits: bitReader{raw: make([]byte, bufSize), data: make([]byte, mcuBytes+bufSize+slack)}}
}

// Decode reads one JPEG from r up to its end marker, and what r gives beyond only
// into a buffer. It refuses a picture of more than maxPixels with ErrTooLarge. The
// Image does not share memory with the Decoder.
func (d *Decoder) Decode(r io.Reader, maxPixels int64) (*Image, error) {
	return d.read(r, nil, header{maxPixels: maxPixels})
}

// Inspect is Decode for more kinds: CMYK, RGB and any sampling; all that is
// Huffman-coded, has 8 bits, and one, three or four components. The Image of a
// kind that Decode refuses has no planes: Y.Pix is nil. The tap may be nil.
func (d *Decoder) Inspect(r io.Reader, maxPixels int64, tap Tap) (*Image, error) {
	return d.read(r, tap, header{maxPixels: maxPixels, anyKind: true})
}

func (d *Decoder) read(r io.Reader, tap Tap, h header) (*Image, error) {
	d.bits = bitReader{r: r, tap: tap, raw: d.bits.raw, data: d.bits.data}
	d.header = h
	d.quant = [4]quantTable{}

	for i := range d.dcSpec {
		d.dcSpec[i].defined, d.acSpec[i].defined = false, false
	}

	err := d.segments()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = corrupt("file is truncated")
	}
	if err != nil {
		return nil, err
	}

	return d.image(), nil
}

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
			Pix: samples(d.coefs[i], c.quant[0]), Stride: c.stride,
			W: c.blocksX, H: c.blocksY,
			ScaleX: 8 * h.hMax / c.h, ScaleY: 8 * h.vMax / c.v,
		}
	}

	m.Steps, m.FineBytes = h.comp[0].quant, h.fineBytes
	if !h.progressive {
		m.Ends = slices.Clone(d.ends[0])
	}

	return m
}

// samples dequantises, scales to the mean of a block, and shifts to 0..255. It
// rounds as libjpeg's 1×1 inverse transform does.
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

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}
