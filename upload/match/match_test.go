package match

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/db/dbtest"
	"inlet/imaging"
	"inlet/imaging/fingerprint"
)

// counting counts what its transactions send.
type counting struct {
	*pgxpool.Pool
	n int
}

func (c *counting) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := c.Pool.Begin(ctx)

	return &countingTx{tx, c}, err
}

type countingTx struct {
	pgx.Tx
	pool *counting
}

func (tx *countingTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	tx.pool.n++

	return tx.Tx.Query(ctx, sql, args...)
}

func (tx *countingTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	tx.pool.n++

	return tx.Tx.QueryRow(ctx, sql, args...)
}

func (tx *countingTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tx.pool.n++

	return tx.Tx.Exec(ctx, sql, args...)
}

func (tx *countingTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	tx.pool.n++

	return tx.Tx.SendBatch(ctx, b)
}

func TestFindGivesWhatIsNear(t *testing.T) {
	t.Parallel()
	pool := &counting{Pool: dbtest.Pool(t)}
	stored := map[uuid.UUID]picture{}
	const pictures = 60
	ids := make([]uuid.UUID, 2*pictures)
	for i := range ids {
		p := drawn(t, uint64(i/2), float64(i%2)*6)
		ids[i] = newID(t)
		stored[ids[i]] = p
		if err := write(t, pool, ids[i], "", p, fresh(t, pool)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(t.Context(), `ANALYZE`); err != nil {
		t.Fatal(err)
	}
	copies := 0
	for i := range pictures {
		sent := drawn(t, uint64(i), 12)
		pool.n = 0
		found, seen := lookUp(t, pool, "", sent)
		if pool.n != 1 || seen.oldest == 0 || seen.at.IsZero() {
			t.Errorf("%d round trips, %v", pool.n, seen)
		}
		want := near(stored, sent)
		if len(found) != len(want) || !slices.IsSortedFunc(found, nearerFirst) {
			t.Errorf("picture %d: found %v, want %v", i, found, want)
		}
		for _, c := range found {
			if distance, ok := want[c.ID]; !ok || c.Distance != distance || c.Fingerprint.Hash != stored[c.ID].fingerprint.Hash {
				t.Errorf("picture %d: found %v, want %v", i, c, want)
			}
			if c.ID == ids[2*i] || c.ID == ids[2*i+1] {
				copies++
			}
		}
	}
	// The noise is stronger than that of copies.
	if copies < 2*pictures*9/10 {
		t.Errorf("%d of %d copies were found", copies, 2*pictures)
	}
}

// near is what Find is to give, the slow way.
func near(stored map[uuid.UUID]picture, sent picture) map[uuid.UUID]int {
	found := map[uuid.UUID]int{}
	for id, p := range stored {
		shared := slices.ContainsFunc(p.fingerprint.Hash.Bands(), func(key int32) bool { return slices.Contains(sent.probes, key) })
		if d := p.fingerprint.Hash.Distance(sent.fingerprint.Hash); shared && d <= fingerprint.MaxDistance {
			found[id] = d
		}
	}
	return found
}

func nearerFirst(a, b Candidate) int {
	if a.Distance != b.Distance {
		return a.Distance - b.Distance
	}
	return slices.Compare(a.ID[:], b.ID[:])
}

// fresh is what a look-up that found nothing of interest has seen.
func fresh(t testing.TB, c conn) Seen {
	t.Helper()
	_, seen := lookUp(t, c, "nobody's", picture{new(fingerprint.Fingerprint), []int32{1}})
	return seen
}

func TestCandidate(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	p := drawn(t, 1, 0)
	id := store(t, pool, "", p)
	found, _ := lookUp(t, pool, "", p)
	if len(found) != 1 {
		t.Fatalf("found %v", found)
	}
	c := found[0]
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if c.ID != id || len(c.SHA256) != 32 || c.Format != imaging.PNG || c.Width != 160 || c.Height != 128 || c.Frames != 3 ||
		c.Bytes != 1234 || !c.UploadedAt.Equal(at) || c.Distance != 0 || fingerprint.Compare(c.Fingerprint, p.fingerprint).Kind != fingerprint.Undecided {
		t.Errorf("got %+v", c)
	}
	if _, err := pool.Exec(t.Context(), `DELETE FROM images`); err != nil {
		t.Fatal(err)
	}
	if found, _ := lookUp(t, pool, "", p); len(found) != 0 {
		t.Errorf("found %v after its deletion", found)
	}
}

func TestScopesAreApart(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	p := drawn(t, 1, 0)
	ids := map[string]uuid.UUID{}
	scopes := []string{"", "one", "two"}
	for _, scope := range scopes {
		ids[scope] = store(t, pool, scope, p)
	}
	for _, scope := range scopes {
		if found, _ := lookUp(t, pool, scope, p); len(found) != 1 || found[0].ID != ids[scope] {
			t.Errorf("%q: found %v", scope, found)
		}
	}
	if found, _ := lookUp(t, pool, "three", p); len(found) != 0 {
		t.Errorf("found %v", found)
	}
	if pairs := settled(t, pool); len(pairs) != 0 {
		t.Errorf("pairs %v", pairs)
	}
}

// crowd stores n pictures with the hash of a stored one, without looking up. Their
// bands are its own or no picture's.
const crowd = `
	WITH many AS (
		INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
		SELECT gen_random_uuid(), sha256(n::text::bytea), 'png', 1, 1, 1, now() FROM generate_series(1, $1::integer) n
		RETURNING id
	)
	INSERT INTO fingerprints
	SELECT m.id, f.scope, f.hash, CASE WHEN $3 THEN f.bands ELSE ARRAY[hashtext(m.id::text), hashtext(m.id::text || 'x')] END, f.print
	  FROM many m, fingerprints f WHERE f.image_id = $2`

// scans are how often a look-up reads the whole of fingerprints or images, and how
// many fingerprints it gets through the index.
func scans(t *testing.T, pool *pgxpool.Pool, p picture) (whole, rows int) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		before := counts(t, tx)
		lookUp(t, tx, "", p)
		after := counts(t, tx)
		whole, rows = after[0]-before[0], after[1]-before[1]
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return whole, rows
}

// counts are those of the connection.
func counts(t *testing.T, tx pgx.Tx) (n [2]int) {
	t.Helper()
	err := tx.QueryRow(t.Context(), `
		SELECT sum(seq_scan), sum(idx_tup_fetch) FILTER (WHERE relname = 'fingerprints')
		  FROM pg_stat_xact_user_tables WHERE relname IN ('fingerprints', 'images')`).Scan(&n[0], &n[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCrowd has more near-duplicates than a look-up examines.
func TestCrowd(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	p := drawn(t, 1, 0)
	first := store(t, pool, "", p)
	if _, err := pool.Exec(t.Context(), crowd, Examined+1000, first, true); err != nil {
		t.Fatal(err)
	}
	if found, _ := lookUp(t, pool, "", p); len(found) != MaxCandidates {
		t.Errorf("%d candidates", len(found))
	}
	if whole, rows := scans(t, pool, p); whole != 0 || rows != Examined {
		t.Errorf("%d scans of the table, %d rows", whole, rows)
	}
}

// TestIndexIsUsed looks into a table that is not known to the planner, and into
// one that is.
func TestIndexIsUsed(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	p := drawn(t, 1, 0)
	first := store(t, pool, "", p)
	if _, err := pool.Exec(t.Context(), crowd, 5000, first, false); err != nil {
		t.Fatal(err)
	}
	for _, analyzed := range []bool{false, true} {
		if found, _ := lookUp(t, pool, "", p); len(found) != 1 || found[0].ID != first {
			t.Errorf("%d candidates", len(found))
		}
		if whole, rows := scans(t, pool, p); whole != 0 || rows != 1 {
			t.Errorf("analyzed %v: %d scans of the table, %d rows", analyzed, whole, rows)
		}
		if _, err := pool.Exec(t.Context(), `ANALYZE`); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMalformedFingerprint(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	p := drawn(t, 1, 0)
	store(t, pool, "", p)
	if _, err := pool.Exec(t.Context(), `UPDATE fingerprints SET print = 'short'`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := find(t, pool, "", p); !errors.Is(err, fingerprint.ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	p := drawn(t, 1, 0)
	seen := fresh(t, pool)
	old := seen
	old.at = old.at.Add(-5 * time.Minute)
	if err := write(t, pool, newID(t), "", p, old); !errors.Is(err, ErrStale) {
		t.Errorf("an old look-up: %v", err)
	}
	var b pgx.Batch
	Queue(&b, newID(t), "", p.fingerprint, p.probes, seen)
	if err := pool.SendBatch(t.Context(), &b).Close(); err == nil || errors.Is(err, ErrStale) {
		t.Errorf("no picture: %v", err)
	}
	if found, _ := lookUp(t, pool, "", p); len(found) != 0 {
		t.Errorf("found %v", found)
	}
	id := newID(t)
	if err := write(t, pool, id, "", p, seen); err != nil {
		t.Fatal(err)
	}
	settled(t, pool)
	again, other := drawn(t, 2, 0), newID(t)
	var second pgx.Batch
	Queue(&second, id, "", again.fingerprint, again.probes, seen)
	if err := pool.SendBatch(t.Context(), &second).Close(); err != nil {
		t.Fatal(err)
	}
	if found, _ := lookUp(t, pool, "", again); len(found) != 1 || found[0].ID != id {
		t.Errorf("queued again: found %v", found)
	}
	if err := write(t, pool, other, "", again, seen); err != nil {
		t.Fatal(err)
	}
	if pairs := settled(t, pool); len(pairs) != 1 || pairs[0] != pairOf(id, other, 0) {
		t.Errorf("queued again: pairs %v", pairs)
	}
}
