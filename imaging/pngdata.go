package imaging

import (
	"compress/zlib"
	"context"
	"errors"
	"io"

	"inlet/imaging/fingerprint"
)

// pngData reads all IDAT chunks, or all fdAT chunks of a frame, as one stream. It
// verifies their checksums and hashes the data for the payload.
type pngData struct {
	f    *pngFile
	kind string
}

func (d pngData) Read(p []byte) (int, error) {
	f := d.f
	if f.held {
		return 0, io.EOF
	}

	for f.left == 0 {
		if err := f.end(); err != nil {
			return 0, err
		}
		if err := f.next(); err != nil {
			return 0, err
		}
		f.held = f.kind != d.kind
		if f.held {
			return 0, io.EOF
		}
		if err := d.begin(); err != nil {
			return 0, err
		}
	}

	n, err := f.Read(p)
	f.idat.Write(p[:n])
	return n, err
}

// begin passes over the number that stands in front of the data of an fdAT.
func (d pngData) begin() error {
	if d.kind != "fdAT" {
		return nil
	}
	_, err := io.CopyN(io.Discard, d.f, apngSequenceLen)
	return truncated(err)
}

// firstIDAT reads the picture at its first IDAT. It passes over later ones that
// do not follow at once, as image/png does.
func (f *pngFile) firstIDAT() error {
	switch {
	case f.stage == pngSeenIDAT:
		if _, err := io.Copy(f.idat, f); err != nil {
			return err
		}
		return f.end()
	case f.stage == pngStart, f.stage == pngSeenIHDR && f.head.colour == pngPalette:
		return undecodable("IDAT out of order")
	}

	f.stage = pngSeenIDAT

	data := pngData{f, "IDAT"}
	buffered, release := f.in.buffered(data)
	defer release()
	z, err := zlib.NewReader(buffered)
	if err != nil {
		return inflated(err)
	}

	if f.pixels == nil {
		err = checkRows(z, f.head.passes())
	} else {
		err = f.pixels(z)
	}
	if err != nil {
		return inflated(err)
	}

	_, err = io.Copy(io.Discard, data) // behind the compressed data
	return err
}

// reduce reads the rows of a picture that is not interlaced and reduces it for
// comparison.
func (f *pngFile) reduce(ctx context.Context, src *source, z io.Reader, orientation int) (p *fingerprint.Picture, err error) {
	size := f.head.size()
	frame := fingerprint.Frame{Width: size.X, Height: size.Y, Orientation: orientation, Side: fingerprint.Side}
	memory := rowMemory(size.X) + reducedMemory(size, fingerprint.Side)
	waited := f.in.within(ctx, memory, func() error {
		p, err = fingerprint.NewRows(frame, src.rows(f.rows(z).next))
		return nil
	})
	if waited != nil {
		return nil, src.fail(waited)
	}
	if err == nil {
		err = checkRows(z, nil)
	}
	return p, err
}

// checkRows reads exactly the rows that the header promises, and the checksum.
func checkRows(z io.Reader, passes []pngPass) error {
	buf := make([]byte, 32<<10)
	for _, p := range passes {
		next := int64(0) // where the next row begins, seen from buf
		for left := p.rows * (1 + p.rowBytes); left > 0; {
			n, err := io.ReadFull(z, buf[:min(left, int64(len(buf)))])
			if err != nil {
				return err
			}
			for ; next < int64(n); next += 1 + p.rowBytes {
				if buf[next] > 4 {
					return undecodable("a row with the filter %d", buf[next])
				}
			}
			next -= int64(n)
			left -= int64(n)
		}
	}

	switch n, err := io.ReadFull(z, buf[:1]); {
	case n > 0:
		return undecodable("there are more pixels than promised")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// inflated explains an error of compressed data.
func inflated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return undecodable("there are fewer pixels than promised")
	}
	if errors.Is(err, ErrUndecodable) || errors.Is(err, errEnough) {
		return err
	}
	return undecodable("%v", err)
}
