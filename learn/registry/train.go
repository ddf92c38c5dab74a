package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/learn"
	"inlet/problem"
)

// seed of all trainings: of the same labels comes the same model, which is no better
// than itself. With another seed each time, of many trainings one would be promoted by
// the luck of its split.
const seed = 1

// maxExamples bounds a training's memory: 400 MB of features. Of more labelled
// pictures the seed draws as many.
const maxExamples = 100_000

// errTooFew is what a request for a training hears that cannot succeed.
var errTooFew = problem.New(problem.BadRequest, "there are too few labels to learn from")

// enoughLabels tells whether two labels have enough pictures.
func (s *Service) enoughLabels(ctx context.Context) error {
	counts, err := s.Catalog.Labels(ctx)
	if err != nil {
		return err
	}
	enough, most := 0, int64(0)
	for _, c := range counts {
		if most = max(most, c.Images); c.Images >= int64(s.MinImages) {
			enough++
		}
	}
	if enough < 2 {
		return fmt.Errorf("%w: a model needs two labels with at least %d pictures each; there are %d labels, %d of them with so many, and the commonest has %d pictures",
			errTooFew, s.MinImages, len(counts), enough, most)
	}

	return nil
}

// Train runs the training of a request, unless another worker does, or has done so.
// It stores the model, and serves it if it is better than the serving one. It returns
// ErrOutranked where another process should do it.
func (s *Service) Train(ctx context.Context, request Request) error {
	if err := s.outranked(ctx); err != nil {
		return err
	}
	run := uuid.New()
	tag, err := s.Pool.Exec(ctx, claimQuery, request.ID, run, dead)
	if err != nil {
		return fmt.Errorf("claim a training: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	report := &progress{stage: "reading"}
	var beating sync.WaitGroup
	beating.Go(func() { s.keepBeating(ctx, run, report, cancel) })
	err = s.train(ctx, run, report)
	cut := ctx.Err() != nil
	if cause := context.Cause(ctx); cut && err != nil {
		err = errors.Join(cause, err)
	}
	cancel(nil)
	beating.Wait()

	if err != nil {
		if !cut {
			s.metrics.ended(failed)
		}
		ctx, release := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer release()
		_, releaseErr := s.Pool.Exec(ctx, releaseQuery, run, cut)
		return errors.Join(err, releaseErr)
	}

	return nil
}

// progress is how far a training is. One goroutine trains, another tells.
type progress struct {
	mu    sync.Mutex // guards both
	stage string
	done  float64
}

func (p *progress) set(stage string, done float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage, p.done = stage, done
}

func (p *progress) get() (stage string, done float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stage, p.done
}

// errLeaseLost says that another worker took the training over.
var errLeaseLost = errors.New("another worker has taken this training over")

// keepBeating renews the lease until ctx ends, and cancels a training that lost it. It
// gives up before another worker may claim the training.
func (s *Service) keepBeating(ctx context.Context, run uuid.UUID, p *progress, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(beat)
	defer tick.Stop()

	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		sent := time.Now()
		held, err := s.beat(ctx, run, p)
		switch {
		case err == nil && held:
			last = sent
		case err == nil, time.Since(last) > dead-3*beat:
			cancel(errLeaseLost)
			return
		}
	}
}

// beat says that the training lives, and how far it is.
func (s *Service) beat(ctx context.Context, run uuid.UUID, p *progress) (held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, beat)
	defer cancel()
	stage, done := p.get()
	tag, err := s.Pool.Exec(ctx, beatQuery, run, stage, done)

	return tag.RowsAffected() > 0, err
}

// trainFrom and trainTo are the share of a training's progress that learning takes; what
// comes before is reading.
const trainFrom, trainTo = 0.1, 0.95

