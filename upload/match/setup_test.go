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

// picture is what a look-up takes: a fingerprint and the probes that find others.
type picture struct {
	fingerprint *fingerprint.Fingerprint
	probes      []int32
}

// drawn is a picture of coarse and fine shapes; noise makes a copy of it.
func drawn(t testing.TB, seed uint64, noise float64) picture {
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
	return picture{p, probes}
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
	Begin(ctx context.Context) (pgx.Tx, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

func write(t testing.TB, c conn, id uuid.UUID, scope string, p picture, seen Seen) error {
	t.Helper()
	var b pgx.Batch
	queueImage(&b, id, scope)
	Queue(&b, id, scope, p.fingerprint, p.probes, seen)
	return c.SendBatch(t.Context(), &b).Close()
}

func lookUp(t testing.TB, c conn, scope string, p picture) ([]Candidate, Seen) {
	t.Helper()
	found, seen, err := find(t, c, scope, p)
	if err != nil {
		t.Fatal(err)
	}
	return found, seen
}

// find looks up candidates in a transaction of its own.
func find(t testing.TB, c conn, scope string, p picture) (found []Candidate, seen Seen, err error) {
	t.Helper()
	err = pgx.BeginFunc(t.Context(), c, func(tx pgx.Tx) (err error) {
		found, seen, err = Find(t.Context(), tx, scope, p.fingerprint, p.probes)
		return err
	})

	return found, seen, err
}

// store looks a picture up and stores it.
func store(t testing.TB, c conn, scope string, p picture) uuid.UUID {
	t.Helper()
	_, seen := lookUp(t, c, scope, p)
	id := newID(t)
	if err := write(t, c, id, scope, p, seen); err != nil {
		t.Fatal(err)
	}
	return id
}
