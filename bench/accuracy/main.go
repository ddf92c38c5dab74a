// Command accuracy measures how well copies of pictures are recognised, and
// that different pictures never are. It goes the way of an upload without the
// stores: fingerprints, candidates by bands, prints, then the pictures.
//
// Copies are made by ImageMagick of the photos of a folder; pictures that must
// never be merged are made here.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"

	"inlet/imaging/fingerprint"
)

func main() {
	dir := flag.String("dir", "../shared/corpus/photos/files", "folder of photos")
	most := flag.Int("n", 0, "how many photos at most; 0 is all")
	keep := flag.String("keep", "", "folder to keep variants in for the next run")
	part := flag.String("part", "", "recall or merges")
	verbose := flag.Bool("v", false, "")
	flag.Parse()
	tool, err := magick()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	names, _ := filepath.Glob(filepath.Join(*dir, "*"))
	n := 0
	var originals []*file
	for _, name := range names {
		data, _ := os.ReadFile(name)
		f, err := load(filepath.Base(name), data)
		if err != nil || max(f.info.Width, f.info.Height) < 320 ||
			f.info.Format != "jpeg" && f.info.Meta.Orientation > 1 { // ImageMagick does not see it
			continue
		}
		if n++; *most > 0 && n > *most {
			break
		}
		originals = append(originals, f)
	}
	if *part != "merges" {
		for _, f := range originals {
			for _, t := range transforms() {
				data, err := t.apply(tool, filepath.Join(*dir, f.name), *keep)
				if err != nil {
					fmt.Println(err)
					continue
				}
				v, err := load(t.name, data)
				if err != nil {
					fmt.Println(t.name, f.name, err)
					continue
				}
				verdict, _ := judge(f, v)
				why := ""
				if *verbose {
					full, _ := f.picture(fingerprint.FullSide, false)
					vf, _ := v.picture(fingerprint.FullSide, false)
					why = fingerprint.Explain(full, vf)
				}
				fmt.Println(t.name, f.name, f.info.Width, f.info.Height, verdict, why)
			}
		}
	}
	if *part != "recall" {
		count := map[string]int{}
		each := func(p pair) {
			var buf bytes.Buffer
			_ = jpeg.Encode(&buf, p.a, &jpeg.Options{Quality: 95})
			a, err := load(p.name, buf.Bytes())
			if err != nil {
				fmt.Println(p.name, err)
				return
			}
			for form, encode := range forms() {
				b, err := load(form, encode(p.b))
				if err != nil {
					fmt.Println(form, p.name, err)
					return
				}
				v, err := judge(a, b)
				if err != nil {
					fmt.Println(err)
				}
				count[v.Kind.String()]++
				if v.Kind == fingerprint.Same || *verbose {
					full, _ := a.picture(fingerprint.FullSide, false)
					vf, _ := b.picture(fingerprint.FullSide, false)
					fmt.Println("PAIR", form, p.name, v, fingerprint.Explain(full, vf))
				}
			}
		}
		documents(each)
		blanks(each)
		for i := range uint64(6) {
			photos(fmt.Sprintf("scene %d", i), scene(i, 1600, 1200), each)
		}
		for i, f := range originals {
			if i%6 == 0 && f.info.Format == "jpeg" {
				if m, _, err := image.Decode(bytes.NewReader(f.data)); err == nil && m.Bounds().Dx() < 3000 {
					photos(f.name, m, each)
				}
			}
		}
		fmt.Println(count)
	}
}
