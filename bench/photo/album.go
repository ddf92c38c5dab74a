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
	// A picture has this many bands, each one of so many that were drawn.
	bandsInPicture = 10
	bandsInAlbum   = 24
	// mcu is the side of the blocks that a JPEG with 4:2:0 is coded in.
	mcu = 16
	// recoding is by how much lower the quality of a recoded copy is.
	recoding = 15
)

// Album makes pictures of one size without encoding anything: each is put
// together from bands that were encoded once. JPEG allows that, since the coder
// starts anew at a restart marker. There are 24¹⁰ pictures; two that share some
// bands still show something else in the others. It is safe for concurrent use.
type Album struct {
	header [2][]byte   // between the metadata and the bands, for each quality
	bands  [2][][]byte // entropy-coded
	bytes  int         // of a picture, on average
}

// NewAlbum draws what pictures of about so many bytes are made of, the same for
// the same seed. It takes a second for pictures of 3 MB.
func NewAlbum(bytes int, seed uint64) (*Album, error) {
	sz, height := bandSize(bytes)
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

// Bytes is how large its pictures are on average.
func (a *Album) Bytes() int { return a.bytes }

// bandSize is the size of one band of a picture of so many bytes, and the
// picture's height.
func bandSize(bytes int) (band Size, height int) {
	sz, is := Small(), 40e3
	for _, other := range []struct {
		Size
		bytes float64
	}{{Middle(), 300e3}, {Large(), 3e6}} {
		if math.Abs(math.Log(float64(bytes)/other.bytes)) < math.Abs(math.Log(float64(bytes)/is)) {
			sz, is = other.Size, other.bytes
		}
	}

	scale := math.Sqrt(float64(bytes) / is)
	blocks := func(side float64) int { return mcu * max(1, int(math.Round(side/mcu))) }
	sz.width = blocks(float64(sz.width) * scale)
	sz.height = blocks(float64(sz.height) * scale / bandsInPicture)

	return sz, sz.height * bandsInPicture
}

// encode encodes a band, and keeps the header of the first one for all.
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

// Picture is the n-th one, in pieces that are not to be changed. Recoded, it is
// the same picture in a lower quality.
func (a *Album) Picture(seed, n uint64, recoded bool) [][]byte {
	rnd := rand.New(rand.NewPCG(seed, n))
	q := 0
	if recoded {
		q = 1
	}

	pieces := make([][]byte, 0, 2+2*bandsInPicture)
	pieces = append(pieces, head(rnd), a.header[q])
	for i := range bandsInPicture {
		marker := []byte{0xff, 0xd0 + byte(i%8)} // restart
		if i == bandsInPicture-1 {
			marker[1] = 0xd9 // the end
		}

		pieces = append(pieces, a.bands[q][rnd.IntN(bandsInAlbum)], marker)
	}

	return pieces
}
