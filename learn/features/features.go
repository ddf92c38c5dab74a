package features

import (
	"context"
	"errors"
	"fmt"
	"image"
	"strconv"
	"strings"

	"inlet/learn/net"
)

// ErrEmpty is the answer for a picture without pixels.
var ErrEmpty = errors.New("the picture has no pixels")

// NetDims is the number of values of both nets.
const NetDims = 816 + 960

// grey fills the nets' square beside the picture. ADR 0017 has how others do.
const grey = 128

// hentai and porn are the classes of the first net that count as sensitive.
const hentai, porn = 1, 3

// leastJudged is how many pixels the short side of a picture has at least whose
// content the first net judges; in less it sees what is not there.
const leastJudged = 160

// Extractor makes vectors. Many callers may use it at once.
type Extractor struct {
	nets     *net.Nets     // nil without nets
	reviewer *net.Reviewer // nil without one
	standard standard
}

// New makes an Extractor. Without nets (their weights are missing, damaged or left
// out) it measures by hand only. reviewer gives a second opinion on what the first net
// takes for sensitive; nil: nobody does.
func New(nets *net.Nets, reviewer *net.Reviewer) *Extractor {
	e := &Extractor{nets: nets, reviewer: reviewer}
	e.standard = readStandard(standardFile, e.Dims())
	return e
}

// Version names what a vector's slots mean. It changes whenever the vector of the
// same picture would.
func (e *Extractor) Version() string {
	if e.nets == nil {
		return "hand1"
	}
	return "hand1+mobile1+objectron1"
}

// Outranks tells whether a version's vectors must not be replaced by those of the
// other one: it has more parts, or later ones. So a process whose nets are damaged, or
// one of the release before, does not undo the work of the others.
func Outranks(version, other string) bool { return rank(version) > rank(other) }

// rank adds up the parts' numbers; a part more outweighs any number.
func rank(version string) (sum int) {
	for part := range strings.SplitSeq(version, "+") {
		number, _ := strconv.Atoi(strings.TrimLeft(part, "abcdefghijklmnopqrstuvwxyz"))
		sum += 1000 + number
	}

	return sum
}

// Nets tells whether the nets contribute to the vectors.
func (e *Extractor) Nets() bool { return e.nets != nil }

// Dims is the length of a vector.
func (e *Extractor) Dims() int {
	if e.nets == nil {
		return HandDims
	}
	return HandDims + NetDims
}

// Features is what the Extractor makes of a picture.
type Features struct {
	Vector []int8 // as the package's comment says, −127 to 127
	// Sensitive is the nets' order of pictures that strangers may not want to see: 0
	// to 1, no verdict. It is 0 where nothing judged it.
	Sensitive float32
}

// Extract takes an upright opaque picture of any size, such as that of
// imaging.Inspector.Small, and the quality numbers of package imaging. Work and
// memory grow with the picture's pixels. Yield, if not nil, is called every
// few milliseconds and may block, so that more urgent work goes first. A
// picture without pixels is ErrEmpty; the context's error comes back wrapped.
func (e *Extractor) Extract(ctx context.Context, p *image.RGBA, quality [6]float32, yield func()) (Features, error) {
	values, sensitive, err := e.Measure(ctx, p, quality, yield)
	if err != nil {
		return Features{}, err
	}
	return Features{Vector: e.Quantise(values), Sensitive: sensitive}, nil
}

// Quantise makes a vector of what Measure returned.
func (e *Extractor) Quantise(values []float32) []int8 { return e.standard.quantise(values) }

// Measure is Extract before the values are standardised. It serves to compute the
// constants of the slots.
func (e *Extractor) Measure(ctx context.Context, p *image.RGBA, quality [6]float32, yield func()) (values []float32, sensitive float32, err error) {
	if p.Rect.Empty() {
		return nil, 0, ErrEmpty
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, fmt.Errorf("features: %w", err)
	}

	values = byHand(p, quality)
	if yield != nil {
		yield()
	}
	if e.nets == nil {
		return values, 0, nil
	}

	seen, err := e.nets.Features(ctx, squared(p, net.Square, grey).pix, yield)
	if err != nil {
		return nil, 0, fmt.Errorf("features: %w", err)
	}
	values = append(append(values, seen.Mobile...), seen.Objectron...)
	if min(p.Rect.Dx(), p.Rect.Dy()) >= leastJudged {
		sensitive, err = e.review(ctx, p, explicit(seen.Classes), yield)
	}

	return values, sensitive, err
}

// reviewFrom is the first net's score from which the reviewer looks.
const reviewFrom = 0.2

// review is the first net's score; where that is not low and there is a reviewer, the
// reviewer's.
func (e *Extractor) review(ctx context.Context, p *image.RGBA, score float32, yield func()) (float32, error) {
	if e.reviewer == nil || score <= reviewFrom {
		return score, nil
	}
	classes, err := e.reviewer.Review(ctx, squared(p, net.ReviewSquare, grey).pix, yield)
	if err != nil {
		return 0, fmt.Errorf("features: %w", err)
	}

	return explicit(classes), nil
}

// explicit is the share of the two classes that are called sensitive.
func explicit(classes [5]float32) float32 { return min(1, classes[hentai]+classes[porn]) }
