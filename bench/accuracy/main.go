// Command accuracy measures how well copies of pictures are recognised and that
// different pictures never are.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"inlet/imaging/fingerprint"
)

func main() {
	dir := flag.String("dir", "../shared/corpus/photos/files", "folder of photos")
	most := flag.Int("n", 0, "how many photos at most; 0 is all")
	keep := flag.String("keep", "", "folder to keep variants in for the next run")
	flag.Parse()
	tool, err := magick()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	names, _ := filepath.Glob(filepath.Join(*dir, "*"))
	n := 0
	for _, name := range names {
		data, _ := os.ReadFile(name)
		f, err := load(filepath.Base(name), data)
		if err != nil || max(f.info.Width, f.info.Height) < 320 {
			continue
		}
		if n++; *most > 0 && n > *most {
			break
		}
		full, err := f.picture(fingerprint.FullSide, false)
		if err != nil {
			fmt.Println(err)
			continue
		}
		for _, t := range transforms() {
			data, err := t.apply(tool, name, *keep)
			if err != nil {
				fmt.Println(err)
				continue
			}
			v, err := load(t.name, data)
			if err != nil {
				fmt.Println(t.name, name, err)
				continue
			}
			if v.print == nil || f.print == nil {
				fmt.Println("NOHASH", f.name, t.name)
				continue
			}
			vf, _ := v.picture(fingerprint.FullSide, false)
			fmt.Println(t.name, f.name, f.info.Width, f.info.Height, fingerprint.Compare(f.print, v.print), fingerprint.Explain(full, vf))
		}
	}
}
