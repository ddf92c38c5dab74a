package exif

import "testing"

func fuzz(f *testing.F, format string, seeds ...[]byte) {
	f.Helper()
	for _, b := range seeds {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { check(t, read(b, format)) })
}

func FuzzReadTIFF(f *testing.F) {
	fuzz(f, "tiff", photo().tiff(), model("one"), []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"))
}

func FuzzReadJPEG(f *testing.F) {
	b := photo().tiff()
	fuzz(f, "jpeg", jpegOf(app1(b)), jpegOf(segment(0xe0), app1(b[:99]), app1(b[99:])))
}

func FuzzReadPNG(f *testing.F) {
	fuzz(f, "png", pngOf(chunk("eXIf", photo().tiff())),
		pngOf(chunk("zTXt", []byte("Raw profile type exif\x00\x00"), deflate(profile(photo().tiff())))),
		pngOf(chunk("tEXt", []byte("Raw profile type APP1\x00"), profile(model("one")))))
}

func FuzzReadWebP(f *testing.F) {
	fuzz(f, "webp", webpOf(riff("VP8X"), riff("EXIF", photo().tiff())))
}

func FuzzReadHEIF(f *testing.F) {
	b := model("one") // small, so that the fuzzer need not shrink what it finds
	fuzz(f, "heic", heifOf(append([]byte("\x00\x00\x00\x00"), b...)), heifOf([]byte("\x00\x00\x00\x00"), b[:20], b[20:]))
}
