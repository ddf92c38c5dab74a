package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"inlet/catalog"
	"inlet/db"
)

const (
	// A training begins once no more than one in missingShare labelled pictures lacks
	// features: a model of the others would not know what it does not know.
	missingShare = 50
	awaitEvery   = time.Second
)

// awaitFeatures waits until the labelled pictures have features, and enqueues those
// that lack them: after an import, or after the extractor's version rose, many do. It
// returns how many still lack them.
func (s *Service) awaitFeatures(ctx context.Context, report *progress) (lacking int, err error) {
	least, since, asked := -1, time.Now(), false
	for {
		missing, all, err := s.missingFeatures(ctx)
		if err != nil || len(missing)*missingShare <= all {
			return len(missing), err
		}
		if !asked {
			if err := s.Later.Features(ctx, missing); err != nil {
				return 0, err
			}
			asked = true
		}
		if least < 0 || len(missing) < least {
			least, since = len(missing), time.Now()
		}
		if time.Since(since) > s.Patience {
			s.Log.WarnContext(ctx, "a training begins without the features of some labelled pictures", "pictures", len(missing))
			return len(missing), nil
		}
		report.set("features", trainFrom*(1-float64(len(missing))/float64(all)))

		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(max(awaitEvery, 10*time.Millisecond*time.Duration(all/1000))):
		}
	}
}

// missingFeatures lists the labelled pictures without features of the extractor's
// version, and counts all labelled ones.
func (s *Service) missingFeatures(ctx context.Context) (missing []ID, all int, err error) {
	err = s.Catalog.EachLabelled(ctx, func(some []catalog.Labelled) error {
		ids := make([]ID, len(some))
		for i, l := range some {
			ids[i] = l.ID
		}
		all += len(ids)
		lack, err := db.Collect[uuid.UUID](ctx, s.Pool, missingQuery, ids, s.Extractor.Version())
		if err != nil {
			return fmt.Errorf("look for pictures without features: %w", err)
		}
		missing = append(missing, lack...)

		return nil
	})

	return missing, all, err
}
