package imaging

import (
	"context"
	"fmt"
)

// tiff reads the first picture of a TIFF: its directory, that the strips or
// tiles lie inside the file, and, for the compressions that can be followed
// without keeping pixels, that they hold what they should. It follows them once:
// while it reduces the picture, where that goes by rows. Of further pages it
// reads the directories alone.
func (in *Inspector) tiff(ctx context.Context, src *source, orientation int) (contents, error) {
	f, l, err := in.tiffPicture(src, 0)
	if err != nil {
		return contents{}, err
	}
	if err := in.tiffBlocks(f, l, false); err != nil {
		return contents{}, err
	}

	c := contents{width: int(l.width), height: int(l.height), reducedKnown: l.byRows}
	if c.reducedKnown {
		if c.reduced, err = in.reduceAccepted(ctx, src, TIFF, orientation); err != nil {
			return contents{}, err
		}
	}
	if c.reduced == nil || len(c.reduced.Luma.Pix) == 0 {
		if err := in.tiffBlocks(f, l, true); err != nil {
			return contents{}, err
		}
	}

	c.frames, err = in.tiffPages(f, l.width*l.height)
	return c, err
}

// tiffPicture reads what the directory of a page says of its picture.
func (in *Inspector) tiffPicture(src *source, page int) (*tiffFile, *tiffLayout, error) {
	f, err := openTIFF(src, page)
	if err != nil {
		return nil, nil, err
	}

	l := &tiffLayout{width: f.number(tiffWidth, 0), height: f.number(tiffHeight, 0)}
	if f.err != nil {
		return nil, nil, f.err
	}
	if err := in.fits(l.width, l.height, 1); err != nil {
		return nil, nil, err
	}
	return f, l, f.layout(l)
}

// tiffLayout is how the pixels are stored.
type tiffLayout struct {
	width, height int64
	compression   int64
	photometric   int64
	reversed      bool  // the bits of a byte
	samples       int64 // of a pixel
	depth         int64 // of a sample, 0 where they differ
	bits          int64 // of a pixel, in one plane
	planes        int64
	unitX, unitY  int64 // pixels that share their chroma samples

	blockWidth, blockHeight int64
	across, down            int64
	offsets, counts         uint16 // the tags

	byRows    bool // tiffRows decodes it; the other kinds are left to x/image
	predicted bool // from the pixel on the left
	pixels    pixelFormat
}

// TIFF's ways to say what samples mean, and to compress them.
const (
	tiffWhiteIsZero, tiffGrey       = 0, 1
	tiffRGB, tiffPalette            = 2, 3
	tiffCMYK, tiffYCbCr             = 5, 6
	tiffCFA, tiffLinearRaw          = 32803, 34892
	tiffPlain, tiffLZW              = 1, 5
	tiffGroup3, tiffGroup4          = 3, 4
	tiffJPEGOld, tiffJPEG           = 6, 7
	tiffDeflate, tiffDeflateOld     = 8, 32946
	tiffPackBits                    = 32773
	tiffMaxSamples, tiffMaxBitDepth = 64, 64
	tiffMinTile                     = 8
)

func (f *tiffFile) layout(l *tiffLayout) error {
	l.compression = max(tiffPlain, f.number(tiffCompression, tiffPlain))
	l.photometric = f.number(tiffPhotometric, 0)
	l.reversed = f.number(tiffFillOrder, 1) == 2

	raw := l.photometric == tiffCFA || l.photometric == tiffLinearRaw || f.has(tiffDNGVersion)
	if raw || f.number(tiffSubfileType, 0)&1 != 0 && f.has(tiffSubIFDs) {
		return fmt.Errorf("%w: camera raw files are not taken", ErrUnsupported)
	}
	if l.photometric == tiffPalette {
		if p, err := f.bytes(tiffColourMap, 3*2<<16); err != nil {
			return err
		} else if len(p) == 0 {
			return undecodable("its colours are missing")
		}
	}

	if err := f.samples(l); err != nil {
		return err
	}
	if f.has(tiffTileWidth) {
		return f.tiles(l)
	}

	f.strips(l)
	if f.err != nil {
		return f.err
	}

	l.byRows = l.streamable() && f.has(l.offsets) && f.has(l.counts) && f.pixelFormat(l) && f.err == nil
	return nil
}

// samples reads what a pixel consists of.
func (f *tiffFile) samples(l *tiffLayout) error {
	depths := f.numbers(tiffBits, tiffMaxSamples)
	if len(depths) == 0 {
		depths = []int64{1}
	}

	colours := l.photometric == tiffRGB || l.photometric == tiffCMYK || l.photometric == tiffYCbCr
	if n := f.number(tiffSamples, 1); colours && n <= tiffMaxSamples {
		for int64(len(depths)) < n {
			depths = append(depths, depths[0])
		}
	}

	l.samples, l.depth = int64(len(depths)), depths[0]
	for _, d := range depths {
		if d != depths[0] {
			l.depth = 0
		}
		if d < 1 || d > tiffMaxBitDepth {
			f.noted(0, undecodable("%d bits a sample", d))
		}
		l.bits += d
	}

	l.planes, l.unitX, l.unitY = 1, 1, 1
	switch {
	case f.number(tiffPlanar, 1) == 2:
		l.planes, l.bits = int64(len(depths)), depths[0]
	case l.photometric == tiffYCbCr && len(depths) == 3 && l.compression != tiffJPEG && l.compression != tiffJPEGOld:
		f.subsampling(l, depths[0])
	}
	return f.err
}

