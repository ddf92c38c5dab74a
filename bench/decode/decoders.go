package main

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"inlet/imaging/dcjpeg"
)

// maxPixels is what Inlet takes.
const maxPixels = 100_000_000

// other is a program to be compared with.
type other struct {
	name string
	args []string      // in front of the file
	none time.Duration // for a picture of 8×8: what starting it takes
}

// others are those that are installed.
func others(ctx context.Context, work string, rounds int) ([]other, error) {
	tiny, err := encoded(scene(8, 8, 1), 85)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(work, "tiny.jpg")
	if err := os.WriteFile(path, tiny, 0o600); err != nil {
		return nil, err
	}
	var found []other
	for _, o := range []other{
		{name: "djpeg", args: []string{"-scale", "1/8", "-outfile", os.DevNull}},
		{name: "vipsthumbnail", args: []string{"--vips-concurrency=1", "-s", "256", "-o", filepath.Join(work, "thumbnail.jpg")}},
	} {
		if _, err := exec.LookPath(o.name); err != nil {
			fmt.Printf("%s is not installed\n", o.name)
			continue
		}
		none, err := medians(3*rounds, func() (time.Duration, error) { return o.run(ctx, path) })
		if err != nil {
			return nil, err
		}
		o.none = none[0]
		found = append(found, o)
	}
	return found, nil
}

func (o other) run(ctx context.Context, path string) (time.Duration, error) {
	return program(ctx, o.name, append(o.args[:len(o.args):len(o.args)], path)...)
}

// compareDecoders decodes each photo by each decoder.
func compareDecoders(ctx context.Context, photos []photo, work string, rounds int) error {
	programs, err := others(ctx, work, rounds)
	if err != nil {
		return err
	}
	columns := []any{"photo", "kind", "MP", "MB", "image/jpeg", "dcjpeg", "part of it"}
	for _, p := range programs {
		columns = append(columns, p.name, "part of it")
	}
	t := newTable("Decoding a JPEG, processor ms. image/jpeg decodes all pixels, dcjpeg and djpeg -scale 1/8 an eighth,\nvipsthumbnail makes a thumbnail of 256. Programs are processes of their own; what an empty run takes is subtracted.", columns...)
	parts := map[bool][]float64{}
	for _, p := range photos {
		times, err := decodeTimes(ctx, p, programs, work, rounds)
		if err != nil {
			return err
		}
		part := float64(times[1]) / float64(times[0])
		parts[p.progressive] = append(parts[p.progressive], part)
		kind := map[bool]string{false: "baseline", true: "progressive"}[p.progressive]
		cells := []any{p.name, kind, fmt.Sprintf("%.1f", p.megapixels()), mb(len(p.data)), ms(times[0]), ms(times[1]), inverse(part)}
		for i, program := range programs {
			took := max(0, times[2+i]-program.none)
			cells = append(cells, ms(took), inverse(float64(took)/float64(times[0])))
		}
		t.row(cells...)
	}
	t.Flush()
	if of := parts[false]; len(of) > 0 {
		bar("dcjpeg on baseline photos, of image/jpeg's time, median", median(of), 1.0/8, "")
	}
	if of := parts[true]; len(of) > 0 {
		bar("dcjpeg on progressive photos, of image/jpeg's time, median", median(of), 1.0/20, "")
	}
	return nil
}

func inverse(part float64) string {
	if part == 0 {
		return "–"
	}
	return fmt.Sprintf("1/%.1f", 1/part)
}

// decodeTimes are those of image/jpeg, dcjpeg and the programs.
func decodeTimes(ctx context.Context, p photo, programs []other, work string, rounds int) ([]time.Duration, error) {
	path := filepath.Join(work, "photo.jpg")
	if err := os.WriteFile(path, p.data, 0o600); err != nil {
		return nil, err
	}
	d := dcjpeg.NewDecoder()
	if _, err := d.Decode(bytes.NewReader(p.data), maxPixels); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	measure := []func() (time.Duration, error){
		func() (time.Duration, error) {
			return spent(func() error { _, err := jpeg.Decode(bytes.NewReader(p.data)); return err })
		},
		func() (time.Duration, error) {
			return spent(func() error { _, err := d.Decode(bytes.NewReader(p.data), maxPixels); return err })
		},
	}
	for _, o := range programs {
		measure = append(measure, func() (time.Duration, error) { return o.run(ctx, path) })
	}
	return medians(rounds, measure...)
}

// compareAllocations decodes one picture at several qualities.
func compareAllocations() error {
	t := newTable("What dcjpeg allocates for 12 MP, by quality", "quality", "MB file", "KB, new decoder", "KB, used again", "objects")
	m := scene(4000, 3000, 2)
	var least, most, first uint64
	for i, quality := range []int{50, 75, 85, 95} {
		data, err := encoded(m, quality)
		if err != nil {
			return err
		}
		var d *dcjpeg.Decoder
		decode := func() error { _, err := d.Decode(bytes.NewReader(data), maxPixels); return err }
		fresh, _, err := allocated(func() error { d = dcjpeg.NewDecoder(); return decode() })
		if err != nil {
			return err
		}
		again, objects, err := allocated(decode)
		if err != nil {
			return err
		}
		t.row(quality, mb(len(data)), fresh>>10, again>>10, objects)
		if i == 0 {
			least = again
		}
		least, most, first = min(least, again), max(most, again), max(first, fresh)
	}
	t.Flush()
	bar("a new decoder and 12 MP", float64(first)/(1<<20), 25, " MB")
	bar("the most that any quality allocates, of the least", float64(most)/float64(least), 1.05, "")
	return nil
}
