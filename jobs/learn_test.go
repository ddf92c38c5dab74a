package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/jobs"
	"inlet/learn/registry"
	"inlet/upload"
)

// The statement that travels with an upload's commit inserts what River would.
func TestQueueFeaturesIsRiversInsert(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	id := uuid.New()
	var batch pgx.Batch
	f.enqueuer.QueueFeatures(&batch, id)
	must(t, f.Pool.SendBatch(t.Context(), &batch).Close())
	must(t, f.enqueuer.Features(t.Context(), []uuid.UUID{id}))
	f.exec(`UPDATE river_job SET priority = 1 WHERE priority = 3`) // that of pictures that nobody waits for

	if n := f.count(`
		SELECT count(*) FROM (SELECT DISTINCT to_jsonb(j) - 'id' - 'created_at' - 'scheduled_at' FROM river_job j) AS kinds_of_row`); n != 1 {
		t.Errorf("%d kinds of row", n)
	}
	if n := f.count(`SELECT count(*) FROM river_job WHERE scheduled_at <= now() AND created_at <= now() AND kind = 'features'`); n != 2 {
		t.Errorf("%d jobs may run", n)
	}
}

// drawn is a picture of stripes or of a disc, no two of them alike.
func drawn(stripes bool, n uint64) []byte {
	random := rand.New(rand.NewPCG(n, 1))
	m := image.NewRGBA(image.Rect(0, 0, 96, 96))
	shade, step, x0, y0, r := uint8(random.IntN(120)), 5+random.IntN(6), 30+random.IntN(36), 30+random.IntN(36), 12+random.IntN(14)
	for y := range 96 {
		for x := range 96 {
			inside := (x-x0)*(x-x0)+(y-y0)*(y-y0) < r*r
			if stripes {
				inside = (x+int(n)*3)/step%2 == 0
			}
			c := color.RGBA{220, 230, 250, 255}
			if inside {
				c = color.RGBA{shade, 40, 120, 255}
			}
			c.R += uint8(random.IntN(9))
			m.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, m)

	return b.Bytes()
}

// Pictures are uploaded, some are labelled, a model is trained, and the others are
// predicted: those that were there, and one that comes later.
func TestLearns(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	var ids []uuid.UUID
	for n := range uint64(40) {
		r := f.send(drawn(n%2 == 0, n))
		if r.Status != upload.Stored {
			t.Fatalf("%+v", r)
		}
		ids = append(ids, r.ID)
	}
	f.start()
	f.eventually("the features", func() bool { return f.count(`SELECT count(*) FROM features WHERE vector IS NOT NULL`) == len(ids) })

	kind := func(i int) string { return []string{"stripes", "disc"}[i%2] }
	for i, id := range ids[:24] {
		_, err := f.Catalog.SetLabels(t.Context(), id, []string{kind(i)})
		must(t, err)
	}
	_, err := f.Registry.RequestTraining(t.Context())
	must(t, err)
	f.eventually("the model", func() bool { return f.count(`SELECT count(*) FROM models WHERE serving`) == 1 })
	f.eventually("the predictions", func() bool { return f.count(`SELECT count(*) FROM predictions WHERE rank = 1`) == len(ids) })

	late := f.send(drawn(true, 100))
	f.eventually("the prediction for a new picture", func() bool {
		return f.count(`SELECT count(*) FROM predictions WHERE rank = 1 AND image_id = $1`, late.ID) == 1
	})
	wrong := 0
	for i, id := range append(slices.Clone(ids[24:]), late.ID) {
		doc, err := f.Catalog.Metadata(t.Context(), id)
		must(t, err)
		if doc.Predictions[0].Label != kind(i) {
			wrong++
		}
	}
	if wrong > 1 {
		t.Errorf("%d of 17 predictions are wrong", wrong)
	}
}

// A picture that nothing decodes gets no features, and its job ends.
func TestFeaturesOfTheUndecodable(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	picture := f.stored("imaging/testdata/scenes/cmyk.jpg")
	f.exec(`UPDATE images SET format = 'png' WHERE id = $1`, picture.ID) // its decoder takes no JPEG
	f.start()
	f.ran("done", "features")
	if n := f.count(`SELECT count(*) FROM features WHERE vector IS NULL`); n != 1 {
		t.Errorf("%d rows without features", n)
	}
}

// A HEIC has features once it is decoded.
func TestFeaturesOfASlowFormat(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	f.stored("cmd/inlet/testdata/scene.heic")
	if n := f.jobs("features", "available"); n != 0 {
		t.Errorf("%d jobs before it is decoded", n)
	}
	f.start()
	f.eventually("its features", func() bool { return f.count(`SELECT count(*) FROM features WHERE vector IS NOT NULL`) == 1 })
}

// Pictures of an earlier release have no features: a task makes them.
func TestFillsFeatures(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	f.send(drawn(true, 1))
	f.send(drawn(false, 2))
	f.exec(`DELETE FROM river_job`)
	f.start()
	f.eventually("the features", func() bool { return f.count(`SELECT count(*) FROM features WHERE vector IS NOT NULL`) == 2 })
}

// A worker dies in the middle of a job: another one runs it once its time is over.
func TestDeadJobsRunAgain(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	f.send(drawn(true, 1))
	f.exec(`UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '3 minutes', attempted_by = '{dead}'`)
	f.start()
	f.eventually("the features", func() bool { return f.count(`SELECT count(*) FROM features WHERE vector IS NOT NULL`) == 1 })
}

func TestBrowse(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	must(t, f.enqueuer.Train(t.Context(), registry.Request{ID: uuid.New()}))
	f.exec(`
		UPDATE river_job SET state = 'discarded', attempt = 3, finalized_at = now(), attempted_at = now(),
			errors = ARRAY['{"attempt":3,"at":"2026-01-01T00:00:00Z","error":"the disk burns","trace":""}'::jsonb]`)
	counts, err := f.enqueuer.Counts(t.Context())
	if err != nil || len(counts) != 1 || counts[0].Kind != "train" || counts[0].State != "discarded" || counts[0].Jobs != 1 {
		t.Errorf("%+v, %v", counts, err)
	}

	// One that runs tomorrow has not waited; an earlier name of a kind is that kind.
	f.exec(`
		INSERT INTO river_job (kind, state, args, max_attempts, scheduled_at)
		VALUES ('fold', 'scheduled', '{}', 1, now() + interval '1 day'), ('merge', 'scheduled', '{}', 1, now() + interval '2 days')`)
	counts, err = f.enqueuer.Counts(t.Context())
	if want := (jobs.Count{Kind: "merge", State: "scheduled", Jobs: 2}); err != nil || !slices.Contains(counts, want) {
		t.Errorf("%+v, %v; want %+v", counts, err, want)
	}

	list, err := f.enqueuer.Troubled(t.Context())
	if err != nil || len(list) != 1 || list[0].Error != "the disk burns" {
		t.Fatalf("%+v, %v", list, err)
	}
	job, err := f.enqueuer.Retry(context.Background(), list[0].ID)
	if err != nil || job.State != "available" {
		t.Errorf("%+v, %v", job, err)
	}
	if _, err := f.enqueuer.Retry(t.Context(), 999_999); !errors.Is(err, jobs.ErrNoJob) {
		t.Errorf("an unknown job: %v", err)
	}

	f.exec(`UPDATE river_job SET state = 'completed', finalized_at = now()`)
	if _, err := f.enqueuer.Retry(t.Context(), job.ID); !errors.Is(err, jobs.ErrNoJob) {
		t.Errorf("a completed job: %v", err)
	}
	if n := f.count(`SELECT count(*) FROM river_job WHERE state = 'completed' AND id = $1`, job.ID); n != 1 {
		t.Error("a completed job runs again")
	}
}
