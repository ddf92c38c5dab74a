package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// verdict is what Inspect is to say of a file.
type verdict struct {
	name string
	want error // nil: accepted
	data []byte
}

func checkVerdicts(t *testing.T, f Format, verdicts []verdict) {
	t.Helper()
	for _, v := range verdicts {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			if _, err := inspectAs(t, f, v.data); !errors.Is(err, v.want) || v.want == nil && err != nil {
				t.Errorf("%v, want %v", err, v.want)
			}
		})
	}
}

// bmpFile is a BMP of 4×2 pixels with a palette that fits.
func bmpFile(bits uint16, compression uint32, height int32, pixels string) []byte {
	le := binary.LittleEndian
	p := le.AppendUint32(append([]byte("BM"), make([]byte, 8)...), 54)
	p = le.AppendUint32(le.AppendUint32(le.AppendUint32(p, 40), 4), uint32(height))
	p = le.AppendUint32(le.AppendUint16(le.AppendUint16(p, 1), bits), compression)
	return append(append(p, make([]byte, 20)...), pixels...)
}

func TestBMP(t *testing.T) {
	t.Parallel()
	rgb := string(make([]byte, 24))
	core := append([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x1a\x00\x00\x00\x0c\x00\x00\x00\x04\x00\x02\x00\x01\x00\x18\x00"), rgb...)
	planes := bmpFile(24, bmpPlain, 2, rgb)
	planes[26] = 3
	far := bmpFile(24, bmpPlain, 2, rgb)
	far[10] = 200
	checkVerdicts(t, BMP, []verdict{
		{"24 bits", nil, bmpFile(24, bmpPlain, 2, rgb)},
		{"top down", nil, bmpFile(24, bmpPlain, -2, rgb)},
		{"core header", nil, core},
		{"one byte short", ErrUndecodable, bmpFile(24, bmpPlain, 2, rgb[1:])},
		{"16 bits", nil, bmpFile(16, bmpBitfields, 2, rgb[:16])},
		{"7 bits", ErrUndecodable, bmpFile(7, bmpPlain, 2, rgb)},
		{"three planes", ErrUndecodable, planes},
		{"pixels outside", ErrUndecodable, far},
		{"JPEG inside", ErrUndecodable, bmpFile(24, 4, 2, rgb)},
		{"no rows", ErrUndecodable, bmpFile(24, bmpPlain, 0, rgb)},
		{"runs", nil, bmpFile(8, bmpRLE8, 2, "\x04\x07\x00\x00\x02\x01\x02\x02\x00\x01")},
		{"runs and pixels", nil, bmpFile(8, bmpRLE8, 2, "\x00\x03abc\x00\x01\x01\x00\x00\x04\x02\x00\x01")},
		{"runs of 4 bits", nil, bmpFile(4, bmpRLE4, 2, "\x00\x04ab\x00\x00\x04\x12\x00\x01")},
		{"runs and an advance", nil, bmpFile(8, bmpRLE8, 2, "\x00\x02\x01\x01\x02\x02\x00\x01")},
		{"runs without an end", nil, bmpFile(8, bmpRLE8, 2, "\x04\x07\x00\x00\x04\x01")},
		{"runs cut", ErrUndecodable, bmpFile(8, bmpRLE8, 2, "\x04\x07\x00\x00\x02")},
		{"advance cut", ErrUndecodable, bmpFile(8, bmpRLE8, 2, "\x00\x02\x01")},
		{"pixels of runs cut", ErrUndecodable, bmpFile(8, bmpRLE8, 2, "\x00\x04ab")},
		{"runs top down", ErrUndecodable, bmpFile(8, bmpRLE8, -2, "\x00\x01")},
	})
}

// tiffTag is an entry of a directory, all numbers 32 bits wide.
type tiffTag struct {
	tag    uint16
	values []uint32
}

// tiffOf is a TIFF of 8×4 grey pixels, with other tags besides or instead.
func tiffOf(pixels []byte, changed ...tiffTag) []byte {
	tags := map[uint16][]uint32{
		tiffWidth: {8}, tiffHeight: {4}, tiffBits: {8}, tiffCompression: {1}, tiffPhotometric: {1},
		tiffStripOffsets: {8}, tiffStripCounts: {uint32(len(pixels))}, tiffRowsPerStrip: {4},
	}
	for _, c := range changed {
		tags[c.tag] = c.values
		if c.values == nil {
			delete(tags, c.tag)
		}
	}
	le := binary.LittleEndian
	var dir, far []byte
	at := uint32(8 + len(pixels) + 2 + 12*len(tags) + 4)
	for tag := range uint16(0xffff) {
		v, ok := tags[tag]
		if !ok {
			continue
		}
		dir = le.AppendUint32(le.AppendUint16(le.AppendUint16(dir, tag), tiffLong), uint32(len(v)))
		if len(v) == 1 {
			dir = le.AppendUint32(dir, v[0])
			continue
		}
		dir = le.AppendUint32(dir, at+uint32(len(far)))
		for _, n := range v {
			far = le.AppendUint32(far, n)
		}
	}
	head := le.AppendUint32([]byte("II*\x00"), uint32(8+len(pixels)))
	return slices.Concat(head, pixels, le.AppendUint16(nil, uint16(len(tags))), dir, make([]byte, 4), far)
}

func TestTIFF(t *testing.T) {
	t.Parallel()
	grey := make([]byte, 32)
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(grey)
	z.Close()
	deflated, packed := b.Bytes(), []byte("\xe1\x00")
	tag := func(tag uint16, values ...uint32) tiffTag { return tiffTag{tag, values} }
	compressed := func(data []byte, by uint32, more ...tiffTag) []byte {
		return tiffOf(data, append(more, tag(tiffCompression, by))...)
	}
	unsorted := tiffOf(grey)
	copy(unsorted[8+32+2:], "\xff\x01")
	checkVerdicts(t, TIFF, []verdict{
		{"plain", nil, tiffOf(grey)},
		{"a short strip", ErrUndecodable, tiffOf(grey[1:])},
		{"without lengths", nil, tiffOf(grey, tag(tiffStripCounts))},
		{"two strips", nil, tiffOf(grey, tag(tiffRowsPerStrip, 2), tag(tiffStripOffsets, 8, 24), tag(tiffStripCounts, 16, 16))},
		{"a strip missing", ErrUndecodable, tiffOf(grey, tag(tiffRowsPerStrip, 2))},
		{"a strip outside", ErrUndecodable, tiffOf(grey, tag(tiffStripOffsets, 4000))},
		{"rows of nothing", nil, tiffOf(grey, tag(tiffRowsPerStrip, 0))},
		{"unsorted", ErrUndecodable, unsorted},
		{"deflate", nil, compressed(deflated, tiffDeflate)},
		{"deflate, cut", ErrUndecodable, compressed(deflated[:3], tiffDeflate)},
		{"deflate, lengths missing", ErrUndecodable, compressed(deflated, tiffDeflate, tag(tiffStripCounts))},
		{"no deflate", ErrUndecodable, compressed(grey, tiffDeflateOld)},
		{"PackBits", nil, compressed(packed, tiffPackBits)},
		{"PackBits of bytes", nil, compressed(append([]byte{31}, grey...), tiffPackBits)},
		{"PackBits, cut", ErrUndecodable, compressed(packed[:1], tiffPackBits)},
		{"PackBits of nothing", ErrUndecodable, compressed([]byte("\x80\x80"), tiffPackBits)},
		{"LZW, a bad code", ErrUndecodable, compressed([]byte("\x80\x7f\xff\xff"), tiffLZW)},
		{"LZW of the old kind", nil, compressed([]byte("\x00\x01\x02"), tiffLZW)},
		{"bits reversed", nil, compressed([]byte("\x01"), tiffLZW, tag(tiffFillOrder, 2))},
		{"nothing", ErrUndecodable, compressed(nil, tiffLZW)},
		{"JPEG that is none", ErrUndecodable, compressed(grey, tiffJPEG)},
		{"JPEG of the old kind", nil, compressed(grey, tiffJPEGOld, tag(tiffStripOffsets), tag(tiffOldJPEG, 8), tag(tiffOldJPEGLength, 32))},
		{"JPEG of the old kind, outside", ErrUndecodable, compressed(grey, tiffJPEGOld, tag(tiffStripOffsets), tag(tiffOldJPEG, 4000), tag(tiffOldJPEGLength, 32))},
		{"unknown compression", nil, compressed(grey, 50000)},
		{"tiles", nil, tiffOf(make([]byte, 256), tag(tiffTileWidth, 16), tag(tiffTileHeight, 16), tag(tiffTileOffsets, 8), tag(tiffTileCounts, 256))},
		{"tiny tiles", ErrUndecodable, tiffOf(grey, tag(tiffTileWidth, 4), tag(tiffTileHeight, 4), tag(tiffTileOffsets, 8), tag(tiffTileCounts, 256))},
		{"huge tiles", ErrUndecodable, tiffOf(grey, tag(tiffTileWidth, 1<<30), tag(tiffTileHeight, 1<<30), tag(tiffTileOffsets, 8), tag(tiffTileCounts, 256))},
		{"0 bits", ErrUndecodable, tiffOf(grey, tag(tiffBits, 0))},
		{"too many samples", ErrUndecodable, tiffOf(grey, tag(tiffBits, make([]uint32, 99)...))},
		{"colours missing", ErrUndecodable, tiffOf(grey, tag(tiffPhotometric, tiffPalette))},
		{"planes", nil, tiffOf(grey, tag(tiffPhotometric, tiffRGB), tag(tiffSamples, 3), tag(tiffPlanar, 2),
			tag(tiffStripOffsets, 8, 8, 8), tag(tiffStripCounts, 32, 32, 32))},
		{"YCbCr", nil, tiffOf(make([]byte, 48), tag(tiffPhotometric, tiffYCbCr), tag(tiffSamples, 3))},
		{"YCbCr, subsampled", nil, tiffOf(grey, tag(tiffPhotometric, tiffYCbCr), tag(tiffSamples, 3), tag(tiffYCbCrSampling, 4, 4), tag(tiffStripCounts, 36))},
		{"YCbCr, badly subsampled", ErrUndecodable, tiffOf(grey, tag(tiffPhotometric, tiffYCbCr), tag(tiffSamples, 3), tag(tiffYCbCrSampling, 9, 4))},
		{"camera raw", ErrUnsupported, tiffOf(grey, tag(tiffPhotometric, tiffCFA))},
		{"a preview of camera raw", ErrUnsupported, tiffOf(grey, tag(tiffSubfileType, 1), tag(tiffSubIFDs, 8))},
		{"no width", ErrUndecodable, tiffOf(grey, tag(tiffWidth))},
		{"too wide", ErrTooManyPixels, tiffOf(grey, tag(tiffWidth, 1<<31))},
	})
}

// A million strips in the same place are not read a million times.
func TestTIFFOverlappingStrips(t *testing.T) {
	t.Parallel()
	const strips = 4096
	data := bytes.Repeat([]byte{0x80}, 16<<10)
	data = append(data, 7, 0, 0, 0, 0, 0, 0, 0, 0)
	at, n := make([]uint32, strips), make([]uint32, strips)
	for i := range strips {
		at[i], n[i] = 8, uint32(len(data))
	}
	file := tiffOf(data, tiffTag{tiffCompression, []uint32{tiffPackBits}}, tiffTag{tiffHeight, []uint32{strips}},
		tiffTag{tiffRowsPerStrip, []uint32{1}}, tiffTag{tiffStripOffsets, at}, tiffTag{tiffStripCounts, n})
	if _, err := inspectAs(t, TIFF, file); !errors.Is(err, ErrUndecodable) {
		t.Error(err)
	}
}

func TestPNG(t *testing.T) {
	t.Parallel()
	good := sampleNamed(t, "palette.png")
	head, plte := good[:33], chunkPNG("PLTE", make([]byte, 9))
	idat := func(data string) []byte {
		return chunkPNG("IDAT", encode(t, func(b *bytes.Buffer) error {
			z := zlib.NewWriter(b)
			z.Write([]byte(data))
			return z.Close()
		}))
	}
	tiny, end := headPNG(1, 1, 8, pngGrey, 0), chunkPNG("IEND", nil)
	damaged := bytes.Clone(good)
	damaged[len(damaged)-40] ^= 1
	many := slices.Concat(headPNG(1, 1, 8, pngGrey, 0), idat("\x00\x07"), end)
	checkVerdicts(t, PNG, []verdict{
		{"one pixel", nil, many},
		{"two pixels for one", ErrUndecodable, slices.Concat(tiny, idat("\x00\x07\x07"), end)},
		{"none for one", ErrUndecodable, slices.Concat(tiny, idat("\x00"), end)},
		{"filter 5", ErrUndecodable, slices.Concat(tiny, idat("\x05\x07"), end)},
		{"trailing IDAT", nil, slices.Concat(tiny, idat("\x00\x07"), chunkPNG("tEXt", nil), chunkPNG("IDAT", []byte("junk")), end)},
		{"no compressed data", ErrUndecodable, slices.Concat(tiny, chunkPNG("IDAT", []byte("junk")), end)},
		{"a flipped bit", ErrUndecodable, damaged},
		{"no palette", ErrUndecodable, slices.Concat(headPNG(1, 1, 8, pngPalette, 0), idat("\x00\x07"), end)},
		{"a palette for grey", ErrUndecodable, slices.Concat(tiny, plte, idat("\x00\x07"), end)},
		{"a palette too large", ErrUndecodable, slices.Concat(headPNG(1, 1, 1, pngPalette, 0), plte, end)},
		{"a palette twice", ErrUndecodable, slices.Concat(headPNG(1, 1, 8, pngPalette, 0), plte, plte, end)},
		{"transparency", nil, slices.Concat(tiny, chunkPNG("tRNS", []byte{0, 1}), idat("\x00\x07"), end)},
		{"too much transparency", ErrUndecodable, slices.Concat(tiny, chunkPNG("tRNS", []byte{0, 1, 2}), idat("\x00\x07"), end)},
		{"IHDR twice", ErrUndecodable, slices.Concat(head, head[8:], end)},
		{"IEND first", ErrUndecodable, slices.Concat(tiny, end)},
		{"IDAT first", ErrUndecodable, slices.Concat(tiny[:8], idat("\x00\x07"), end)},
		{"3 bits", ErrUndecodable, headPNG(1, 1, 3, pngGrey, 0)},
		{"interlace 2", ErrUndecodable, headPNG(1, 1, 8, pngGrey, 2)},
		{"a long IHDR", ErrUndecodable, slices.Concat(tiny[:8], chunkPNG("IHDR", make([]byte, 14)))},
		{"no width", ErrUndecodable, headPNG(0, 1, 8, pngGrey, 0)},
		{"a chunk of 4 GB", ErrUndecodable, append(bytes.Clone(tiny), "\xff\xff\xff\xfftEXt"...)},
	})
}

func TestGIF(t *testing.T) {
	t.Parallel()
	screen := []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff")
	frame := []byte(",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00")
	with := func(parts ...[]byte) []byte { return slices.Concat(append([][]byte{screen}, parts...)...) }
	change := func(i int, b byte) []byte {
		p := bytes.Clone(frame)
		p[i] = b
		return p
	}
	bare := []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00")
	end := []byte(";")
	checkVerdicts(t, GIF, []verdict{
		{"one pixel", nil, with(frame, end)},
		{"no trailer", nil, with(frame)},
		{"something else instead of a trailer", nil, with(frame, []byte{0})},
		{"no frame", ErrUndecodable, with(end)},
		{"no colours", ErrUndecodable, slices.Concat(bare, frame, end)},
		{"beyond the canvas", ErrUndecodable, with(change(1, 1), end)},
		{"more pixels", ErrUndecodable, with(change(5, 0), end)},
		{"pixels of 1 bit", ErrUndecodable, with(change(10, 1), end)},
		{"pixels of 9 bits", ErrUndecodable, with(change(10, 9), end)},
		{"a bad code", ErrUndecodable, with(change(12, 0xff), end)},
		{"a colour that is not there", ErrUndecodable, with(change(12, 0x54), end)},
		{"a transparent colour that is not there", nil, with([]byte("!\xf9\x04\x01\x00\x00\x02\x00"), change(12, 0x54), end)},
		{"an unknown extension", nil, with([]byte("!\x77\x01a\x00"), frame, end)},
		{"an extension cut", ErrUndecodable, with([]byte("!\xfe\x09a"))},
		{"no canvas", ErrUndecodable, []byte("GIF89a\x00\x00\x01\x00\x00\x00\x00;")},
	})
}

func TestWebP(t *testing.T) {
	t.Parallel()
	lossy := sampleNamed(t, "lossy.webp")[12:]
	vp8x := func(flags, width byte) []byte {
		return riffChunk("VP8X", []byte{flags, 0, 0, 0, width - 1, 0, 0, sampleHeight - 1, 0, 0})
	}
	anmf := func(x, width byte, chunks []byte) []byte {
		return riffChunk("ANMF", slices.Concat([]byte{x, 0, 0, 0, 0, 0, width - 1, 0, 0, sampleHeight - 1, 0, 0, 0, 0, 0, 0}, chunks))
	}
	inter := bytes.Clone(lossy)
	inter[8] |= 1
	damaged := sampleNamed(t, "lossless.webp")
	for i := 60; i < 90; i++ {
		damaged[i] = 0xff
	}
	checkVerdicts(t, WebP, []verdict{
		{"extended", nil, riff(vp8x(0, sampleWidth), lossy)},
		{"alpha announced, none there", nil, riff(vp8x(webpAlphaFlag, sampleWidth), lossy)},
		{"another size", ErrUndecodable, riff(vp8x(0, 7), lossy)},
		{"extended twice", ErrUndecodable, riff(vp8x(0, sampleWidth), vp8x(0, sampleWidth), lossy)},
		{"extended, cut", ErrUndecodable, riff(riffChunk("VP8X", []byte{0}), lossy)},
		{"no picture", ErrUndecodable, riff(vp8x(0, sampleWidth))},
		{"empty", ErrUndecodable, riff()},
		{"no key frame", ErrUndecodable, riff(inter)},
		{"VP8 cut", ErrUndecodable, riff(riffChunk("VP8 ", lossy[8:20]))},
		{"VP8L cut", ErrUndecodable, riff(riffChunk("VP8L", []byte{0x2f}))},
		{"VP8L of another kind", ErrUndecodable, riff(riffChunk("VP8L", []byte("\x2f\xff\xff\xff\xff\xff")))},
		{"damaged", ErrUndecodable, damaged},
		{"a chunk too long", ErrUndecodable, riff(vp8x(0, sampleWidth), []byte("ICCP\xff\xff\x00\x00"))},
		{"a frame", nil, riff(vp8x(webpAnimationFlag, sampleWidth), anmf(0, sampleWidth, lossy))},
		{"no frame", ErrUndecodable, riff(vp8x(webpAnimationFlag, sampleWidth), lossy)},
		{"a frame beyond the canvas", ErrUndecodable, riff(vp8x(webpAnimationFlag, sampleWidth), anmf(1, sampleWidth, lossy))},
		{"a frame of another size", ErrUndecodable, riff(vp8x(webpAnimationFlag, sampleWidth), anmf(0, 9, lossy))},
		{"a frame, cut", ErrUndecodable, riff(vp8x(webpAnimationFlag, sampleWidth), riffChunk("ANMF", []byte{0}))},
		{"too large", ErrTooManyPixels, riff(riffChunk("VP8X", []byte{0, 0, 0, 0, 255, 255, 255, 255, 255, 255}), lossy)},
	})
}
