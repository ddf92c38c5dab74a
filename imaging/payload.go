package imaging

import (
	"encoding/binary"
	"hash"

	"github.com/zeebo/blake3"
)

// payload hashes the picture data of a file and what changes its display,
// nothing else. It hashes every part with its kind and length, so that no two
// lists of parts are hashed as the same bytes. Pictures with the same hash are
// merged, so nobody may find collisions: it is BLAKE3.
type payload struct {
	h     hash.Hash
	spare hash.Hash // from a stream that ended, for the next one
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

// stream adds a part of unknown length: all that the caller writes to h before it
// calls done.
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
