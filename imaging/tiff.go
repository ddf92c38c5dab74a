package imaging

import (
	"context"
	"fmt"
)

// tiff reads the first picture of a TIFF: its directory, that the strips or
// tiles lie inside the file, and, for the compressions that can be followed
// without keeping pixels, that they hold what they should. Where its rows are
// decoded for what it looks like, they are not followed once more. Of further
// pages the directories alone are read.
func (in *Inspector) tiff(ctx context.Context, src *source, orientation int) (picture, error) {
	f, l, err := in.tiffPicture(src, 0)
	if err != nil {
		return picture{}, err
	}
	if err := in.tiffBlocks(f, l, false); err != nil {
		return picture{}, err
	}
	pic := picture{width: int(l.width), height: int(l.height), looked: f.byRows(l)}
	if pic.looked {
		if pic.look, err = in.look(ctx, src, TIFF, orientation); err != nil {
			return picture{}, err
		}
	}
	if pic.look == nil || len(pic.look.Luma.Pix) == 0 {
		if err := in.tiffBlocks(f, l, true); err != nil {
			return picture{}, err
		}
	}
	pic.frames, err = in.tiffPages(f, l.width*l.height)
	return pic, err
}

// tiffPicture reads what the directory of a page says of its picture.
func (in *Inspector) tiffPicture(src *source, page int) (*tiffFile, *tiffLayout, error) {
	f, err := openTIFF(src)
	if err != nil {
		return nil, nil, err
	}
	if err := f.page(page); err != nil {
		return nil, nil, err
	}
	l := &tiffLayout{}
	if l.width, err = f.number(tiffWidth, 0); err != nil {
		return nil, nil, err
	}
	if l.height, err = f.number(tiffHeight, 0); err != nil {
		return nil, nil, err
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
	fill, subfile, planar := int64(0), int64(0), int64(0)
	for _, want := range []struct {
		tag    uint16
		absent int64
		to     *int64
	}{
		{tiffCompression, tiffPlain, &l.compression},
		{tiffPhotometric, 0, &l.photometric},
		{tiffFillOrder, 1, &fill},
		{tiffSubfileType, 0, &subfile},
		{tiffPlanar, 1, &planar},
	} {
		var err error
		if *want.to, err = f.number(want.tag, want.absent); err != nil {
			return err
		}
	}
	raw := l.photometric == tiffCFA || l.photometric == tiffLinearRaw || f.has(tiffDNGVersion)
	if raw || subfile&1 != 0 && f.has(tiffSubIFDs) {
		return fmt.Errorf("%w: camera raw files are not taken", ErrUnsupported)
	}
	if l.compression == 0 {
		l.compression = tiffPlain
	}
	if l.photometric == tiffPalette {
		if p, err := f.bytes(tiffColourMap, 3*2<<16); err != nil {
			return err
		} else if len(p) == 0 {
			return undecodable("its colours are missing")
		}
	}
	l.reversed = fill == 2
	if err := f.samples(l, planar == 2); err != nil {
		return err
	}
	if f.has(tiffTileWidth) {
		return f.tiles(l)
	}
	return f.strips(l)
}

// samples reads what a pixel consists of.
func (f *tiffFile) samples(l *tiffLayout, planar bool) error {
	depths, err := f.numbers(tiffBits, tiffMaxSamples)
	if err != nil {
		return err
	}
	if len(depths) == 0 {
		depths = []int64{1}
	}
	colours := l.photometric == tiffRGB || l.photometric == tiffCMYK || l.photometric == tiffYCbCr
	if n, err := f.number(tiffSamples, 1); err != nil {
		return err
	} else if colours && n <= tiffMaxSamples {
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
			return undecodable("%d bits a sample", d)
		}
		l.bits += d
	}
	l.planes, l.unitX, l.unitY = 1, 1, 1
	if planar {
		l.planes, l.bits = int64(len(depths)), depths[0]
		return nil
	}
	if l.photometric != tiffYCbCr || len(depths) != 3 || l.compression == tiffJPEG || l.compression == tiffJPEGOld {
		return nil
	}
	return f.subsampling(l, depths[0])
}

// subsampling makes a unit of the pixels that share their chroma samples.
func (f *tiffFile) subsampling(l *tiffLayout, depth int64) error {
	l.unitX, l.unitY = 2, 2
	if f.has(tiffYCbCrSampling) {
		v, err := f.numbers(tiffYCbCrSampling, 2)
		if err != nil {
			return err
		}
		if len(v) != 2 || v[0] < 1 || v[0] > 4 || v[1] < 1 || v[1] > 4 {
			return undecodable("a subsampling of %v", v)
		}
		l.unitX, l.unitY = v[0], v[1]
	}
	l.bits = depth * (l.unitX*l.unitY + 2)
	return nil
}

func (f *tiffFile) strips(l *tiffLayout) error {
	rows, err := f.number(tiffRowsPerStrip, l.height)
	if err != nil {
		return err
	}
	if rows < 1 || rows > l.height {
		rows = l.height
	}
	l.offsets, l.counts = tiffStripOffsets, tiffStripCounts
	l.blockWidth, l.blockHeight = l.width, rows
	l.across, l.down = 1, (l.height+rows-1)/rows
	return nil
}

func (f *tiffFile) tiles(l *tiffLayout) error {
	var err error
	if l.blockWidth, err = f.number(tiffTileWidth, 0); err != nil {
		return err
	}
	if l.blockHeight, err = f.number(tiffTileHeight, 0); err != nil {
		return err
	}
	// A tile may be larger than the picture, by what is usual.
	w, h := l.blockWidth, l.blockHeight
	if w < tiffMinTile || h < tiffMinTile || w > max(l.width+16, 1024) || h > max(l.height+16, 1024) {
		return undecodable("tiles of %d×%d pixels", w, h)
	}
	l.offsets, l.counts = tiffTileOffsets, tiffTileCounts
	l.across, l.down = (l.width+w-1)/w, (l.height+h-1)/h
	return nil
}

// blockBytes is how many bytes the rows of a block that are in the picture
// take once they are decompressed. down counts the blocks from the top.
func (l *tiffLayout) blockBytes(down int64) int64 {
	rows := min(l.blockHeight, l.height-down*l.blockHeight)
	unitsX := (l.blockWidth + l.unitX - 1) / l.unitX
	unitsY := (rows + l.unitY - 1) / l.unitY
	return (unitsX*l.bits + 7) / 8 * unitsY
}
