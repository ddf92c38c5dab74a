package imaging

import (
	"bytes"
	"image"
	"image/jpeg"
)

// ThumbnailOf is Thumbnail for a picture that was decoded elsewhere; orientation
// is as that of EXIF.
func ThumbnailOf(m image.Image, orientation, width int) ([]byte, error) {
	w, h := target(m.Bounds().Dx(), m.Bounds().Dy(), width, orientation >= 5)
	return thumbnailOf(whole(m).rows(), w, h, orientation)
}

// thumbnailOf scales a picture to w×h pixels and turns it upright.
func thumbnailOf(picture rows, w, h, orientation int) ([]byte, error) {
	small, err := shrink(picture, w, h)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = jpeg.Encode(&b, upright(small, orientation), &jpeg.Options{Quality: thumbnailQuality})
	return b.Bytes(), err
}
