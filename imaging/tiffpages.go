package imaging

import "fmt"

// What kind of picture a directory of a TIFF describes: a smaller copy of
// another one and a mask are no pages.
const tiffReduced, tiffMask = 1, 4

// tiffPages counts the pages of a file whose first directory f has, and checks
// their pixels, all pages together; pixels are those of the first. Where the
// chain of directories is broken or comes back to itself it ends: who decodes
// the first page does not look at it.
func (in *Inspector) tiffPages(f *tiffFile, pixels int64) (int, error) {
	page := *f // which is not needed any more: both have the same map
	seen := map[int64]bool{}
	read := page.end // bytes of directories, which do not lie one over another
	pages := 1
	for {
		at, ok := page.next()
		if !ok || seen[at] || read > f.src.size() || page.directory(at) != nil {
			return pages, nil //nolint:nilerr // the pages before it count
		}
		seen[at] = true
		read += page.end - at
		if len(seen) > maxFrames {
			return 0, tooManyFrames()
		}
		size, ok := page.pagePixels()
		if !ok {
			continue
		}
		pages++
		if pixels += min(size, in.maxPixels); pixels > in.maxPixels {
			return 0, fmt.Errorf("%w: %d pages of %d pixels, at most %d are taken", ErrTooManyPixels, pages, pixels, in.maxPixels)
		}
	}
}

// next is where the next directory lies.
func (f *tiffFile) next() (int64, bool) {
	b, err := f.src.bytes(f.end, 4)
	if err != nil {
		return 0, false
	}
	at := int64(f.order.Uint32(b))
	return at, at >= tiffHeaderLen
}

// pagePixels is the size of the page that a directory describes, if it is one.
func (f *tiffFile) pagePixels() (int64, bool) {
	kind, err := f.number(tiffSubfileType, 0)
	if err != nil || kind&(tiffReduced|tiffMask) != 0 {
		return 0, false
	}
	width, err := f.number(tiffWidth, 0)
	if err != nil || width == 0 {
		return 0, false
	}
	height, err := f.number(tiffHeight, 0)
	if err != nil || height == 0 {
		return 0, false
	}
	return width * height, true
}
