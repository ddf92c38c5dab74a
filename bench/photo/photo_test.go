package photo

import (
	"bytes"
	"image/jpeg"
	"testing"

	"inlet/imaging/exif"
)

func TestPictures(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		size     Size
		min, max int
	}{
		{"large", Large(), 2_000_000, 4_000_000},
		{"middle", Middle(), 250_000, 350_000},
		{"small", Small(), 33_000, 47_000},
	}

	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all, err := Make(c.size, 2, 1)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(all[0], all[1]) {
				t.Error("two pictures are equal")
			}
			for _, data := range all {
				if len(data) < c.min || len(data) > c.max {
					t.Errorf("%d bytes, want %d to %d", len(data), c.min, c.max)
				}
				if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
					t.Error(err)
				}
				meta := exif.Read(bytes.NewReader(data), int64(len(data)), "jpeg")
				if meta.Make != "Canon" || meta.Orientation != 1 {
					t.Errorf("metadata %+v", meta)
				}
			}
		})
	}
}
