package isobmff

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func parse(b []byte) (Header, error) { return Parse(bytes.NewReader(b), int64(len(b))) }

func TestStill(t *testing.T) {
	t.Parallel()
	turned := Header{
		Brand: "heic", Codec: "hvc1", Width: 640, Height: 480, Rotation: 90, Mirror: MirrorLeftRight,
		Frames: 1, Exif: []Extent{{dataAt + 100, 20}},
	}
	plain := turned
	plain.Rotation, plain.Mirror = 0, MirrorNone
	noExif := turned
	noExif.Exif = nil
	tests := map[string]struct {
		change func(*heic)
		want   Header
	}{
		"as it is": {func(*heic) {}, turned},
		"wide numbers": {func(h *heic) {
			h.pitm = boxOf("pitm", 1<<24, 1)
			h.iinf = boxOf("iinf", 1<<24, 2, boxOf("infe", 3<<24, 1, uint16(0), "hvc1"), infe(2, "Exif"))
			h.iloc = boxOf("iloc", 2<<24, uint16(0x8884), 2,
				1, uint16(0), uint16(0), int64(dataAt), uint16(1), 7, int64(0), int64(100),
				2, uint16(0), uint16(0), int64(dataAt), uint16(1), 7, int64(100), int64(20))
			h.iprp = boxOf("iprp", boxOf("ipco", ispe(640, 480), boxOf("irot", uint8(1)), boxOf("imir", uint8(1))),
				boxOf("ipma", 1<<24|1, 1, 1, uint8(3), uint16(0x8001), uint16(2), uint16(3)))
		}, turned},
		"to the end of the file": {func(h *heic) {
			h.iloc = boxOf("iloc", 0, uint16(0x4000), uint16(1), uint16(1), uint16(0), uint16(1), dataAt)
		}, noExif},
		"Exif item outside the file": {func(h *heic) {
			h.data = h.data[:110]
		}, noExif},
		"Exif item built from another": {func(h *heic) {
			h.iloc = boxOf("iloc", 1<<24, uint16(0x4400), uint16(2),
				uint16(1), uint16(0), uint16(0), uint16(1), dataAt, 100,
				uint16(2), uint16(2), uint16(0), uint16(1), dataAt+100, 20)
		}, noExif},
		"a broken box behind the picture": {func(h *heic) { h.tail = bytesOf(3, "junk", 0, 0) }, turned},
		"no turns": {func(h *heic) {
			h.iprp = boxOf("iprp", boxOf("ipco", ispe(640, 480)),
				boxOf("ipma", 0, 1, uint16(1), uint8(3), uint8(1), uint8(0), uint8(9)))
		}, plain},
	}
	for name, test := range tests {
		h := picture()
		test.change(&h)
		got, err := parse(h.file())
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, test.want)
		}
	}
}

func TestGrid(t *testing.T) {
	t.Parallel()
	grid := picture()
	grid.iinf = boxOf("iinf", 0, uint16(3), infe(1, "grid"), infe(2, "hvc1"), infe(3, "hvc1"))
	grid.iref = boxOf("iref", 0, boxOf("cdsc", uint16(9), uint16(1), uint16(1)),
		boxOf("dimg", uint16(1), uint16(2), uint16(2), uint16(3)))
	grid.idat = bytesOf(uint8(0), uint8(0), uint8(0), uint8(1), uint16(1000), uint16(500), 0)
	grid.iloc = boxOf("iloc", 1<<24, uint16(0x4400), uint16(3),
		uint16(1), uint16(1), uint16(0), uint16(1), 0, 0,
		uint16(2), uint16(0), uint16(0), uint16(1), dataAt, 60,
		uint16(3), uint16(0), uint16(0), uint16(1), dataAt+60, 60)
	check := func(name string, h heic, w, height int) {
		t.Helper()
		got, err := parse(h.file())
		if err != nil || got.Width != w || got.Height != height || got.Codec != "hvc1" {
			t.Errorf("%s: %+v, %v, want %d × %d", name, got, err, w, height)
		}
	}
	check("with ispe", grid, 640, 480)

	noSize := boxOf("iprp", boxOf("ipco", ispe(5, 5)), boxOf("ipma", 0, 0))
	grid.iprp = noSize
	check("by its own payload", grid, 1000, 500)
	grid.idat = bytesOf(uint8(0), uint8(1), uint8(0), uint8(1), 100000, 90000)
	check("by its own wide payload", grid, 100000, 90000)

	cut := grid
	cut.data = cut.data[:119]
	if _, err := parse(cut.file()); !errors.Is(err, ErrMalformed) {
		t.Errorf("a grid whose last tile is cut short: %v", err)
	}
}

