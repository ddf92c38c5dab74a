// Command accuracy measures how well copies of pictures are recognised, and
// that different pictures never are. It goes the way of an upload without the
// stores: fingerprints, candidates by bands, prints, then the pictures.
//
// Copies are made by ImageMagick of the photos of a folder; pictures that must
// never be merged are made here. It fails if any are.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	// minSide is the longest side of the photos that are taken: a quarter of
	// less is too small to be told from others.
	minSide = 320
	// scenes is how many photo-like pictures are made.
	scenes = 6
)

func main() {
	dir := flag.String("dir", "../shared/corpus/photos/files", "folder of photos; pictures are made if there is none")
	most := flag.Int("n", 0, "how many photos at most; 0 is all")
	keep := flag.String("keep", "", "folder in which copies are kept for the next run")
	part := flag.String("part", "", "recall or merges alone")
	explain := flag.Bool("v", false, "print what every comparison found")
	flag.Parse()
	if err := run(*dir, *most, *keep, *part, *explain); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string, most int, keep, part string, explain bool) error {
	tool, err := magick()
	if err != nil && part != "merges" {
		return err
	}
	work, err := os.MkdirTemp("", "accuracy")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if keep == "" {
		keep = work
	}
	started := time.Now()
	originals, err := photosOf(dir, most, work)
	if err != nil {
		return err
	}
	fmt.Printf("%d photos, %.1f ms for a fingerprint with decoding\n", len(originals), ms(started, len(originals)))
	r := &report{explain: explain}
	if part != "merges" {
		for _, t := range transforms() {
			r.recall(t, originals, tool, keep)
		}
	}
	if part != "recall" {
		r.distinct(originals)
		documents(r.never)
		blanks(r.never)
		r.changes(originals)
		fmt.Printf("%d false merges of %d pairs\n", r.merged, r.pairs)
	}
	if r.merged > 0 {
		return fmt.Errorf("%d false merges", r.merged)
	}
	return nil
}

func ms(since time.Time, n int) float64 {
	return float64(time.Since(since).Microseconds()) / 1000 / float64(max(n, 1))
}

// photosOf loads the photos of a folder, or makes some in work.
func photosOf(dir string, most int, work string) ([]*file, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		fmt.Printf("%s holds nothing: made pictures are used\n", dir)
		for i := range uint64(scenes) {
			name := filepath.Join(work, fmt.Sprintf("scene-%d.jpg", i))
			if err := os.WriteFile(name, asJPEG(scene(i, 1600, 1200), 92, 1), 0o600); err != nil {
				return nil, err
			}
			names = append(names, name)
		}
	}
	var photos []*file
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // a folder
		}
		f, err := load(name, data)
		if err != nil || f.print == nil || max(f.info.Width, f.info.Height) < minSide ||
			f.info.Format != "jpeg" && f.info.Meta.Orientation > 1 { // ImageMagick does not see it
			continue
		}
		if photos = append(photos, f); len(photos) == most {
			break
		}
	}
	return photos, nil
}

// stem is what names of copies of one picture in a folder have in common.
func stem(name string) string {
	s := filepath.Base(name)
	s = regexp.MustCompile(`^[0-9a-f]{8}-`).ReplaceAllString(s, "")
	return strings.TrimRight(strings.TrimSuffix(s, filepath.Ext(s)), "0123456789")
}
