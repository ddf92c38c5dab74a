// Command accuracy measures how many copies of pictures Inlet matches, and checks
// that it never matches different pictures. It takes the steps of an upload
// without the stores: inspection, candidates by bands, fingerprints, pictures.
//
// ImageMagick makes the copies, of the photos of any folder. The command makes the
// pictures that must never be merged, of the photos and from nothing. It fails if
// it merges two different pictures, or if recall is below its bar and there are
// enough photos to say so.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"inlet/imaging"
)

const (
	// minSide is the least longest side of a photo, in pixels: a quarter of less is
	// too small to match.
	minSide = 320
	// scenes is the number of photo-like pictures.
	scenes = 4
)

// options are the flags.
type options struct {
	dir, pairs, keep, part string
	most                   int
	verbose                bool
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "../../shared/corpus/photos/files", "folder of photos; if it is empty, made pictures")
	flag.StringVar(&o.pairs, "pairs", "", "folder of pictures X.a.EXT and X.b.EXT that must not match")
	flag.StringVar(&o.keep, "keep", "", "folder that keeps the copies for the next run")
	flag.StringVar(&o.part, "part", "", "one of recall, photos, documents, animations, pairs alone")
	flag.IntVar(&o.most, "n", 0, "how many photos at most; 0 is all")
	flag.BoolVar(&o.verbose, "v", false, "name every copy that did not match")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o options) error {
	work, err := os.MkdirTemp("", "accuracy")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if o.keep == "" {
		o.keep = work
	}

	r := &report{judge: newJudge(), out: os.Stdout, progress: os.Stderr, verbose: o.verbose, groups: map[string]*group{}}
	photos, err := r.photosOf(o, work)
	if err != nil {
		return err
	}

	does := func(part string) bool { return o.part == "" || o.part == part }
	if does("recall") {
		if err := r.copies(photos, o.keep); err != nil {
			return err
		}
	}

	if does("photos") {
		r.distinct(photos)
		r.changes(photos)
	}

	if does("documents") {
		documents(r.never)
		blanks(r.never)
	}

	if does("animations") {
		r.animations()
	}

	if does("pairs") && o.pairs != "" {
		if err := r.given(o.pairs); err != nil {
			return err
		}
	}

	if r.pairs > 0 {
		r.merges()
	}

	return r.err()
}

// copies measures recall.
func (r *report) copies(photos []*file, keep string) error {
	tool, err := magick()
	if err != nil {
		return err
	}

	fmt.Fprintf(r.out, "%-18s %5s %5s  %7s  %4s  %-5s  %s\n", "copies", "all", "found", "", "bar", "", "the hardest match, in parts of the limit")
	for _, t := range transforms() {
		r.recall(t, photos, tool, keep)
	}

	return nil
}

// photosOf loads the photos of a folder, or makes some in work.
func (r *report) photosOf(o options, work string) ([]*file, error) {
	names, err := filepath.Glob(filepath.Join(o.dir, "*"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		fmt.Fprintf(r.out, "%s is empty: using made pictures\n", o.dir)
		for i := range uint64(scenes) {
			name := filepath.Join(work, fmt.Sprintf("scene-%d.jpg", i))
			if err := os.WriteFile(name, asJPEG(scene(i, 1600, 1200), 92, 1), 0o600); err != nil {
				return nil, err
			}
			names = append(names, name)
		}
	}

	var photos []*file
	left := map[string]int{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // a folder
		}

		f, err := r.load(name, data)
		if why := unfit(f, err); why != "" {
			left[why]++
			continue
		}

		if photos = append(photos, f); len(photos) == o.most {
			break
		}
	}

	fmt.Fprintf(r.out, "%d photos; left out: %v\n\n", len(photos), left)

	return photos, nil
}

// unfit is the reason to leave a file out.
func unfit(f *file, err error) string {
	switch {
	case err != nil:
		return "no sound picture"
	case f.info.Fingerprint == nil:
		return "nothing in it, or decoded later"
	case max(f.info.Width, f.info.Height) < minSide:
		return "too small"
	case f.info.Frames > 1:
		return "more than a still"
	case f.info.Format != imaging.JPEG && f.info.Meta.Orientation > 1:
		return "turned, which ImageMagick does not see"
	}

	return ""
}

// stem is the part of a name that copies of one picture share.
func stem(name string) string {
	s := filepath.Base(name)
	s = regexp.MustCompile(`^[0-9a-f]{8}-`).ReplaceAllString(s, "")
	return strings.TrimRight(strings.TrimSuffix(s, filepath.Ext(s)), "0123456789")
}
