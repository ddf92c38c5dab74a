package exif

import "testing"

func BenchmarkRead(b *testing.B) {
	file := jpegOf(app1(photo().tiff()))
	b.ReportAllocs()
	for b.Loop() {
		if m := read(file, "jpeg"); m.ISO == nil || *m.ISO != 200 {
			b.Fatal(m)
		}
	}
}
