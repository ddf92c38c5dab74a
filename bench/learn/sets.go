package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// item is a labelled picture.
type item struct {
	class  int
	family string // items of one family never stand on both sides of a split
	test   bool   // always tested, never trained on
	read   func() ([]byte, error)
}

// set is a collection of labelled pictures.
type set struct {
	name    string
	classes []string
	items   []item
	steps   []int        // labels a class
	paper   [3][]float64 // the recall that issue 12 measured: by hand, nets, both
}

// builder makes a set, or says what it lacks.
type builder struct {
	name  string
	build func(packages) (*set, error)
}

var builders = []builder{
	{"stamps", stamps}, {"mixed", mixedStamps}, {"clipart", clipart}, {"flowers", flowers}, {"kinds", kinds}, {"letters", letters},
}

// most bounds the pictures of a class.
const most = 300

// stamps are the pictures of Tux Paint, photos and drawings, by the ten folders of
// the second level that have most of them.
func stamps(p packages) (*set, error) {
	return p.stamps(set{
		name:  "tuxpaint stamps, 10 classes",
		steps: []int{5, 20},
		paper: [3][]float64{{45, 60}, {68, 85}, {66, 84}},
	}, "animals/birds", "animals/insects", "animals/mammals", "food/fruit", "plants/flowers", "symbols/alphabets", "symbols/math",
		"symbols/money", "town/houses", "town/roadsigns")
}

// mixedStamps are the same pictures by the folders of the first level, each a mixture
// of things. The issue has no figures for them.
func mixedStamps(p packages) (*set, error) {
	return p.stamps(set{name: "tuxpaint stamps, 10 mixed classes", steps: []int{5, 20}},
		"animals", "clothes", "food", "household", "plants", "seasonal", "space", "symbols", "town", "vehicles")
}

func (p packages) stamps(s set, folders ...string) (*set, error) {
	for _, folder := range folders {
		files, err := p.files("tuxpaint-stamps-default", filepath.Join("usr/share/tuxpaint/stamps", folder), ".png")
		if err != nil {
			return nil, err
		}
		files = slices.DeleteFunc(files, func(f string) bool { return strings.Contains(f, "_mirror") || strings.Contains(f, "_flip") })
		s.add(folder, files)
	}
	return &s, nil
}

// clipart are the drawings of openclipart, by folder.
func clipart(p packages) (*set, error) {
	s := &set{
		name:  "openclipart, 12 classes",
		steps: []int{5, 20, 100},
		paper: [3][]float64{{26, 37, 45}, {36, 51, 59}, {35, 50, 59}},
	}
	classes := []string{
		"animals", "computer", "food", "geography", "office", "people", "recreation", "shapes", "signs_and_symbols", "special",
		"tools", "transportation",
	}
	for _, class := range classes {
		files, err := p.files("openclipart-png", filepath.Join("usr/share/openclipart/png", class), ".png")
		if err != nil {
			return nil, err
		}
		s.add(class, files)
	}
	return s, nil
}

// flowers says that nothing here brings the set of flowers.
func flowers(packages) (*set, error) {
	return nil, fmt.Errorf("no package that ships them is known")
}

// add adds the files of a class: all, or some that are spread evenly.
func (s *set) add(class string, files []string) {
	at := slices.Index(s.classes, class)
	if at < 0 {
		at = len(s.classes)
		s.classes = append(s.classes, class)
	}
	for _, file := range spread(files, most) {
		s.items = append(s.items, item{class: at, family: file, read: func() ([]byte, error) { return os.ReadFile(file) }})
	}
}

// spread picks at most n names, always the same ones.
func spread(names []string, n int) []string {
	hash := func(name string) uint32 {
		h := fnv.New32a()
		_, _ = h.Write([]byte(filepath.Base(name)))
		return h.Sum32()
	}
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(hash(a), hash(b)), cmp.Compare(a, b)) })
	return names[:min(n, len(names))]
}
