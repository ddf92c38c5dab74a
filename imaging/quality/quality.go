// Package quality tells how good a picture is and what kind of picture it is, by
// numbers that cost well under a millisecond: it looks at thirty thousand samples of
// the small picture that inspection has made for the fingerprint, and of a JPEG at
// where its blocks end.
//
// It promises that every number is finite and within its range, for any input.
package quality

import (
	"math"

	"inlet/imaging/fingerprint"
)

// Quality is what Measure found. The numbers are 0 where Measured is false.
type Quality struct {
	Measured bool // whether there were enough pixels to look at
	// Sharpness is how fine the finest detail is, for a picture that is seen 640
	// pixels long: 1 for edges as steep as pixels allow, 0.5 for edges blurred by a
	// Gaussian of a deviation of a pixel, towards 0 for more.
	Sharpness float32
	Exposure  float32 // mean luma: 0 black to 1 white
	Contrast  float32 // standard deviation of luma: 0 to 1, for half black and half white
	Clipped   float32 // share of samples that are black or white: 0 to 1
	// Colourfulness is that of Hasler and Süsstrunk (2003), from the deviation and
	// the mean of chroma: 0 grey to 1, for saturated colours of all hues.
	Colourfulness float32
	Flat          float32 // share of samples that equal their neighbours: 0 to 1
	features      [Features]float32
	Kind          Kind
	Flags         []string // sorted by the order of the constants; nil where nothing is wrong
}

// Numbers are sharpness, exposure, contrast, clipped, colourfulness and flat.
func (q Quality) Numbers() [6]float32 {
	return [6]float32{q.Sharpness, q.Exposure, q.Contrast, q.Clipped, q.Colourfulness, q.Flat}
}

// Features are what the model of kinds took, for the program that trains it.
func (q Quality) Features() []float32 { return q.features[:] }

// Kind of a picture; empty where it is not known.
type Kind string

// The kinds.
const (
	Photo      Kind = "photo"
	Screenshot Kind = "screenshot"
	Document   Kind = "document"
	Graphic    Kind = "graphic"
)

// KindCount is how many kinds there are.
const KindCount = 4

// Kinds lists all kinds, in the order of the model's classes.
func Kinds() [KindCount]Kind { return [...]Kind{Photo, Screenshot, Document, Graphic} }

// Source is what Measure looks at.
type Source struct {
	// Width and Height are those of the file in pixels, as displayed.
	Width, Height int
	// Picture is the small picture; nil, or without luma, where there is none.
	Picture *fingerprint.Picture
	// Blocks are those of a JPEG whose Picture shows an eighth of it; nil otherwise.
	Blocks *Blocks
	// Camera says that the metadata tell of a camera.
	Camera bool
}

// Blocks are the 8×8 blocks of a JPEG's luma.
type Blocks struct {
	// Ends holds of each block how many coefficients precede its end, in zigzag
	// order and with the DC: 1 to 64.
	Ends []uint8
	// FineBits is how many bits a block of a progressive file has for the coefficients
	// from the sixth on; 0 where that is not known.
	FineBits float64
	// Steps is the quantisation table in zigzag order.
	Steps [64]uint16
}

// Measure computes a picture's numbers, kind and flags.
func Measure(s Source) Quality {
	q := Quality{}
	if s.Picture != nil && len(s.Picture.Luma.Pix) > 0 {
		st := look(s.Picture)
		q = st.numbers(s)
		q.features = st.features(s, q)
		q.Kind = kindOf(s, q.features)
		st.flag(&q)
	}
	if s.Width*s.Height < smallArea {
		q.Add(Small)
	}

	return q
}

// numbers computes all but the kind and the flags.
func (s *stats) numbers(src Source) Quality {
	mean, deviation := s.luma.moments()
	c := s.chroma
	colour := (math.Sqrt(c.varCb+c.varCr) + 0.3*math.Hypot(c.meanCb, c.meanCr)) / 100

	return Quality{
		Measured:      true,
		Sharpness:     float32(s.sharpness(src)),
		Exposure:      float32(mean / 255),
		Contrast:      float32(min(1, deviation/127.5)),
		Clipped:       float32(s.luma.share(0, 2) + s.luma.share(253, 255)),
		Colourfulness: float32(min(1, colour)),
		Flat:          float32((s.across[0].share(0, 0) + s.down[0].share(0, 0)) / 2),
	}
}
