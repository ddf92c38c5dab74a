package imaging

import (
	"context"
	"io"
)

// Thumbnail scales a picture.
func (in *Inspector) Thumbnail(ctx context.Context, r io.ReaderAt, size int64, f Format, width int) ([]byte, error) {
	return nil, ErrNotReady
}
