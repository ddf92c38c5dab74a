package photo

import (
	"bytes"
	"crypto/sha256"
	"image/jpeg"
	"testing"

	"inlet/imaging"
	"inlet/imaging/fingerprint"
)

func TestAlbum(t *testing.T) {
	t.Parallel()
	for _, want := range []int{40_000, 300_000} {
		a, err := NewAlbum(want, 1)
		if err != nil {
			t.Fatal(err)
		}
		if a.Bytes() < want*2/3 || a.Bytes() > want*3/2 {
			t.Errorf("pictures of %d bytes, want about %d", a.Bytes(), want)
		}

		seen := map[[32]byte]bool{}
		for n := range uint64(10) {
			data := bytes.Join(a.Picture(7, n, false), nil)
			seen[sha256.Sum256(data)] = true
			if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
				t.Errorf("picture %d: %v", n, err)
			}
			if !bytes.Equal(data, bytes.Join(a.Picture(7, n, false), nil)) {
				t.Errorf("picture %d is not the same again", n)
			}
		}

		if len(seen) != 10 {
			t.Errorf("%d different pictures of 10", len(seen))
		}
	}
}

// Inlet must tell two pictures of an album apart, and match a recoded one.
func TestAlbumAsInletSeesIt(t *testing.T) {
	t.Parallel()
	a, err := NewAlbum(40_000, 1)
	if err != nil {
		t.Fatal(err)
	}

	inspector := imaging.NewInspector(1e8, 64<<20)
	decode := func(data []byte) *fingerprint.Picture {
		p, err := inspector.Picture(t.Context(), bytes.NewReader(data), int64(len(data)), imaging.JPEG, imaging.Want{Side: fingerprint.FullSide})
		if err != nil {
			t.Fatal(err)
		}

		return p
	}

	original := decode(bytes.Join(a.Picture(7, 0, false), nil))
	if kind := fingerprint.Verify(original, decode(bytes.Join(a.Picture(7, 0, true), nil))); kind != fingerprint.Match {
		t.Errorf("a recoded picture is judged %v", kind)
	}

	for n := range uint64(10) {
		if kind := fingerprint.Verify(original, decode(bytes.Join(a.Picture(7, n+1, false), nil))); kind == fingerprint.Match {
			t.Errorf("picture %d matches picture 0", n+1)
		}
	}
}
