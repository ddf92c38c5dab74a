package photo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"
)

const (
	// A picture has bandsInPicture bands, each chosen from bandsInAlbum.
	bandsInPicture = 10
	bandsInAlbum   = 24
	// mcu is the side of a coding block of a JPEG with 4:2:0, in pixels.
	mcu = 16
	// recoding is the loss of quality of a recoded copy.
	recoding = 15
)

// Album makes pictures of one size without encoding any: it joins bands that were
// encoded once. JPEG allows that, because the coder starts anew at a restart
// marker. There are 24¹⁰ pictures; two that share some bands differ in the others.
// It is safe for concurrent use.
type Album struct {
	header [2][]byte   // between the metadata and the bands, for each quality
	bands  [2][][]byte // entropy-coded
	bytes  int         // of a picture, on average
}

// NewAlbum draws the bands of pictures of about size bytes, the same for the same
// seed. Pictures of 3 MB take it a second.
func NewAlbum(size int, seed uint64) (*Album, error) {
	sz, height := bandSize(size)
	a := &Album{}
	for q := range a.bands {
		a.bands[q] = make([][]byte, bandsInAlbum)
	}

	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range bandsInAlbum {
		group.Go(func() error {
			img := draw(sz, rand.New(rand.NewPCG(seed, uint64(i))))
			for q := range a.bands {
				if err := a.encode(img, q, i, sz.quality-q*recoding, height); err != nil {
					return err
				}
			}
			return nil
		})
	}

	if err := group.Wait(); err != nil {
		return nil, err
	}

	for _, band := range a.bands[0] {
		a.bytes += len(band)
	}

	a.bytes = a.bytes*bandsInPicture/bandsInAlbum + len(a.header[0])

	return a, nil
}

// Bytes is the average size of its pictures.
func (a *Album) Bytes() int { return a.bytes }

// bandSize is the size of one band of a picture of about size bytes, and the
// picture's height.
func bandSize(size int) (band Size, height int) {
	sz, is := Small(), 40e3
	for _, other := range []struct {
		Size
		bytes float64
	}{{Middle(), 300e3}, {Large(), 3e6}} {
		if math.Abs(math.Log(float64(size)/other.bytes)) < math.Abs(math.Log(float64(size)/is)) {
			sz, is = other.Size, other.bytes
		}
	}

	scale := math.Sqrt(float64(size) / is)
	blocks := func(side float64) int { return mcu * max(1, int(math.Round(side/mcu))) }
	sz.width = blocks(float64(sz.width) * scale)
	sz.height = blocks(float64(sz.height) * scale / bandsInPicture)

	return sz, sz.height * bandsInPicture
}

// encode encodes band i; the header of the first one serves all.
func (a *Album) encode(img *image.YCbCr, q, i, quality, height int) error {
	data, err := encode(img, quality)
	if err != nil {
		return err
	}

	frame := bytes.Index(data, []byte{0xff, 0xc0})
	scan := bytes.Index(data, []byte{0xff, 0xda})
	if frame < 0 || scan < frame {
		return fmt.Errorf("make a picture: the encoder wrote another kind of JPEG")
	}

	end := scan + 2 + int(binary.BigEndian.Uint16(data[scan+2:]))
	a.bands[q][i] = data[end : len(data)-2]
	if i > 0 {
		return nil
	}

	header := bytes.Clone(data[2:end])
	binary.BigEndian.PutUint16(header[frame-2+5:], uint16(height))
	blocks := img.Rect.Dx() / mcu * (img.Rect.Dy() / mcu)
	interval := binary.BigEndian.AppendUint16([]byte{0xff, 0xdd, 0, 4}, uint16(blocks))
	at := scan - 2
	a.header[q] = append(append(bytes.Clone(header[:at]), interval...), header[at:]...)

	return nil
}

// Picture returns the n-th picture in pieces, which the caller must not change.
// Recoded, it is the same picture in a lower quality.
func (a *Album) Picture(seed, n uint64, recoded bool) [][]byte {
	rnd := rand.New(rand.NewPCG(seed, n))
	q := 0
	if recoded {
		q = 1
	}

	pieces := make([][]byte, 0, 2+2*bandsInPicture)
	pieces = append(pieces, head(rnd), a.header[q])
	for i := range bandsInPicture {
		marker := []byte{0xff, 0xd0 + byte(i%8)} // restart marker
		if i == bandsInPicture-1 {
			marker[1] = 0xd9 // end of image
		}

		pieces = append(pieces, a.bands[q][rnd.IntN(bandsInAlbum)], marker)
	}

	return pieces
}
