package dcjpeg_test

import (
	"bytes"
	"image/jpeg"
	"os"
	"os/exec"
	"testing"
	"time"

	"inlet/imaging/dcjpeg"
)

// BenchmarkDecode decodes a picture of 12 MP and prints the standard library's
// time for it over ours, measured in the same run. The progressive picture is
// made by jpegtran, where that is installed; DCJPEG_BENCH names another file.
func BenchmarkDecode(b *testing.B) {
	for name, data := range benchPictures(b) {
		b.Run(name, func(b *testing.B) {
			d := dcjpeg.NewDecoder()
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(bytes.NewReader(data), 1<<30); err != nil {
					b.Fatal(err)
				}
			}
			ours := b.Elapsed() / time.Duration(b.N)
			start := time.Now()
			const runs = 2
			for range runs {
				if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(time.Since(start)/runs)/float64(ours), "x-faster-than-std")
			b.ReportMetric(float64(len(data))/1e6, "MB-file")
		})
	}
}

func benchPictures(b *testing.B) map[string][]byte {
	if name := os.Getenv("DCJPEG_BENCH"); name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		return map[string][]byte{"file": data}
	}
	m := photo(4000, 3000, 1)
	pictures := map[string][]byte{}
	for name, quality := range map[string]int{"q75": 75, "q90": 90, "q95": 95} {
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, m, &jpeg.Options{Quality: quality}); err != nil {
			b.Fatal(err)
		}
		pictures[name] = buf.Bytes()
	}
	if path, err := exec.LookPath("jpegtran"); err == nil {
		cmd := exec.Command(path, "-progressive")
		cmd.Stdin = bytes.NewReader(pictures["q90"])
		out, err := cmd.Output()
		if err != nil {
			b.Fatal(err)
		}
		pictures["q90-progressive"] = out
	}
	return pictures
}