// subsampling makes a unit of the pixels that share their chroma samples.
func (f *tiffFile) subsampling(l *tiffLayout, depth int64) {
	v := []int64{2, 2}
	if f.has(tiffYCbCrSampling) {
		v = f.numbers(tiffYCbCrSampling, 2)
	}
	if len(v) != 2 || v[0] < 1 || v[0] > 4 || v[1] < 1 || v[1] > 4 {
		f.noted(0, undecodable("a subsampling of %v", v))
		return
	}

	l.unitX, l.unitY = v[0], v[1]
	l.bits = depth * (l.unitX*l.unitY + 2)
}

func (f *tiffFile) strips(l *tiffLayout) {
	rows := f.number(tiffRowsPerStrip, l.height)
	if rows < 1 || rows > l.height {
		rows = l.height
	}
	l.offsets, l.counts = tiffStripOffsets, tiffStripCounts
	l.blockWidth, l.blockHeight = l.width, rows
	l.across, l.down = 1, (l.height+rows-1)/rows
}

func (f *tiffFile) tiles(l *tiffLayout) error {
	w, h := f.number(tiffTileWidth, 0), f.number(tiffTileHeight, 0)
	if f.err != nil {
		return f.err
	}

	// A tile may be larger than the picture, by what is usual.
	if w < tiffMinTile || h < tiffMinTile || w > max(l.width+16, 1024) || h > max(l.height+16, 1024) {
		return undecodable("tiles of %d×%d pixels", w, h)
	}

	l.blockWidth, l.blockHeight = w, h
	l.offsets, l.counts = tiffTileOffsets, tiffTileCounts
	l.across, l.down = (l.width+w-1)/w, (l.height+h-1)/h
	return nil
}

// streamable says whether the strips can be decompressed row by row.
func (l *tiffLayout) streamable() bool {
	switch l.compression {
	case tiffPlain, tiffLZW, tiffDeflate, tiffDeflateOld, tiffPackBits:
		return !l.reversed && l.planes == 1
	case tiffGroup3, tiffGroup4:
		return l.bits == 1 && l.planes == 1
	}
	return false
}

// pixelFormat reads what the samples mean. It is false for kinds that tiffRows
// does not know.
func (f *tiffFile) pixelFormat(l *tiffLayout) bool {
	colours := map[int64]int{tiffWhiteIsZero: 1, tiffGrey: 1, tiffPalette: 1, tiffRGB: 3, tiffCMYK: 4}[l.photometric]
	p := pixelFormat{
		perPixel: int(l.samples), depth: int(l.depth), order: f.order, colours: colours, inverted: l.photometric == tiffWhiteIsZero,
	}

	predictor, extra := f.number(tiffPredictor, 1), f.number(tiffExtraSamples, 0)
	l.predicted = predictor == 2
	if p.perPixel > colours && (extra == 1 || extra == 2) {
		p.alpha, p.associated = colours, extra == 1
	}

	bytes := p.depth == 8 || p.depth == 16
	bits := p.perPixel == 1 && (p.depth == 1 || p.depth == 2 || p.depth == 4)
	switch {
	case f.number(tiffSampleFormat, 1) != 1, predictor > 2, l.predicted && !bytes, colours == 0, p.perPixel < colours, !bytes && !bits:
		return false
	case l.photometric == tiffPalette && p.depth > 8:
		return false
	case l.photometric == tiffPalette:
		palette := f.numbers(tiffColourMap, 3*256)
		p.tabulate(func(v int) (c [3]uint8) {
			if n := len(palette) / 3; v < n { // a colour that is not there is black
				c = [3]uint8{uint8(palette[v] >> 8), uint8(palette[n+v] >> 8), uint8(palette[2*n+v] >> 8)}
			}
			return c
		})
	case colours == 1 && p.alpha == 0 && p.depth <= 8:
		p.greys()
	}

	l.pixels = p
	return true
}

// blockBytes is how many bytes the rows of a block that are in the picture
// take once they are decompressed. down counts the blocks from the top.
func (l *tiffLayout) blockBytes(down int64) int64 {
	rows := min(l.blockHeight, l.height-down*l.blockHeight)
	unitsX := (l.blockWidth + l.unitX - 1) / l.unitX
	unitsY := (rows + l.unitY - 1) / l.unitY
	return (unitsX*l.bits + 7) / 8 * unitsY
}
