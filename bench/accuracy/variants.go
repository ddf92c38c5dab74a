package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// transform makes a copy of a picture as its way through other programs does.
type transform struct {
	name string
	ext  string
	args []string
	bar  float64 // least recall
}

func transforms() []transform {
	q := func(name, quality string, bar float64) transform {
		return transform{name, "jpg", []string{"-quality", quality}, bar}
	}

	size := func(name, geometry, quality string, bar float64) transform {
		return transform{name, "jpg", []string{"-auto-orient", "-resize", geometry, "-strip", "-quality", quality}, bar}
	}

	return []transform{
		{"upright, stripped", "jpg", []string{"-auto-orient", "-strip"}, .99},
		q("q95", "95", .99), q("q75", "75", .99), q("q50", "50", .99), q("q30", "30", .97),
		{"progressive q85", "jpg", []string{"-interlace", "JPEG", "-quality", "85"}, .99},
		{"4:4:4 q90", "jpg", []string{"-sampling-factor", "4:4:4", "-quality", "90"}, .99},
		size("75%", "75%", "92", .99), size("50%", "50%", "92", .99), size("25%", "25%", "92", .97),
		size("2048 px q85", "2048x2048>", "85", .99), size("1600 px q80", "1600x1600>", "80", .99),
		{"png", "png", []string{"-auto-orient", "-strip"}, .99},
		{"webp q80", "webp", []string{"-auto-orient", "-strip", "-quality", "80"}, .99},
	}
}

// magick is ImageMagick's command.
func magick() (string, error) {
	for _, name := range []string{"magick", "convert"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}

	return "", errors.New("ImageMagick is not installed: neither magick nor convert is found")
}

// apply transforms a file into dir, or takes the result of an earlier run.
func (t transform) apply(magick, in, dir string) ([]byte, error) {
	out := filepath.Join(dir, fmt.Sprintf("%s.%s.%s", filepath.Base(in), t.name, t.ext))
	if data, err := os.ReadFile(out); err == nil {
		return data, nil
	}

	args := append([]string{in + "[0]", "-background", "white", "-alpha", "remove"}, t.args...)
	output, err := exec.CommandContext(context.Background(), magick, append(args, out)...).CombinedOutput()
	data, readErr := os.ReadFile(out)
	if readErr != nil {
		return nil, fmt.Errorf("%s of %s: %w: %.200s", t.name, in, errors.Join(err, readErr), output)
	}

	return data, nil
}
