package main

import (
	"fmt"
	"math/rand/v2"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
)

// drawn are five capitals in Go's fonts, the tested ones in its typewriter fonts. It
// needs no download. The expected recall is one that the features surely reach.
func drawn(packages) (*set, error) {
	s := &set{name: "drawn letters, 5 classes", steps: []int{5, 12}, paper: [3][]float64{2: {70, 80}}}
	for side, files := range [2][][]byte{{goregular.TTF, gobold.TTF, goitalic.TTF}, {gomono.TTF, gomonobold.TTF}} {
		for class, glyph := range "AEKOS" {
			if side == 0 {
				s.classes = append(s.classes, string(glyph))
			}
			for i := range 12 {
				r := rand.New(rand.NewPCG(uint64(class), uint64(side*1000+i)))
				f, err := sfnt.Parse(files[i%len(files)])
				if err != nil {
					return nil, err
				}
				s.items = append(s.items, item{
					class: class, family: fmt.Sprint(side, class, i), test: side == 1,
					read: func() ([]byte, error) { return drawGlyph(f, glyph, r) },
				})
			}
		}
	}
	return s, nil
}
