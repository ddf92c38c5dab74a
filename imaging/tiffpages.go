package imaging

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/image/tiff"
)

// What kind of picture a directory of a TIFF describes: a smaller copy of
// another one and a mask are no pages.
const tiffReduced, tiffMask = 1, 4

// eachPage calls each for the directories of pages behind the first one, which f
// has, with the pixels of the page. Where the chain of directories is broken or
// comes back to itself it ends: who decodes the first page does not look at it.
func (f *tiffFile) eachPage(each func(page *tiffFile, pixels int64) error) error {
	page := *f // which is not needed any more: both have the same map
	seen := map[int64]bool{}
	read := page.end // bytes of directories, which do not lie one over another
	for {
		at, ok := page.next()
		if !ok || seen[at] || read > f.src.size() || page.directory(at) != nil {
			return nil //nolint:nilerr // the pages before it count
		}
		seen[at] = true
		read += page.end - at
		if len(seen) > maxFrames {
			return tooManyFrames()
		}
		page.at = at
		if pixels, ok := page.pagePixels(); ok {
			if err := each(&page, pixels); err != nil {
				return err
			}
		}
	}
}

// tiffPages counts the pages of a file whose first directory f has, and checks
// their pixels, all pages together; pixels are those of the first.
func (in *Inspector) tiffPages(f *tiffFile, pixels int64) (int, error) {
	pages := 1
	err := f.eachPage(func(_ *tiffFile, size int64) error {
		pages++
		if pixels += min(size, in.maxPixels); pixels > in.maxPixels {
			return fmt.Errorf("%w: %d pages of %d pixels, at most %d are taken", ErrTooManyPixels, pages, pixels, in.maxPixels)
		}
		return nil
	})
	return pages, err
}

// page makes f what the directory of page n says.
func (f *tiffFile) page(n int) error {
	if n == 0 {
		return nil
	}
	left := n
	err := f.eachPage(func(page *tiffFile, _ int64) error {
		if left--; left > 0 {
			return nil
		}
		*f = *page
		return errEnough
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	if err == nil {
		err = noFrame(n)
	}
	return err
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

// tiffImage lets x/image decode a page.
func (in *Inspector) tiffImage(src *source, page int) (raster, error) {
	f, _, err := in.tiffPicture(src, page)
	if err != nil {
		return raster{}, err
	}
	m, err := tiff.Decode(tiffFrom{src.all(), f})
	if err != nil {
		return raster{}, err
	}
	return whole(m), nil
}

// tiffFrom is a file whose header points to another directory as the first.
type tiffFrom struct {
	*io.SectionReader
	page *tiffFile
}

// ReadAt implements io.ReaderAt, which is all that x/image calls.
func (t tiffFrom) ReadAt(p []byte, off int64) (int, error) {
	n, err := t.SectionReader.ReadAt(p, off)
	var at [4]byte
	t.page.order.PutUint32(at[:], uint32(t.page.at))
	for i, b := range at {
		if k := int64(tiffHeaderLen-len(at)+i) - off; k >= 0 && k < int64(n) {
			p[k] = b
		}
	}
	return n, err
}
