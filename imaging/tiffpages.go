package imaging

import (
	"errors"
	"fmt"
	"image"
	"io"
	"math"

	"golang.org/x/image/tiff"
)

// The kinds of directories that describe no page: a smaller copy of another
// picture, and a mask.
const tiffReduced, tiffMask = 1, 4

// eachPage calls each for the directories of pages behind the first one, which f
// has, with the pixels of the page. A chain of directories that is broken or
// comes back to itself ends there: decoders of the first page do not follow it.
func (f *tiffFile) eachPage(each func(page *tiffFile, pixels int64) error) error {
	page := *f // shares the entries with f, which the caller no longer uses
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
		if pixels := page.pixels(); pixels > 0 {
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

// page moves f, which has the first directory, to that of page n.
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
	if err == nil {
		return noFrame(n)
	}
	if errors.Is(err, errEnough) {
		return nil
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

// pixels is the size of the page that a directory describes, 0 if it describes
// none.
func (f *tiffFile) pixels() int64 {
	kind, width, height := f.number(tiffSubfileType, 0), f.number(tiffWidth, 0), f.number(tiffHeight, 0)
	if f.err != nil || kind&(tiffReduced|tiffMask) != 0 {
		return 0
	}
	return min(width, math.MaxInt32) * min(height, math.MaxInt32)
}

// tiffImage lets x/image decode a page.
func (in *Inspector) tiffImage(src *source, page int) (raster, error) {
	f, err := openTIFF(src, page)
	if err != nil {
		return raster{}, err
	}
	return byLibrary(func() (image.Image, error) { return tiff.Decode(tiffFrom{src.all(), f}) })
}

// tiffFrom is a file whose header points to another directory as the first.
type tiffFrom struct {
	*io.SectionReader
	page *tiffFile
}

// ReadAt implements io.ReaderAt, the only method that x/image calls.
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