func TestSequence(t *testing.T) {
	t.Parallel()
	got, err := parse(movie())
	if want := (Header{Brand: "avis", Codec: "av01", Width: 320, Height: 200, Frames: 3}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	both := picture()
	both.tail = track("pict", 7)
	if got, err = parse(both.file()); err != nil || got.Width != 640 || got.Frames != 7 {
		t.Errorf("a still with a sequence: %+v, %v", got, err)
	}
	both.tail = track("text", 7)
	if got, err = parse(both.file()); err != nil || got.Frames != 1 {
		t.Errorf("a still with a track of something else: %+v, %v", got, err)
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	still := func(change func(*heic)) []byte {
		h := picture()
		change(&h)
		return h.file()
	}
	properties := func(w, h int) []byte {
		return boxOf("iprp", boxOf("ipco", ispe(w, h)), boxOf("ipma", 0, 1, uint16(1), uint8(1), uint8(1)))
	}
	sequence := func(frames int, stbl ...any) []byte {
		stsz := boxOf("stsz", 0, 0, frames)
		return slices.Concat(boxOf("ftyp", "avis", 0), boxOf("moov", boxOf("trak", boxOf("mdia", hdlr("pict"),
			boxOf("minf", boxOf("stbl", stsz, bytesOf(stbl...)))))))
	}
	many := slices.Repeat(boxOf("free"), maxBoxes+1)
	tests := map[string][]byte{
		"nothing":                nil,
		"not a box":              []byte("hello, world"),
		"another box first":      boxOf("meta", 0),
		"brand alone":            boxOf("ftyp", "heic", 0),
		"no brand":               boxOf("ftyp"),
		"data cut short":         still(func(h *heic) { h.data = h.data[:99] }),
		"meta cut short":         picture().file()[:200],
		"meta without handler":   slices.Concat(boxOf("ftyp", "heic", 0), boxOf("meta", 0, boxOf("pitm", 0, uint16(1)))),
		"meta of something else": slices.Concat(boxOf("ftyp", "heic", 0), boxOf("meta", 0, hdlr("mdir"))),
		"no properties":          still(func(h *heic) { h.iprp = nil }),
		"no size":                still(func(h *heic) { h.iprp = boxOf("iprp") }),
		"no width":               still(func(h *heic) { h.iprp = properties(0, 480) }),
		"too wide":               still(func(h *heic) { h.iprp = properties(-1, 480) }),
		"short size":             still(func(h *heic) { h.iprp = bytes.Replace(h.iprp, ispe(640, 480), boxOf("ispe", 0, 0, "fr"), 1) }),
		"primary item unknown":   still(func(h *heic) { h.pitm = boxOf("pitm", 0, uint16(9)) }),
		"primary item 0":         still(func(h *heic) { h.pitm = boxOf("pitm", 0, uint16(0)) }),
		"short primary item":     still(func(h *heic) { h.pitm = boxOf("pitm", 0) }),
		"no place":               still(func(h *heic) { h.iloc = nil }),
		"numbers of 2 bytes":     still(func(h *heic) { h.iloc = boxOf("iloc", 0, uint16(0x2200), uint16(0)) }),
		"iloc of the future":     still(func(h *heic) { h.iloc = boxOf("iloc", 3<<24, uint16(0), uint16(0)) }),
		"more places than bytes": still(func(h *heic) { h.iloc = boxOf("iloc", 0, uint16(0x4400), uint16(9)) }),
		"too many places":        still(func(h *heic) { h.iloc = boxOf("iloc", 2<<24, uint16(0x4400), 1<<30) }),
		"place in another file":  still(func(h *heic) { h.iloc[8+4+2+2+3] = 1 }),
		"place beyond all numbers": still(func(h *heic) {
			h.iloc = boxOf("iloc", 0, uint16(0x8800), uint16(1), uint16(1), uint16(0), uint16(1), int64(-9), int64(1))
		}),
		"place outside idat": still(func(h *heic) {
			h.iloc = boxOf("iloc", 1<<24, uint16(0x4400), uint16(1), uint16(1), uint16(1), uint16(0), uint16(1), 0, 1)
		}),
		"extents without number": still(func(h *heic) {
			h.iloc = boxOf("iloc", 0, uint16(0), uint16(2), make([]byte, 4), uint16(65535), make([]byte, 4), uint16(65535))
		}),
		"an item larger than iinf":    still(func(h *heic) { h.iinf = boxOf("iinf", 0, uint16(1), 99, "infe") }),
		"an item smaller than a box":  still(func(h *heic) { h.iinf = boxOf("iinf", 0, uint16(1), 7, "infe") }),
		"a short item":                still(func(h *heic) { h.iinf = boxOf("iinf", 0, uint16(1), boxOf("infe", 2<<24)) }),
		"too many items":              still(func(h *heic) { h.iinf = boxOf("iinf", 1<<24, maxItems+1) }),
		"too many associations":       still(func(h *heic) { h.iprp = boxOf("iprp", boxOf("ipma", 0, maxItems+1)) }),
		"associations cut short":      still(func(h *heic) { h.iprp = boxOf("iprp", boxOf("ipma", 0, 2)) }),
		"a reference larger than all": still(func(h *heic) { h.iref = boxOf("iref", 0, 99, "dimg") }),
		"a reference of no size":      still(func(h *heic) { h.iref = boxOf("iref", 0, 2, "dimg") }),
		"a reference cut short":       still(func(h *heic) { h.iref = boxOf("iref", 0, boxOf("dimg", uint16(1), uint16(2))) }),
		"a tile that is nowhere":      still(func(h *heic) { h.iref = boxOf("iref", 0, boxOf("dimg", uint16(1), uint16(1), uint16(9))) }),
		"too many tiles": still(func(h *heic) {
			h.iref = boxOf("iref", 0, boxOf("dimg", uint16(1), uint16(65535), make([]byte, 2*65535)))
		}),
		"a property too large": still(func(h *heic) { h.iprp = boxOf("iprp", boxOf("ipco", 99, "ispe")) }),
		"a grid without content": still(func(h *heic) {
			h.iinf = boxOf("iinf", 0, uint16(1), infe(1, "grid"))
			h.iprp, h.iloc = boxOf("iprp"), nil
		}),
		"too many boxes":          slices.Concat(boxOf("ftyp", "heic", 0), boxOf("moov", many)),
		"too many boxes on top":   slices.Concat(boxOf("ftyp", "heic", 0), many),
		"boxes too large":         still(func(h *heic) { h.iref = boxOf("iref", make([]byte, maxLoad)) }),
		"movie without tracks":    slices.Concat(boxOf("ftyp", "avis", 0), boxOf("moov")),
		"movie without media":     slices.Concat(boxOf("ftyp", "avis", 0), boxOf("moov", boxOf("trak"))),
		"movie without handler":   slices.Concat(boxOf("ftyp", "avis", 0), boxOf("moov", boxOf("trak", boxOf("mdia")))),
		"movie without sizes":     slices.Concat(boxOf("ftyp", "avis", 0), boxOf("moov", boxOf("trak", boxOf("mdia", hdlr("pict"), boxOf("minf", boxOf("stbl")))))),
		"movie of no frames":      sequence(0),
		"more frames than sizes":  sequence(1 << 30),
		"movie without entries":   bytes.Replace(sequence(1, 0), bytesOf("stsz", 0, 0), bytesOf("stsz", 0, 9), 1),
		"movie cut short":         movie()[:len(movie())-1],
		"a box with a wide size":  slices.Concat(boxOf("ftyp", "heic", 0), bytesOf(1, "meta", int64(-1))),
		"a box with a short size": bytesOf(1, "ftyp", 0),
	}
	for name, b := range tests {
		h, err := parse(b)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v, want ErrMalformed", name, h, err)
		}
	}
}

func TestDisplayed(t *testing.T) {
	t.Parallel()
	for rotation, want := range map[int][2]int{0: {3, 2}, 90: {2, 3}, 180: {3, 2}, 270: {2, 3}} {
		w, h := Header{Width: 3, Height: 2, Rotation: rotation}.Displayed()
		if [2]int{w, h} != want {
			t.Errorf("turned by %d: %d × %d", rotation, w, h)
		}
	}
}

// broken fails at all offsets from one on.
type broken struct {
	io.ReaderAt
	from int64
}

var errBroken = errors.New("the disk is gone")

func (r broken) ReadAt(b []byte, off int64) (int, error) {
	if off >= r.from {
		return 0, errBroken
	}
	return r.ReaderAt.ReadAt(b, off)
}

// TestReadErrors makes sure that a failing disk is never taken for a bad file.
func TestReadErrors(t *testing.T) {
	t.Parallel()
	b := picture().file()
	for from := int64(0); from < 500; from += 8 {
		_, err := Parse(broken{bytes.NewReader(b), from}, int64(len(b)))
		if err != nil && (errors.Is(err, ErrMalformed) || !errors.Is(err, errBroken)) {
			t.Fatalf("reads fail from %d on: %v", from, err)
		}
	}
	// A file shorter than its declared size was cut.
	if _, err := Parse(strings.NewReader("\x00\x00"), 100); !errors.Is(err, ErrMalformed) {
		t.Errorf("a file shorter than its size: %v", err)
	}
}

// TestCost bounds what the worst tables make Parse allocate.
func TestCost(t *testing.T) {
	items := func(n int) (iinf, iref []byte) {
		for i := range n {
			iinf = append(iinf, infe(uint16(i), "hvc1")...)
			iref = append(iref, boxOf("dimg", uint16(i), uint16(0))...)
		}
		return boxOf("iinf", 0, uint16(n), iinf), boxOf("iref", 0, iref)
	}
	h := picture()
	h.iinf, h.iref = items(maxItems)
	h.iprp = boxOf("iprp", boxOf("ipma", 0, maxItems, slices.Repeat(slices.Concat(bytesOf(uint16(5), uint8(255)), make([]byte, 255)), 4000)))
	b := h.file()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := parse(b)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
		t.Errorf("%d bytes allocated for a file of %d", got, len(b))
	}
	if !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(picture().file())
	f.Add(movie())
	both := picture()
	both.tail = track("pict", 2)
	f.Add(both.file())
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parse(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if h.Width <= 0 || h.Height <= 0 || h.Frames <= 0 {
			t.Fatalf("%+v", h)
		}
		for _, e := range h.Exif {
			if e.Offset < 0 || e.Length <= 0 || e.Offset+e.Length > int64(len(b)) {
				t.Fatalf("%+v lies outside %d bytes", e, len(b))
			}
		}
	})
}
