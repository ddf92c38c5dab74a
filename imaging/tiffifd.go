package imaging

import "encoding/binary"

// TIFF tags that say how the pixels are stored, and the types of their values.
const (
	tiffSubfileType, tiffOrientation               = 254, 274
	tiffWidth, tiffHeight                          = 256, 257
	tiffBits, tiffSamples, tiffSampleFormat        = 258, 277, 339
	tiffCompression, tiffPhotometric               = 259, 262
	tiffFillOrder, tiffPlanar, tiffPredictor       = 266, 284, 317
	tiffStripOffsets, tiffStripCounts              = 273, 279
	tiffRowsPerStrip                               = 278
	tiffTileWidth, tiffTileHeight                  = 322, 323
	tiffTileOffsets, tiffTileCounts                = 324, 325
	tiffColourMap, tiffExtraSamples                = 320, 338
	tiffSubIFDs, tiffDNGVersion                    = 330, 50706
	tiffJPEGTables, tiffOldJPEG, tiffOldJPEGLength = 347, 513, 514
	tiffYCbCrSampling                              = 530

	tiffByte, tiffShort, tiffLong, tiffBlob = 1, 3, 4, 7

	tiffHeaderLen, tiffEntryLen, tiffListPiece = 8, 12, 4 << 10
)

// tiffEntry is an entry of a directory: numbers, and where they lie.
type tiffEntry struct {
	kind  uint16
	count uint32
	at    int64
}

// width is how many bytes a number takes, 0 for other types.
func (e tiffEntry) width() int64 {
	switch e.kind {
	case tiffByte, tiffBlob:
		return 1
	case tiffShort:
		return 2
	case tiffLong:
		return 4
	}
	return 0
}

// tiffFile is a TIFF with one of its directories.
type tiffFile struct {
	src     *source
	order   binary.ByteOrder
	entries map[uint16]tiffEntry
	at      int64 // the directory
	end     int64 // of the entries; the next directory's offset stands there
	err     error // the first one of number and numbers, since directory
}

// openTIFF reads the header and the directory of a page.
func openTIFF(src *source, page int) (*tiffFile, error) {
	head, err := src.bytes(0, tiffHeaderLen)
	if err != nil {
		return nil, err
	}

	f := &tiffFile{src: src, order: binary.LittleEndian, entries: map[uint16]tiffEntry{}}
	if head[0] == 'M' {
		f.order = binary.BigEndian
	}
	if err := f.directory(int64(f.order.Uint32(head[4:]))); err != nil {
		return nil, err
	}
	return f, f.page(page)
}

// directory reads the directory at an offset. Its tags must be sorted, as the
// standard and image decoders demand.
func (f *tiffFile) directory(at int64) error {
	n, err := f.src.bytes(at, 2)
	if err != nil {
		return err
	}

	table, err := f.src.bytes(at+2, int(f.order.Uint16(n))*tiffEntryLen)
	if err != nil {
		return err
	}

	clear(f.entries)
	f.at, f.end, f.err = at, at+2+int64(len(table)), nil
	last := -1
	for i := 0; i < len(table); i += tiffEntryLen {
		tag := f.order.Uint16(table[i:])
		if int(tag) <= last {
			return undecodable("its tags are not in order")
		}
		last = int(tag)

		e := tiffEntry{kind: f.order.Uint16(table[i+2:]), count: f.order.Uint32(table[i+4:])}
		e.at = at + 2 + int64(i) + 8
		if int64(e.count)*e.width() > 4 {
			e.at = int64(f.order.Uint32(table[i+8:]))
		}
		if e.width() > 0 && e.count > 0 {
			f.entries[tag] = e
		}
	}

	return nil
}

// has says whether a tag holds numbers.
func (f *tiffFile) has(tag uint16) bool { return f.entries[tag].count > 0 }

// number is a tag's first number, or absent where the tag is.
func (f *tiffFile) number(tag uint16, absent int64) int64 {
	if !f.has(tag) {
		return absent
	}
	return f.noted(f.list(tag).next())
}

// numbers are all numbers of a tag, at most so many.
func (f *tiffFile) numbers(tag uint16, most uint32) []int64 {
	n := f.entries[tag].count
	if n > most {
		f.noted(0, undecodable("tag %d has %d values", tag, n))
		return nil
	}

	values, list := make([]int64, n), f.list(tag)
	for i := range values {
		values[i] = f.noted(list.next())
	}
	return values
}

// noted keeps the first error.
func (f *tiffFile) noted(v int64, err error) int64 {
	if f.err == nil {
		f.err = err
	}
	return v
}

// bytes are a tag's values as they stand in the file.
func (f *tiffFile) bytes(tag uint16, most int64) ([]byte, error) {
	e := f.entries[tag]
	n := int64(e.count) * e.width()
	if n > most {
		return nil, undecodable("tag %d has %d bytes", tag, n)
	}
	return f.src.bytes(e.at, int(n))
}

// tiffList reads a tag's numbers in their order, a piece of the file at a time.
type tiffList struct {
	f    *tiffFile
	e    tiffEntry
	read uint32 // numbers in buf, and before
	buf  []byte // the unread rest of the piece
}

func (f *tiffFile) list(tag uint16) *tiffList {
	return &tiffList{f: f, e: f.entries[tag]}
}

// next is the next number; behind the last one it is an error.
func (l *tiffList) next() (int64, error) {
	w := l.e.width()
	if len(l.buf) == 0 {
		n := min(int64(l.e.count-l.read), tiffListPiece/max(w, 1))
		if n == 0 {
			return 0, undecodable("a list is too short")
		}
		var err error
		if l.buf, err = l.f.src.bytes(l.e.at+int64(l.read)*w, int(n*w)); err != nil {
			return 0, err
		}
		l.read += uint32(n)
	}

	p := l.buf[:w]
	l.buf = l.buf[w:]
	switch w {
	case 1:
		return int64(p[0]), nil
	case 2:
		return int64(l.f.order.Uint16(p)), nil
	}
	return int64(l.f.order.Uint32(p)), nil
}
