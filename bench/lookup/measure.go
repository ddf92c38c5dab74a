package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"inlet/imaging/fingerprint"
	"inlet/upload/match"
)

// kind is a way to make queries.
type kind struct {
	name string
	make func(r *rand.Rand, rows int) query
}

func kinds() []kind {
	of := func(change func(*amounts, *rand.Rand) *amounts) func(*rand.Rand, int) query {
		return func(r *rand.Rand, rows int) query {
			n := r.IntN(rows)
			for isPage(n) {
				n = r.IntN(rows)
			}
			return queryOf(change(picture(n), r), n)
		}
	}

	return []kind{
		{"copies", of(copied)},
		{"altered", of(altered)},
		{"new pictures", func(r *rand.Rand, _ int) query { return queryOf(scene(r), -1) }},
		{"new pages of forms", func(r *rand.Rand, _ int) query {
			return queryOf(form(formOf(r)).noisy(r, 0.05+0.35*r.Float64()), -1)
		}},
		{"copies of pages", func(r *rand.Rand, rows int) query {
			n := r.IntN(rows/pagesOf)*pagesOf + 7
			return queryOf(copied(picture(n), r), n)
		}},
	}
}

// outcome sums up many look-ups or writes.
type outcome struct {
	mu         sync.Mutex
	took       []time.Duration
	candidates int
	near       int // copies within the distance of a candidate
	found      int // copies among the candidates
	processor  time.Duration
}

func (o *outcome) quantile(q float64) float64 {
	slices.Sort(o.took)
	return ms(o.took[min(len(o.took)-1, int(q*float64(len(o.took))))])
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// measure prints all measurements of a store.
func (s *store) measure(ctx context.Context, w io.Writer, n int) error {
	fmt.Fprintf(w, "\n%d rows, loaded in %.0f s\n", s.rows, s.loaded.Seconds())
	if err := s.sizes(ctx, w); err != nil {
		return err
	}
	if err := s.restart(ctx); err != nil {
		return err
	}

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer t.Flush()
	fmt.Fprintln(t, "look-ups\tclients\tp50 ms\tp99 ms\tprocessor ms\tcandidates\tfound\t")
	all := kinds()
	if err := s.row(ctx, t, all[0], "after a restart", min(n, 200), 1); err != nil {
		return err
	}

	// Fill the server's cache before the next measurements.
	if _, err := s.lookUps(ctx, all[2], 2*n, 2, 1); err != nil {
		return err
	}

	for _, k := range all {
		for _, clients := range []int{1, 4} {
			if err := s.row(ctx, t, k, "", n, clients); err != nil {
				return err
			}
		}
	}

	if err := t.Flush(); err != nil {
		return err
	}
	if err := s.scan(ctx, w); err != nil {
		return err
	}

	return s.writes(ctx, w, n)
}

// row measures look-ups of a kind and prints a line.
func (s *store) row(ctx context.Context, w io.Writer, k kind, when string, n, clients int) error {
	o, err := s.lookUps(ctx, k, n, clients, uint64(clients+len(when)))
	if err != nil {
		return err
	}

	found := "–"
	if o.near > 0 {
		found = fmt.Sprintf("%.2f%% of %d", 100*float64(o.found)/float64(o.near), o.near)
	}

	fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.1f\t%s\t\n", strings.TrimSpace(k.name+" "+when), clients,
		o.quantile(0.5), o.quantile(0.99), ms(o.processor)/float64(n), float64(o.candidates)/float64(n), found)
	return nil
}

// lookUps measures Find with n queries, and counts the copies that find their
// source.
func (s *store) lookUps(ctx context.Context, k kind, n, clients int, seed uint64) (*outcome, error) {
	queries := make([]query, n)
	r := rand.New(rand.NewPCG(seed, 6))
	for i := range queries {
		queries[i] = k.make(r, s.rows)
	}

	var (
		o     outcome
		group sync.WaitGroup
		errs  = make([]error, clients)
	)
	before, err := s.processor(ctx)
	if err != nil {
		return nil, err
	}

	for c := range clients {
		group.Go(func() {
			for i := c; i < n && errs[c] == nil; i += clients {
				errs[c] = s.lookUp(ctx, &o, queries[i])
			}
		})
	}

	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}

	after, err := s.processor(ctx)
	o.processor = after - before

	return &o, err
}

func (s *store) lookUp(ctx context.Context, o *outcome, q query) error {
	started := time.Now()
	candidates, _, err := match.Find(ctx, s.pool, "", q.fingerprint, q.probes)
	took := time.Since(started)
	if err != nil {
		return err
	}

	o.mu.Lock()
	defer o.mu.Unlock()
	o.took = append(o.took, took)
	o.candidates += len(candidates)
	if q.source < 0 || q.fingerprint.Hash.Distance(queryOf(picture(q.source), 0).fingerprint.Hash) > fingerprint.MaxDistance {
		return nil
	}

	o.near++
	id := idOf(q.source)
	if slices.ContainsFunc(candidates, func(c match.Candidate) bool { return c.ID == id }) {
		o.found++
	}

	return nil
}

// sizes prints the sizes of the table and its indexes.
func (s *store) sizes(ctx context.Context, w io.Writer) error {
	var table, bands, key string
	err := s.pool.QueryRow(ctx, `
		SELECT pg_size_pretty(pg_table_size('fingerprints')), pg_size_pretty(pg_relation_size('fingerprints_bands')),
		       pg_size_pretty(pg_relation_size('fingerprints_pkey'))`).Scan(&table, &bands, &key)
	fmt.Fprintf(w, "fingerprints %s, index of bands %s, primary key %s\n", table, bands, key)

	return err
}

// scan measures a search without bands.
func (s *store) scan(ctx context.Context, w io.Writer) error {
	started := time.Now()
	var near int
	err := s.pool.QueryRow(ctx, `
		SELECT count(*) FROM fingerprints a, (SELECT hash FROM fingerprints LIMIT 1) b WHERE bit_count(a.hash # b.hash) <= $1`,
		fingerprint.MaxDistance).Scan(&near)
	fmt.Fprintf(w, "a scan of the table, up to three processes: %.0f ms\n", ms(time.Since(started)))

	return err
}