// train reads the labels and the features, trains, compares and stores.
func (s *Service) train(ctx context.Context, run uuid.UUID, report *progress) error {
	lacking, err := s.awaitFeatures(ctx, report)
	if err != nil {
		return err
	}
	labels, _, at, err := s.Catalog.LabelChanges(ctx, time.Time{})
	if err != nil {
		return err
	}
	read := labels - int64(lacking) // the rest will count as changed
	set, split, err := s.examples(ctx, report)
	if err != nil {
		return err
	}

	debug.FreeOSMemory() // what reading has left would stand beside what training needs
	start := s.Now()
	m, err := learn.Train(ctx, set, learn.Options{Seed: seed, MinImages: s.MinImages, Split: split, Progress: func(stage string, done float64) {
		report.set(stage, trainFrom+(trainTo-trainFrom)*done)
	}})
	if errors.Is(err, learn.ErrTooFew) {
		return s.end(ctx, run, at, read, nil, Model{Reason: err.Error()})
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	s.metrics.trained(s.Now().Sub(start))

	report.set("compare", trainTo)
	serving, err := s.current(ctx)
	if err != nil && !errors.Is(err, ErrExtractor) {
		return err
	}
	var old *learn.Model
	if serving != nil {
		old = serving.Model
	}
	verdict := learn.Compare(m, old, set, seed)
	row := Model{
		Extractor: s.Extractor.Version(), Images: len(set.Examples), Seed: seed, Metrics: m.Metrics(),
		Promoted: verdict.Promote, Reason: verdict.Reason,
	}

	return s.end(ctx, run, at, read, m, row)
}

// end stores the outcome and gives the lease back, in one transaction: a worker that
// lost the lease stores nothing. Without a model the outcome is row.Reason.
func (s *Service) end(ctx context.Context, run uuid.UUID, at time.Time, read int64, m *learn.Model, row Model) error {
	outcome := row.Reason
	var stored *catalog.Version
	err := pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		if m != nil {
			version, err := addModel(ctx, tx, m, row)
			if err != nil {
				return err
			}
			stored = &version
			if outcome = version.String() + " is not promoted: " + row.Reason; row.Promoted {
				outcome = version.String() + " is promoted: " + row.Reason
				if err := s.promote(ctx, tx, version, nil); err != nil {
					return err
				}
			}
		}
		tag, err := tx.Exec(ctx, endQuery, run, at, read, outcome, stored)
		if err == nil && tag.RowsAffected() == 0 {
			err = errLeaseLost
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("store a training's outcome: %w", err)
	}
	s.Log.InfoContext(ctx, "a training has ended", "outcome", outcome)

	switch {
	case m == nil:
		s.metrics.ended(tooFew)
	case row.Promoted:
		s.metrics.ended(promoted)
	default:
		s.metrics.ended(notPromoted)
	}

	return nil
}

// examples reads the labelled pictures that have features.
func (s *Service) examples(ctx context.Context, report *progress) (set learn.Set, split string, err error) {
	all, err := s.labelled(ctx)
	if err != nil {
		return learn.Set{}, "", err
	}

	number := map[string]int{}
	for _, l := range all {
		for _, label := range l.Labels {
			number[label] = 0
		}
	}
	for label := range number {
		set.Labels = append(set.Labels, label)
	}
	slices.Sort(set.Labels)
	for i, label := range set.Labels {
		number[label] = i
	}

	var items []learn.Item
	for some := range slices.Chunk(all, page) {
		if items, err = s.addExamples(ctx, &set, items, some, number); err != nil {
			return learn.Set{}, "", err
		}
		report.set("read", trainFrom*float64(len(items))/float64(len(all)))
	}
	families, split := learn.Families(items)
	for i, family := range families {
		set.Examples[i].Family = family
	}

	return set, split, nil
}

// labelled reads the labelled pictures, at most maxExamples.
func (s *Service) labelled(ctx context.Context) (all []catalog.Labelled, err error) {
	order := rand.New(rand.NewPCG(seed, 0))
	seen := 0
	err = s.Catalog.EachLabelled(ctx, func(some []catalog.Labelled) error {
		for _, l := range some {
			seen++
			if len(all) < maxExamples {
				all = append(all, l)
			} else if i := order.IntN(seen); i < maxExamples { // reservoir sampling
				all[i] = l
			}
		}
		return nil
	})

	return all, err
}

// addExamples adds those of the pictures that have features.
func (s *Service) addExamples(ctx context.Context, set *learn.Set, items []learn.Item, some []catalog.Labelled, number map[string]int) ([]learn.Item, error) {
	ids := make([]ID, len(some))
	for i, l := range some {
		ids[i] = l.ID
	}
	vectors, err := s.Vectors(ctx, ids)
	if err != nil {
		return nil, err
	}
	near, err := s.Catalog.NearOf(ctx, ids)
	if err != nil {
		return nil, err
	}

	for _, l := range some {
		vector, there := vectors[l.ID]
		if !there {
			continue
		}
		example := learn.Example{ID: l.ID, Vector: vector}
		for _, label := range l.Labels {
			example.Labels = append(example.Labels, number[label])
		}
		slices.Sort(example.Labels)
		set.Examples = append(set.Examples, example)
		it := item(l, near[l.ID])
		it.Labels = example.Labels
		items = append(items, it)
	}

	return items, nil
}

// item is what tells to which family a picture belongs.
func item(l catalog.Labelled, near []ID) learn.Item {
	it := learn.Item{ID: l.ID, Link: l.Link, Client: string(l.Client), UploadedAt: l.UploadedAt}
	for _, other := range near {
		it.Near = append(it.Near, other)
	}
	if l.Camera != nil {
		it.Camera = *l.Camera
	}
	if l.CapturedAt != nil {
		it.CapturedAt = *l.CapturedAt
	}

	return it
}

// ignoring is err, but nil for one that changes nothing.
func ignoring(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}
