package imaging

import (
	"bufio"
	"errors"
	"hash"
	"io"
)

// gifBlocks reads the data that a GIF holds in blocks of up to 255 bytes, up to
// the empty block at its end, as one stream. A file that ends before is
// io.ErrUnexpectedEOF.
type gifBlocks struct {
	r      *bufio.Reader
	copied hash.Hash // gets all data as well, if not nil
	block  []byte    // the unread rest of the current block
	buf    [255]byte
	ended  bool
}

// fill reads the next block.
func (b *gifBlocks) fill() error {
	if b.ended {
		return io.EOF
	}

	n, err := b.r.ReadByte()
	if err != nil {
		return truncated(err)
	}
	if n == 0 {
		b.ended = true
		return io.EOF
	}

	b.block = b.buf[:n]
	if _, err := io.ReadFull(b.r, b.block); err != nil {
		return truncated(err)
	}
	if b.copied != nil {
		b.copied.Write(b.block)
	}
	return nil
}

// truncated turns the end of a file into an unexpected one.
func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// ReadByte implements io.ByteReader.
func (b *gifBlocks) ReadByte() (byte, error) {
	if len(b.block) == 0 {
		if err := b.fill(); err != nil {
			return 0, err
		}
	}

	c := b.block[0]
	b.block = b.block[1:]
	return c, nil
}

// Read implements io.Reader.
func (b *gifBlocks) Read(p []byte) (int, error) {
	if len(b.block) == 0 {
		if err := b.fill(); err != nil {
			return 0, err
		}
	}

	n := copy(p, b.block)
	b.block = b.block[n:]
	return n, nil
}

// skip reads to the end of the data.
func (b *gifBlocks) skip() error {
	_, err := io.Copy(io.Discard, b)
	return err
}
