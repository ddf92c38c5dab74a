package upload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"inlet/blob"
	"inlet/catalog"
	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/problem"
	"inlet/upload/match"
)

// Bounds of what one file costs that resembles many stored pictures, as the pages
// of one form do: the nearest are compared, and the nearest of the others listed
// as near-duplicates.
const (
	maxCompared = 8
	maxNear     = 16
)

// verdict is what matching a file came to.
type verdict struct {
	// copyOf is the stored picture that the file is a copy of; nil: none.
	copyOf *catalog.Matched
	// near are near-duplicates. A job compares later: their pixels take seconds.
	near, later []match.Candidate
	// seen goes with the fingerprint of a picture that is stored.
	seen match.Seen
}

// match tells of which stored picture the file is a copy, by its payload or by
// what it shows.
func (s *Service) match(ctx context.Context, a arrival, info imaging.Info) (verdict, error) {
	copyOf, candidates, seen, err := s.candidates(ctx, a, info)
	if err != nil || copyOf != nil || info.Fingerprint == nil {
		return verdict{copyOf: copyOf, seen: seen}, err
	}

	own := &subject{
		s: s, tenant: tenantOf(a.from), fingerprint: info.Fingerprint, format: info.Format, width: info.Width, height: info.Height,
		frames: info.Frames, duration: info.Duration,
		open: func(context.Context) (contentReader, error) { return stagedContent{a.staged}, nil },
	}
	v := verdict{seen: seen}
	undecided, near := sortOut(own, candidates)
	for _, c := range undecided {
		isCopy, err := s.isCopy(ctx, own, s.subjectOf(c))
		switch {
		case errors.Is(err, imaging.ErrNotReady):
			v.later = append(v.later, c)
			near = append(near, c)
		case err != nil:
			return verdict{}, err
		case isCopy: // the stored picture has near-duplicates of its own
			return verdict{copyOf: &catalog.Matched{Stored: c.Stored, Match: catalog.MatchPerceptual, Distance: &c.Distance}}, nil
		default:
			near = append(near, c)
		}
	}
	v.near = nearest(near)

	return v, nil
}

// candidates asks for the picture with the same payload and for pictures that may
// match, in one round trip.
func (s *Service) candidates(ctx context.Context, a arrival, info imaging.Info) (copyOf *catalog.Matched, found []match.Candidate, seen match.Seen, err error) {
	ctx, step := s.begin(ctx, "candidates")
	defer step.end()
	ctx, cancel := context.WithTimeout(ctx, s.StoreWait)
	defer cancel()

	var batch pgx.Batch
	if info.Payload != nil {
		catalog.QueueFindPayload(&batch, a.scope, *info.Payload, a.staged.Sum(), func(m *catalog.Matched) { copyOf = m })
	}
	if info.Fingerprint != nil {
		match.QueueFind(&batch, a.scope, info.Fingerprint, info.Probes, func(c []match.Candidate, at match.Seen) { found, seen = c, at })
	}
	if batch.Len() > 0 {
		err = problem.StoreFailed(s.Pool.SendBatch(ctx, &batch).Close())
	}

	return copyOf, found, seen, err
}

// sortOut tells by the fingerprints alone which candidates are near-duplicates at
// most, and of which the picture may be a copy, in the order of preference: the
// one with the most pixels, the oldest of equals.
func sortOut(own *subject, candidates []match.Candidate) (undecided, near []match.Candidate) {
	for _, c := range candidates { // the nearest first
		switch fingerprint.Compare(c.Fingerprint, own.fingerprint).Kind {
		case fingerprint.Different:
		case fingerprint.NearDuplicate:
			near = append(near, c)
		default:
			if len(undecided) == maxCompared || !own.mayCopy(c) {
				near = append(near, c)
			} else {
				undecided = append(undecided, c)
			}
		}
	}
	slices.SortStableFunc(undecided, func(x, y match.Candidate) int {
		return cmp.Or(cmp.Compare(y.Width*y.Height, x.Width*x.Height), x.UploadedAt.Compare(y.UploadedAt))
	})

	return undecided, near
}

func nearest(near []match.Candidate) []match.Candidate {
	slices.SortStableFunc(near, func(x, y match.Candidate) int { return cmp.Compare(x.Distance, y.Distance) })

	return near[:min(len(near), maxNear)]
}

// isCopy compares the pixels of two pictures whose fingerprints match. A picture
// that cannot be decoded is a copy of nothing.
func (s *Service) isCopy(ctx context.Context, x, y *subject) (bool, error) {
	if s.Exact {
		return false, nil
	}
	release, err := s.comparisons.take(ctx, x.tenant)
	if err != nil {
		return false, err
	}
	defer release()
	ctx, step := s.begin(ctx, "compare")
	defer step.end()

	for _, frame := range x.sample() {
		kind, err := compare(ctx, x, y, frame)
		switch {
		case errors.Is(err, imaging.ErrUndecodable), errors.Is(err, imaging.ErrTooManyPixels), errors.Is(err, blob.ErrNotFound):
			return false, nil // deleted meanwhile, too: the commit finds out
		case err != nil:
			return false, fmt.Errorf("compare pictures: %w", storageFailed(err))
		case kind != fingerprint.Match:
			return false, nil
		}
	}

	return true, nil
}

// compare compares one frame of both, at a reduced scale first: most pairs that
// do not match end there.
func compare(ctx context.Context, x, y *subject, frame int) (kind fingerprint.Kind, err error) {
	for _, side := range []int{fingerprint.Side, fingerprint.FullSide} {
		want := imaging.Want{Side: side, Frame: frame}
		a, err := x.picture(ctx, want)
		if err != nil {
			return kind, err
		}
		b, err := y.picture(ctx, want)
		if err != nil {
			return kind, err
		}
		if kind = fingerprint.Verify(a, b); kind != fingerprint.Undecided {
			break
		}
	}

	return kind, nil
}
