package upload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"inlet/blob"
	"inlet/imaging"
	"inlet/imaging/fingerprint"
	"inlet/problem"
	"inlet/upload/lookalike"
)

// Bounds of what one file may cost when it looks like many stored pictures, as
// the pages of one form do. Those nearest to it are looked at first; the others
// are listed as near.
const (
	maxCompared = 8
	maxNear     = 16
)

// alike is what was found of stored pictures that look like a file's.
type alike struct {
	seen lookalike.Seen
	// copy is the stored picture that the file is a copy of, if there is one.
	copy *lookalike.Candidate
	// near are others, and those of them that are compared later, by a job: their
	// pixels take long to decode.
	near  []lookalike.Candidate
	later []lookalike.Candidate
}

// judge tells of which of the pictures that look alike the file is a copy.
func (s *Service) judge(ctx context.Context, a arrival, info imaging.Info, found looks) (alike, error) {
	if info.Fingerprint == nil {
		return alike{}, nil
	}
	own := &sight{
		s: s, whose: partyOf(a.from), print: info.Fingerprint, format: info.Format, width: info.Width, height: info.Height,
		frames: info.Frames, duration: info.Duration,
		open: func(context.Context) (content, error) { return stagedContent{a.staged}, nil },
	}
	result := alike{seen: found.seen}
	near, closer := sortOut(own, found.alike)
	for _, c := range closer {
		same, err := s.isCopy(ctx, own, s.sightOf(c))
		switch {
		case errors.Is(err, imaging.ErrNotReady):
			result.later = append(result.later, c)
			near = append(near, c)
		case err != nil:
			return alike{}, err
		case same: // what it resembles is known of the picture that is kept
			return alike{copy: &c}, nil
		default:
			near = append(near, c)
		}
	}
	result.near = nearest(near)
	return result, nil
}

// sortOut tells by the prints alone which candidates are near at most, and which
// the picture may be a copy of, in the order in which they are preferred: the
// one with the most pixels, the oldest of equals.
func sortOut(own *sight, found []lookalike.Candidate) (near, closer []lookalike.Candidate) {
	for _, c := range found { // the nearest first
		switch fingerprint.Compare(c.Fingerprint, own.print).Kind {
		case fingerprint.Different:
		case fingerprint.NearDuplicate:
			near = append(near, c)
		default:
			if len(closer) == maxCompared || !own.mayCopy(c) {
				near = append(near, c)
			} else {
				closer = append(closer, c)
			}
		}
	}
	slices.SortStableFunc(closer, func(x, y lookalike.Candidate) int {
		return cmp.Or(cmp.Compare(y.Width*y.Height, x.Width*x.Height), x.UploadedAt.Compare(y.UploadedAt))
	})
	return near, closer
}

func nearest(near []lookalike.Candidate) []lookalike.Candidate {
	slices.SortStableFunc(near, func(x, y lookalike.Candidate) int { return cmp.Compare(x.Distance, y.Distance) })
	return near[:min(len(near), maxNear)]
}

// isCopy compares the pixels of two pictures whose prints are alike. Whoever
// cannot be decoded is a copy of nothing.
func (s *Service) isCopy(ctx context.Context, x, y *sight) (bool, error) {
	if s.Exact {
		return false, nil
	}
	release, err := s.comparisons.take(ctx, x.whose)
	if err != nil {
		return false, err
	}
	defer release()
	ctx, step := s.begin(ctx, "compare")
	defer step.end()
	for _, frame := range x.telling() {
		kind, err := compare(ctx, x, y, frame)
		switch {
		case errors.Is(err, imaging.ErrUndecodable), errors.Is(err, imaging.ErrTooManyPixels), errors.Is(err, blob.ErrNotFound):
			return false, nil // deleted meanwhile, too: the commit finds out
		case err != nil && isStorage(err):
			return false, problem.StoreFailed(err)
		case err != nil:
			return false, fmt.Errorf("compare pictures: %w", err)
		case kind != fingerprint.Match:
			return false, nil
		}
	}
	return true, nil
}

// compare looks at one frame of both, at a reduced scale first: most pairs that
// are not the same end there.
func compare(ctx context.Context, x, y *sight, frame int) (kind fingerprint.Kind, err error) {
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
