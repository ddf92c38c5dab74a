package exif

import (
	"encoding/binary"
	"io"
)

// The tags whose values are the offsets of further directories.
const (
	exifPointer    = 0x8769
	gpsPointer     = 0x8825
	interopPointer = 0xa005
)

// Bounds of what the guard reads and copies.
const (
	maxDirs    = 16       // directories
	maxEntries = 512      // of one directory
	maxValue   = 2 << 10  // bytes; the guard cuts longer text and drops other values
	maxValues  = 64 << 10 // bytes of all values
)

// block is a TIFF block that the guard wrote, and the offsets of its directories, 0 if
// absent.
type block struct {
	raw             []byte
	ifd0, exif, gps int64
}

type entry struct {
	tag, kind uint16
	count     uint32
	value     []byte
}

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// walker reads directories out of an untrusted block.
type walker struct {
	r      *io.SectionReader
	magic  []byte
	order  byteOrder
	taken  [][2]int64 // the extents of the directories read so far
	copied int        // bytes of values so far
}

// guard stands between the file and the parser, which loses a directory over one bad
// entry, allocates what a count asks for and follows directories in circles. It copies
// the first directory and those for Exif, GPS and interoperability into a new block,
// each at most once, and of their entries only those whose values are present and
// small. It drops the directories behind the first: those of the thumbnail and of
// further pages. It reports whether anything is left.
func guard(r *io.SectionReader) (block, bool) {
	head := peek(r, 0, 8)
	if len(head) < 8 {
		return block{}, false
	}

	w := &walker{r: r, magic: head[:4]}
	switch string(head[:4]) {
	case "II*\x00":
		w.order = binary.LittleEndian
	case "MM\x00*":
		w.order = binary.BigEndian
	default:
		return block{}, false
	}

	dirs := map[uint16][]entry{} // by pointer, the first under 0
	dirs[0] = w.dir(int64(w.order.Uint32(head[4:])), dirs)
	if len(dirs[0])+len(dirs[exifPointer])+len(dirs[gpsPointer]) == 0 {
		return block{}, false
	}

	return w.write(dirs), true
}

// dir reads the directory at off and, into dirs, those that it points to.
func (w *walker) dir(off int64, dirs map[uint16][]entry) []entry {
	count := peek(w.r, off, 2)
	if off < 8 || len(count) < 2 {
		return nil
	}
	table := peek(w.r, off+2, 12*min(int(w.order.Uint16(count)), maxEntries))
	if !w.take(off, off+2+int64(len(table))) {
		return nil
	}

	var entries []entry
	for ; len(table) >= 12; table = table[12:] {
		tag := w.order.Uint16(table)
		switch tag {
		case exifPointer, gpsPointer, interopPointer:
			if len(dirs[tag]) == 0 {
				if sub := w.dir(int64(w.order.Uint32(table[8:])), dirs); len(sub) > 0 {
					dirs[tag] = sub
				}
			}
		default:
			if e, ok := w.entry(table[:12]); ok {
				entries = append(entries, e)
			}
		}
	}

	return entries
}

// take records the extent of a directory. It refuses one too many, and one that shares
// bytes with another: that is a circle or a trick.
func (w *walker) take(from, to int64) bool {
	if len(w.taken) == maxDirs {
		return false
	}
	for _, t := range w.taken {
		if from < t[1] && t[0] < to {
			return false
		}
	}
	w.taken = append(w.taken, [2]int64{from, to})

	return true
}

// entry reads an entry with its value, if it is sound and within the bounds.
func (w *walker) entry(raw []byte) (entry, bool) {
	e := entry{tag: w.order.Uint16(raw), kind: w.order.Uint16(raw[2:]), count: w.order.Uint32(raw[4:])}
	switch e.kind {
	case 13: // a directory's offset, newer than the parser
		e.kind = kindLong
	case 129: // UTF-8, likewise
		e.kind = kindASCII
	}

	n := sizeOf(e.kind) * int64(e.count)
	if n == 0 || n > w.r.Size() || isBulk(e.tag) {
		return entry{}, false
	}
	if e.kind == kindASCII && n > maxValue {
		n, e.count = maxValue, maxValue
	}
	if n > maxValue || isList(e) || w.copied+int(n) > maxValues {
		return entry{}, false
	}

	if n <= 4 {
		e.value = raw[8:12]
	} else {
		e.value = peek(w.r, int64(w.order.Uint32(raw[8:])), int(n))
	}
	if int64(len(e.value)) < n {
		return entry{}, false
	}
	w.copied += len(e.value)

	return e, true
}

// The types of values that the guard treats specially.
const (
	kindASCII     = 2
	kindLong      = 4
	kindUndefined = 7
)

// sizeOf is the bytes of one value of a type, 0 for types that do not exist.
func sizeOf(kind uint16) int64 {
	sizes := [...]int64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8}
	if int(kind) >= len(sizes) {
		return 0
	}
	return sizes[kind]
}

// isList reports that an entry has more numbers than Tags shows. Windows writes titles
// and the like as bytes, which are text.
func isList(e entry) bool {
	isText := e.kind == kindASCII || e.kind == kindUndefined || e.tag >= 0x9c9b && e.tag <= 0x9c9f
	return !isText && e.count > maxList
}

// isBulk reports that a tag holds the offsets of pixels, or other formats' data: Tags
// can show nothing of these.
func isBulk(tag uint16) bool {
	switch tag {
	case 0x0111, 0x0117, 0x0144, 0x0145, 0x014a, // strips, tiles, further directories
		0x015b, 0x0201, 0x0202, // JPEG tables, thumbnail
		0x02bc, 0x83bb, 0x8649, 0x8773, // XMP, IPTC, Photoshop, ICC
		0x927c, 0xc4a5, 0xc634, 0xea1c: // maker's note, PrintIM, DNG private, padding
		return true
	}

	return false
}

// write lays the directories out in a new block of the same byte order.
func (w *walker) write(dirs map[uint16][]entry) block {
	b := block{raw: make([]byte, 8, 8+w.copied+12*64)}
	point := func(to uint16, from uint16) int64 {
		if len(dirs[to]) == 0 {
			return 0
		}
		at := w.append(&b, dirs[to])
		value := w.order.AppendUint32(nil, uint32(at))
		dirs[from] = append(dirs[from], entry{to, kindLong, 1, value})
		return at
	}

	point(interopPointer, exifPointer)
	b.exif = point(exifPointer, 0)
	b.gps = point(gpsPointer, 0)
	b.ifd0 = w.append(&b, dirs[0])
	copy(b.raw, w.magic)
	w.order.PutUint32(b.raw[4:], uint32(b.ifd0))

	return b
}

// append writes one directory and then its values, and returns its offset.
func (w *walker) append(b *block, entries []entry) int64 {
	at := len(b.raw)
	end := at + 2 + 12*len(entries) + 4
	var values []byte

	b.raw = w.order.AppendUint16(b.raw, uint16(len(entries)))
	for _, e := range entries {
		b.raw = w.order.AppendUint16(b.raw, e.tag)
		b.raw = w.order.AppendUint16(b.raw, e.kind)
		b.raw = w.order.AppendUint32(b.raw, e.count)
		if sizeOf(e.kind)*int64(e.count) <= 4 {
			b.raw = append(b.raw, e.value[:4]...)
			continue
		}
		b.raw = w.order.AppendUint32(b.raw, uint32(end+len(values)))
		values = append(values, e.value...)
	}
	b.raw = w.order.AppendUint32(b.raw, 0) // no directory follows
	b.raw = append(b.raw, values...)

	return int64(at)
}
