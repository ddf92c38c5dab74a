package upload

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/db"
	"inlet/imaging"
	"inlet/link"
	"inlet/problem"
	"inlet/stats"
	"inlet/upload/match"
	"inlet/vault"
)

// commitStored stores a new picture: its content is durable already. Under the
// content's lock it makes sure that no deletion of the same bytes has taken them
// away in between.
func (s *Service) commitStored(ctx context.Context, a arrival, info imaging.Info, v verdict) (Result, error) {
	ctx, step := s.begin(ctx, "commit")
	defer step.end()
	id, err := uuid.NewV7()
	if err != nil {
		return Result{}, err
	}
	now, sum := s.Now().UTC(), a.staged.Sum()
	result := Result{
		Filename: a.filename, Status: Stored, ID: id, SHA256: sum, Format: info.Format,
		Width: info.Width, Height: info.Height, Bytes: a.staged.Size(),
	}
	event := s.event(a, result, now)
	event.Images, event.Bytes = 1, a.staged.Size()
	event.Formats = map[string]int64{string(info.Format): 1}
	if info.Meta.CameraName != "" {
		event.Cameras = map[string]int64{info.Meta.CameraName: 1}
	}
	event.Recent[0].Formats = event.Formats
	event.Recent[0].Flags = flagsOf(info)

	var b pgx.Batch
	link.QueueUse(&b, a.from.Grant, a.staged.Size())
	vault.QueueLock(&b, sum)
	s.Catalog.QueuePicture(&b, catalog.Picture{
		ID: id, Scope: a.scope, SHA256: sum, Bytes: a.staged.Size(), UploadedAt: now, Info: info,
	})
	if info.Fingerprint != nil {
		match.Queue(&b, id, a.scope, info.Fingerprint, info.Probes, v.seen)
	}
	for _, c := range v.near {
		catalog.QueueNear(&b, id, c.ID, c.Distance)
	}
	s.queueUpload(&b, a, result, now)
	if s.Later != nil && !slow(info.Format) { // those are decoded first
		s.Later.QueueFeatures(&b, id)
	}
	stats.Queue(&b, event)

	return result, s.commit(ctx, func(ctx context.Context) error {
		keepAgain := func() error { return s.Vault.Keep(ctx, a.staged) }
		if jobs := s.jobsFor(id, info, v); jobs != nil {
			return s.sendWithJobs(ctx, &b, jobs, keepAgain)
		}
		return s.send(ctx, &b, keepAgain)
	})
}

// commitDuplicate records that a file is a copy of a stored picture. info is what
// inspection read from the copy, nil where nobody looked into it; what its
// metadata say and the stored picture's do not enriches that one.
func (s *Service) commitDuplicate(ctx context.Context, a arrival, stored catalog.Matched, info *imaging.Info) (Result, error) {
	ctx, step := s.begin(ctx, "commit")
	defer step.end()
	now := s.Now().UTC()
	result := Result{
		Filename: a.filename, Status: Duplicate, ID: stored.ID, Match: stored.Match, Distance: stored.Distance,
		SHA256: stored.Sum(), Format: stored.Format, Width: stored.Width, Height: stored.Height, Bytes: stored.Bytes,
	}
	event := s.event(a, result, now)

	var b pgx.Batch
	link.QueueUse(&b, a.from.Grant, a.staged.Size())
	if info == nil || stored.Match == catalog.MatchExact {
		s.queueUpload(&b, a, result, now)
		stats.Queue(&b, event)

		return result, s.commit(ctx, func(ctx context.Context) error {
			if a.from.Grant.Limited() || a.from.Record != nil {
				return s.send(ctx, &b, func() error { return nil })
			}
			// Postgres takes a batch for one transaction, and commits it before its
			// answers are read: no statement of this one may be a required one
			// (db.QueueRequired).
			return s.Pool.SendBatch(ctx, &b).Close()
		})
	}

	return result, s.commit(ctx, func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
			if err := s.Catalog.Enrich(ctx, tx, stored.ID, *info, stored.Match, &event); err != nil {
				return err
			}
			catalog.QueueAlias(&b, catalog.Alias{
				Scope: a.scope, SHA256: a.staged.Sum(), ImageID: stored.ID, Match: stored.Match, Distance: stored.Distance,
			})
			s.queueUpload(&b, a, result, now)
			stats.Queue(&b, event)

			return tx.SendBatch(ctx, &b).Close()
		})
	})
}

