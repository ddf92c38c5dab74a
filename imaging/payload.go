package imaging

import (
	"encoding/binary"
	"hash"

	"github.com/zeebo/blake3"
)

// payload hashes the picture data of a file and what changes its display,
// nothing else. Every part is hashed with its kind and length, so two different
// lists of parts never look alike. The hash is BLAKE3: pictures with the same one
// are merged, so it must be one in which nobody finds collisions.
type payload struct {
	h     hash.Hash
	spare hash.Hash // of a stream that is done, for the next one
}

func newPayload(f Format) *payload {
	p := &payload{h: blake3.New()}
	p.part("inlet", []byte(f))
	return p
}

// part adds a part at once.
func (p *payload) part(kind string, data []byte) {
	p.label(kind, int64(len(data)))
	p.h.Write(data)
}

// stream adds a part of unknown length: what was written to the hash returned
// when done is called.
func (p *payload) stream(kind string) (h hash.Hash, done func()) {
	h, p.spare = p.spare, nil
	if h == nil {
		h = blake3.New()
	}
	return h, func() {
		p.part(kind, h.Sum(nil))
		h.Reset()
		p.spare = h
	}
}

func (p *payload) label(kind string, n int64) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(len(kind)))
	binary.BigEndian.PutUint64(b[8:], uint64(n))
	p.h.Write(b[:])
	p.h.Write([]byte(kind))
}

// sum ends the hash with the orientation. No orientation and the upright one
// display the same.
func (p *payload) sum(orientation int) *[32]byte {
	if p == nil {
		return nil
	}
	if orientation < 2 || orientation > 8 {
		orientation = 1
	}

	p.part("orientation", []byte{byte(orientation)})
	return (*[32]byte)(p.h.Sum(nil))
}
