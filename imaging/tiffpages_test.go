package imaging

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// tiffPage is a directory of a made TIFF: grey pixels of 8 bits.
type tiffPage struct{ subfile, width, height uint32 }

// pagedTIFF is a TIFF of these pages. After the last one comes the directory
// of number next, if it is there.
func pagedTIFF(order binary.ByteOrder, pages []tiffPage, next int) []byte {
	const entries = 8
	const dirLen = 2 + entries*tiffEntryLen + 4
	file := []byte("II*\x00\x08\x00\x00\x00")
	if order == binary.BigEndian {
		file = []byte("MM\x00*\x00\x00\x00\x08")
	}
	put16 := func(v uint16) { file = append(file, 0, 0); order.PutUint16(file[len(file)-2:], v) }
	put32 := func(v uint32) { file = append(file, 0, 0, 0, 0); order.PutUint32(file[len(file)-4:], v) }
	pixels := uint32(tiffHeaderLen + dirLen*len(pages))
	for i, p := range pages {
		put16(entries)
		for _, e := range [entries][2]uint32{
			{tiffSubfileType, p.subfile},
			{tiffWidth, p.width},
			{tiffHeight, p.height},
			{tiffBits, 8},
			{tiffCompression, tiffPlain},
			{tiffPhotometric, 1},
			{tiffStripOffsets, pixels},
			{tiffStripCounts, p.width * p.height},
		} {
			put16(uint16(e[0]))
			put16(tiffLong)
			put32(1)
			put32(e[1])
		}
		switch {
		case i+1 < len(pages):
			put32(uint32(tiffHeaderLen + dirLen*(i+1)))
		case next >= 0:
			put32(uint32(tiffHeaderLen + dirLen*next))
		default:
			put32(0)
		}
	}
	return append(file, make([]byte, pages[0].width*pages[0].height)...)
}

func TestTIFFPages(t *testing.T) {
	t.Parallel()
	small, reduced, mask := tiffPage{0, 20, 10}, tiffPage{tiffReduced, 5, 5}, tiffPage{tiffMask, 20, 10}
	for name, c := range map[string]struct {
		pages  []tiffPage
		next   int
		frames int
	}{
		"one":                     {[]tiffPage{small}, -1, 1},
		"two":                     {[]tiffPage{small, small}, -1, 2},
		"with a smaller copy":     {[]tiffPage{small, reduced, mask}, -1, 1},
		"a copy between":          {[]tiffPage{small, reduced, small}, -1, 2},
		"a cycle":                 {[]tiffPage{small, small, small}, 1, 3},
		"the next behind the end": {[]tiffPage{small}, 1000, 1},
		"no size":                 {[]tiffPage{small, {0, 0, 7}, {0, 7, 0}}, -1, 1},
	} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			info, err := inspectAs(t, TIFF, pagedTIFF(order, c.pages, c.next))
			if err != nil || info.Frames != c.frames || info.Width != 20 || info.Height != 10 {
				t.Errorf("%s: %d frames, %d×%d, %v; want %d frames", name, info.Frames, info.Width, info.Height, err, c.frames)
			}
		}
	}
	huge := tiffPage{0, 1 << 31, 1 << 31}
	if _, err := inspectAs(t, TIFF, pagedTIFF(binary.LittleEndian, []tiffPage{small, huge}, -1)); !errors.Is(err, ErrTooManyPixels) {
		t.Errorf("huge second page: %v", err)
	}
}

// Pixels of many samples, and tiles that reach far beyond a narrow picture,
// expand to more than what the pixels of an ordinary picture take.
func TestTIFFExpandsTooFar(t *testing.T) {
	t.Parallel()
	deep := tiffOf(make([]byte, 32), tiffTag{tiffHeight, []uint32{12_000_000}}, tiffTag{tiffRowsPerStrip, []uint32{12_000_000}},
		tiffTag{tiffBits, slices.Repeat([]uint32{64}, 64)}, tiffTag{tiffCompression, []uint32{tiffDeflate}})
	const tiles = 20_000
	narrow := tiffOf(make([]byte, 32), tiffTag{tiffWidth, []uint32{1}}, tiffTag{tiffHeight, []uint32{1000 * tiles}},
		tiffTag{tiffTileWidth, []uint32{1000}}, tiffTag{tiffTileHeight, []uint32{1000}}, tiffTag{tiffCompression, []uint32{50000}},
		tiffTag{tiffTileOffsets, slices.Repeat([]uint32{8}, tiles)}, tiffTag{tiffTileCounts, slices.Repeat([]uint32{1}, tiles)})
	for name, data := range map[string][]byte{"deep": deep, "narrow": narrow} {
		if _, err := inspectAs(t, TIFF, data); !errors.Is(err, ErrTooManyPixels) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