// queueUpload records the accepted file.
func (s *Service) queueUpload(b *pgx.Batch, a arrival, r Result, now time.Time) {
	u := catalog.Upload{
		UploadedAt: now, ImageID: r.ID, LinkID: a.from.Grant.ID, Status: string(r.Status), Distance: r.Distance,
		Bytes: a.staged.Size(), Filename: a.filename, Client: s.client(a),
	}
	if r.Match != "" {
		u.Match = &r.Match
	}
	s.Catalog.QueueUpload(b, u)
	link.QueueFirstUse(b, a.from.Grant, now)
	if a.from.Record != nil {
		a.from.Record(b, r)
	}
}

// jobsFor lists what is left to do for a picture that is being stored; mostly nil.
func (s *Service) jobsFor(id uuid.UUID, info imaging.Info, v verdict) func(context.Context, pgx.Tx) error {
	decode := slow(info.Format)
	if s.Later == nil || !decode && len(v.later) == 0 {
		return nil
	}

	return func(ctx context.Context, tx pgx.Tx) error {
		if decode {
			return s.Later.Decode(ctx, tx, id)
		}
		var pairs [][2]uuid.UUID
		for _, c := range v.later {
			pairs = append(pairs, [2]uuid.UUID{c.ID, id})
		}

		return s.Later.Compare(ctx, tx, pairs)
	}
}

// slow tells the formats that a job decodes.
func slow(f imaging.Format) bool { return f == imaging.HEIC || f == imaging.AVIF }

// event is what an accepted file adds to the counters and tells the live feed.
func (s *Service) event(a arrival, r Result, now time.Time) stats.Delta {
	grant := a.from.Grant
	day := stats.Day{
		Date: now.Format(time.DateOnly), Accepted: 1, Bytes: a.staged.Size(),
		Client: hex.EncodeToString(s.client(a)),
	}
	d := stats.Delta{
		Accepted: 1,
		Links:    []stats.Link{{ID: grant.ID, Files: 1, Bytes: a.staged.Size(), LastUsedAt: now}},
		Live: &stats.Upload{
			Filename: r.Filename, Status: string(r.Status), ID: r.ID, Match: r.Match, Distance: r.Distance,
			SHA256: hex.EncodeToString(r.SHA256[:]), Format: string(r.Format), Width: r.Width, Height: r.Height, Bytes: r.Bytes,
			LinkID: grant.ID, Label: grant.Label,
		},
	}
	if r.Status == Stored {
		d.Stored, day.Stored = 1, 1
	} else {
		d.Duplicates, day.Duplicates = 1, 1
	}
	d.Days = []stats.Day{day}
	d.Recent = []stats.Recent{{At: now, Link: grant.ID, Accepted: 1, Stored: d.Stored, Duplicates: d.Duplicates}}

	return d
}

// flagsOf counts the quality flags with which a picture is stored; nil for none.
func flagsOf(info imaging.Info) map[string]int64 {
	var counts map[string]int64
	for _, flag := range info.Quality.Flags {
		if counts == nil {
			counts = map[string]int64{}
		}
		counts[flag]++
	}

	return counts
}

// client is the keyed hash that stands for a sender's address.
func (s *Service) client(a arrival) []byte {
	mac := hmac.New(sha256.New, s.ClientKey)
	mac.Write(a.from.Client.Unmap().AsSlice())

	return mac.Sum(nil)[:16]
}

// commit runs one transaction and tells what its failure means.
func (s *Service) commit(ctx context.Context, transaction func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.StoreWait)
	defer cancel()
	err := transaction(ctx)
	switch {
	case err == nil:
		s.Committed()
		return nil
	case raced(err), errors.Is(err, link.ErrExhausted):
		return err
	}

	return problem.StoreFailed(fmt.Errorf("commit an upload: %w", err))
}

// raced tells the failures after which a file starts over: somebody else stored,
// changed or deleted the picture meanwhile, or the look-up is too old.
func raced(err error) bool {
	return errors.Is(err, catalog.ErrRaced) || errors.Is(err, vault.ErrRemoving) || errors.Is(err, match.ErrStale) || db.Raced(err)
}
