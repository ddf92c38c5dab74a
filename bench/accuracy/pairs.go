package main

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif"  // formats of
	_ "image/jpeg" // the given
	_ "image/png"  // pairs
	"os"
	"path/filepath"
	"strings"

	"inlet/imaging"
)

// given compares the pairs of a folder.
func (r *report) given(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.a.*"))
	if err != nil {
		return err
	}

	for _, name := range names {
		a, err := picture(name)
		if err != nil {
			return err
		}

		b, err := picture(strings.Replace(name, ".a.", ".b.", 1))
		if err != nil {
			return err
		}

		r.never(pair{"given pairs", filepath.Base(name), a, b})
	}

	return nil
}

func picture(name string) (image.Image, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}

	m, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}

	return m, nil
}

// changes compares made scenes and some photos with changes of them.
func (r *report) changes(originals []*file) {
	for i := range uint64(scenes) {
		photos(fmt.Sprintf("scene %d", i), scene(i, 1200, 900), r.never)
	}

	const apart, largest = 5, 2000
	for i, f := range originals {
		if i%apart != 0 || f.info.Format != imaging.JPEG || max(f.info.Width, f.info.Height) > largest {
			continue
		}

		if m, _, err := image.Decode(bytes.NewReader(f.data)); err == nil {
			photos(filepath.Base(f.name), m, r.never)
		}
	}
}
