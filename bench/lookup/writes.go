package main

import (
	"context"
	crypto "crypto/rand"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/imaging/fingerprint"
	"inlet/upload/match"
)

// writes measures the cost of a fingerprint beside a picture's row, and Settle.
func (s *store) writes(ctx context.Context, w io.Writer, n int) error {
	var without, with outcome
	r := rand.New(rand.NewPCG(1, 7))
	_, seen, err := match.Find(ctx, s.pool, "", queryOf(scene(r), -1).fingerprint, nil)
	if err != nil {
		return err
	}

	next := s.rows
	insert := func(o *outcome, count int, fingerprints bool) error {
		batch := pgx.Batch{}
		for range count {
			q, err := whole(queryOf(scene(r), -1))
			if err != nil {
				return err
			}
			s.queue(&batch, next)
			if fingerprints {
				match.Queue(&batch, idOf(next), "", q.fingerprint, q.probes, seen)
			}
			next++
		}

		started := time.Now()
		err := s.pool.SendBatch(ctx, &batch).Close() // one transaction
		o.took = append(o.took, time.Since(started))

		return err
	}

	for range min(n, 1000) {
		if err := insert(&without, 1, false); err != nil {
			return err
		}
		if err := insert(&with, 1, true); err != nil {
			return err
		}
	}

	fmt.Fprintf(w, "a picture's row alone %.2f ms, with its fingerprint %.2f ms: %.2f ms more, %.2f times\n", without.quantile(0.5),
		with.quantile(0.5), with.quantile(0.5)-without.quantile(0.5), with.quantile(0.5)/without.quantile(0.5))
	if err := s.settle(ctx, new(outcome)); err != nil {
		return err
	}

	const atOnce = 2000
	var many, settled outcome
	if err := insert(&many, atOnce, true); err != nil {
		return err
	}
	if err := s.settle(ctx, &settled); err != nil {
		return err
	}

	fmt.Fprintf(w, "%d pictures in one transaction %.2f ms each; settled in %.0f ms\n", atOnce, many.quantile(0.5)/atOnce, settled.quantile(0.5))

	return nil
}

// whole gives a query's fingerprint thumbnails that do not compress.
func whole(q query) (query, error) {
	text := make([]byte, fingerprint.Size)
	_, _ = crypto.Read(text) // never fails
	text[0], text[4] = 1, 1  // a width and a height
	h := q.fingerprint.Hash
	err := q.fingerprint.UnmarshalBinary(text)
	q.fingerprint.Hash = h

	return q, err
}

func (s *store) queue(b *pgx.Batch, n int) {
	sum := make([]byte, 32)
	_, _ = crypto.Read(sum) // never fails
	b.Queue(`INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at) VALUES ($1, $2, 'jpeg', 1, 1, 1, now())`, idOf(n), sum)
}

func (s *store) settle(ctx context.Context, o *outcome) error {
	started := time.Now()
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := match.Settle(ctx, tx)
		return err
	})

	o.took = append(o.took, time.Since(started))

	return err
}
