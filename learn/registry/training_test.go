package registry_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"inlet/learn/registry"
)

func TestTooFewLabels(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	for range 7 {
		f.picture(0, "cat")
		f.picture(1, "dog")
	}
	if _, err := f.RequestTraining(t.Context()); err == nil || errors.Is(err, registry.ErrTraining) {
		t.Errorf("seven pictures a label: %v", err)
	}
	// There are enough labels, but no features, and none come.
	f.options.Patience = time.Millisecond
	f.Service = registry.New(f.options)
	f.exec(`DELETE FROM features`)
	f.picture(0, "cat")
	f.picture(1, "dog")
	ended := f.train()
	if models, err := f.Models(t.Context()); len(models) != 0 || err != nil || ended.Outcome == "" || ended.EndedRequest == nil || ended.EndedModel != nil {
		t.Errorf("%+v, %v, %q", models, err, ended.Outcome)
	}
}

// The labels say nothing: no model of them serves.
func TestShuffledLabelsAreNotPromoted(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	for i := range 60 {
		f.picture(i%4, []string{"a", "b"}[rand.IntN(2)])
	}
	ended := f.train()
	if serving := f.number(`SELECT count(*) FROM models WHERE serving`); serving != 0 {
		t.Errorf("it serves: %s", ended.Outcome)
	}
}

// Two workers get the same job: one trains. A worker that dies is replaced, and what
// it does afterwards does not count.
func TestLease(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.labelled(10)
	_, err := f.RequestTraining(t.Context())
	must(t, err)
	if _, err := f.RequestTraining(t.Context()); !errors.Is(err, registry.ErrTraining) {
		t.Errorf("asked twice: %v", err)
	}
	request := f.later.requests[0]
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			if err := registry.New(f.options).Train(t.Context(), request); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	if n := f.number(`SELECT count(*) FROM models`); n != 1 {
		t.Errorf("%d models", n)
	}
	must(t, f.Train(t.Context(), request)) // once more, much later
	if n := f.number(`SELECT count(*) FROM models`); n != 1 {
		t.Errorf("%d models after it ran again", n)
	}
}

func TestRevive(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.labelled(10)
	_, err := f.RequestTraining(t.Context())
	must(t, err)
	must(t, f.Revive(t.Context()))
	if n := len(f.later.requests); n != 1 {
		t.Fatalf("a training that has just been asked for was enqueued %d times", n)
	}

	f.exec(`UPDATE training SET holder = $1, attempts = 1, beat_at = now() - interval '1 minute'`, uuid.New())
	must(t, f.Revive(t.Context()))
	if n := len(f.later.requests); n != 2 || f.later.requests[1] != f.later.requests[0] {
		t.Fatalf("requests: %v", f.later.requests)
	}
	must(t, f.Train(t.Context(), f.later.requests[1]))
	if n := f.number(`SELECT count(*) FROM models`); n != 1 {
		t.Errorf("%d models", n)
	}

	_, err = f.RequestTraining(t.Context())
	must(t, err)
	f.exec(`UPDATE training SET holder = $1, attempts = 5, beat_at = now() - interval '1 minute'`, uuid.New())
	must(t, f.Revive(t.Context()))
	ended, err := f.Training(t.Context())
	if err != nil || ended.Request != nil || ended.Outcome == "" || ended.EndedRequest == nil || ended.EndedModel != nil {
		t.Errorf("not given up: %+v, %v", ended, err)
	}
}

// A training that is cut off keeps its request.
func TestCutOff(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.labelled(10)
	_, err := f.RequestTraining(t.Context())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Train(ctx, f.later.requests[0]); err == nil {
		t.Error("it ended well")
	}
	must(t, f.Train(t.Context(), f.later.requests[0]))
	if n := f.number(`SELECT count(*) FROM models`); n != 1 {
		t.Errorf("%d models", n)
	}
}

