package match

import (
	"context"
	"crypto/sha256"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/imaging/fingerprint"
)

// look is what is known of a picture's look.
type look struct {
	print  *fingerprint.Fingerprint
	probes []int32
}

// drawn is a picture of coarse and fine shapes; noise makes a copy of it.
func drawn(t testing.TB, seed uint64, noise float64) look {
	t.Helper()
	const w, h = 160, 128
	r := rand.New(rand.NewPCG(seed, 1))
	m, other := image.NewGray(image.Rect(0, 0, w, h)), rand.New(rand.NewPCG(seed, 2))
	sum := make([]float64, w*h)
	for cell, amp := 64, 50.0; cell >= 4; cell, amp = cell/2, amp*0.65 {
		grid := make([]float64, (w/cell+1)*(h/cell+1))
		for i := range grid {
			grid[i] = amp * r.NormFloat64()
		}
		for i := range sum {
			sum[i] += grid[i/w/cell*(w/cell+1)+i%w/cell]
		}
	}
	for i, s := range sum {
		m.Pix[i] = uint8(min(255, max(0, 128+s+noise*other.NormFloat64())))
	}
	p, probes, ok := fingerprint.Of(fingerprint.New(m, fingerprint.Frame{Width: w, Height: h, Scale: 1, Side: fingerprint.Side}))
	if !ok {
		t.Fatalf("picture %d has no fingerprint", seed)
	}
	return look{p, probes}
}

// queueImage adds a picture's row.
func queueImage(b *pgx.Batch, id uuid.UUID, scope string) {
	sum := sha256.Sum256(id[:])
	b.Queue(`INSERT INTO images (id, scope, sha256, format, width, height, frames, bytes, uploaded_at)
		VALUES ($1, $2, $3, 'png', 160, 128, 3, 1234, '2026-01-02 03:04:05Z')`, id, scope, sum[:])
}

func newID(t testing.TB) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// conn is a pool, a connection or a transaction.
type conn interface {
	querier
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

func write(t testing.TB, c conn, id uuid.UUID, scope string, l look, seen Seen) error {
	t.Helper()
	var b pgx.Batch
	queueImage(&b, id, scope)
	Queue(&b, id, scope, l.print, l.probes, seen)
	return c.SendBatch(t.Context(), &b).Close()
}

func lookUp(t testing.TB, c conn, scope string, l look) ([]Candidate, Seen) {
	t.Helper()
	found, seen, err := Find(t.Context(), c, scope, l.print, l.probes)
	if err != nil {
		t.Fatal(err)
	}
	return found, seen
}

// store looks a picture up and stores it.
func store(t testing.TB, c conn, scope string, l look) uuid.UUID {
	t.Helper()
	_, seen := lookUp(t, c, scope, l)
	id := newID(t)
	if err := write(t, c, id, scope, l, seen); err != nil {
		t.Fatal(err)
	}
	return id
}