func TestConsider(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.options.TrainEvery = time.Hour
	f.Service = registry.New(f.options)
	f.labelled(10)
	considered := func() int {
		must(t, f.Consider(t.Context()))
		return len(f.later.requests)
	}
	if n := considered(); n != 0 {
		t.Errorf("considered too early: %d", n)
	}
	f.exec(`UPDATE training SET considered_at = now() - interval '2 hours'`)
	if n := considered(); n != 1 {
		t.Errorf("%d trainings", n)
	}
	if n := considered(); n != 1 {
		t.Errorf("%d trainings a moment later", n)
	}
	must(t, f.Train(t.Context(), f.later.requests[0]))
	f.exec(`UPDATE training SET considered_at = now() - interval '2 hours'`)
	if n := considered(); n != 1 {
		t.Errorf("%d trainings though no label changed", n)
	}
	f.exec(`DELETE FROM labels WHERE image_id IN (SELECT image_id FROM labels LIMIT 8)`)
	f.labelled(2)
	f.exec(`UPDATE training SET considered_at = now() - interval '2 hours'`)
	if n := considered(); n != 2 {
		t.Errorf("%d trainings after twelve changes", n)
	}
	must(t, f.Train(t.Context(), f.later.requests[1]))
	f.exec(`UPDATE training SET considered_at = now() - interval '2 hours'`)
	f.exec(`UPDATE models SET extractor = 'earlier'`)
	if n := considered(); n != 3 {
		t.Errorf("%d trainings after the extractor changed", n)
	}
	if f.options.TrainEvery = 0; registry.New(f.options).Consider(t.Context()) != nil || len(f.later.requests) != 3 {
		t.Error("0 means never")
	}
}

// A process whose nets are damaged undoes nothing, and trains nothing.
func TestOutranked(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.options.TrainEvery = time.Hour
	f.Service = registry.New(f.options)
	cats, _ := f.labelled(10)
	f.exec(`UPDATE features SET extractor = 'hand1+mobile1+objectron1'`)
	f.exec(`UPDATE training SET considered_at = now() - interval '2 hours'`)
	must(t, f.Consider(t.Context()))
	must(t, f.Describe(t.Context(), cats[0]))
	if _, err := f.RequestTraining(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.Train(t.Context(), f.later.requests[0]); !errors.Is(err, registry.ErrOutranked) || len(f.later.requests) != 1 {
		t.Errorf("%v, %d trainings", err, len(f.later.requests))
	}
	if n := f.number(`SELECT count(*) FROM features WHERE extractor = 'hand1'`); n != 0 {
		t.Errorf("%d vectors were replaced", n)
	}
}

// trainHalf begins a training while half of the labelled pictures, 12, lack features.
func (f *fixture) trainHalf() (done <-chan error) {
	f.t.Helper()
	f.labelled(12)
	f.exec(`UPDATE features SET extractor = 'hand0' WHERE image_id IN (SELECT image_id FROM features LIMIT 12)`)
	_, err := f.RequestTraining(f.t.Context())
	must(f.t, err)
	ended := make(chan error)
	go func() { ended <- f.Train(f.t.Context(), f.later.requests[0]) }()

	return ended
}

// Half of the labelled pictures lack features: a training enqueues them, and waits.
func TestTrainingAwaitsFeatures(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	done := f.trainHalf()
	asked := func() int {
		f.later.mu.Lock()
		defer f.later.mu.Unlock()
		return len(f.later.features)
	}
	f.eventually("the features are enqueued", func() bool { return asked() == 12 })
	f.exec(`UPDATE features SET extractor = 'hand1'`)
	must(t, <-done)
	if n := f.number(`SELECT images FROM models`); n != 24 {
		t.Errorf("it was trained on %d pictures", n)
	}
}

// A worker that falls silent loses its training, and stores nothing.
func TestLostLease(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	done := f.trainHalf()
	f.eventually("it runs", func() bool { return f.number(`SELECT count(*) FROM training WHERE holder IS NOT NULL`) == 1 })
	f.exec(`UPDATE training SET holder = $1`, uuid.New())
	f.exec(`UPDATE features SET extractor = 'hand1'`)
	if err := <-done; err == nil {
		t.Error("it ended well")
	}
	if n := f.number(`SELECT count(*) FROM models`); n != 0 {
		t.Errorf("%d models", n)
	}
}
