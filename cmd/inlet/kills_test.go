package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/db/dbtest"
	"inlet/embedded/redistest"
)

// Workers are killed again and again while they make features, train, and predict.
// In the end every picture has its features and predictions, and each training that
// was asked for has left one model. INLET_TEST_KILLS is the number of kills; without
// it the test is skipped, since the jobs of the dead run again only after a minute.
func TestWorkersKilled(t *testing.T) {
	t.Parallel()
	kills, _ := strconv.Atoi(os.Getenv("INLET_TEST_KILLS"))
	if kills <= 0 {
		t.Skip("INLET_TEST_KILLS is not set: make kills")
	}
	database, dir := dbtest.URL(t), t.TempDir()
	settings := []string{
		"INLET_DATABASE_URL=" + database, "INLET_REDIS_URL=" + redistest.Start(t).URL, "INLET_BLOB_URL=file://" + dir + "/pictures",
		"INLET_ADMIN_TOKEN=operator token of the tests", "INLET_LINK_KEYS=" + goodKeys,
	}
	api := start(t, t.TempDir(), append(settings, "INLET_ROLE=api")...)
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	count := func(query string) (n int) {
		if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}

	const pictures = 120
	ids := api.sendShapes(t, 0, pictures)
	trainings := 0
	for range kills {
		worker := start(t, t.TempDir(), append(settings, "INLET_ROLE=worker")...)
		if count(`SELECT count(*) FROM features`) > 40 && count(`SELECT count(*) FROM training WHERE request IS NOT NULL`) == 0 {
			api.label(t, ids[:40])
			api.ask(t, "POST", "/v1/models/train", nil, 202)
			trainings++
		}
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond)
		if err := worker.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		worker.Wait()
	}

	start(t, t.TempDir(), append(settings, "INLET_ROLE=worker")...)
	within(t, 5*time.Minute, "features of all pictures", func() bool {
		return count(`SELECT count(*) FROM features WHERE vector IS NOT NULL`) == pictures
	})
	if trainings == 0 {
		api.label(t, ids[:40])
		api.ask(t, "POST", "/v1/models/train", nil, 202)
		trainings++
	}
	within(t, 5*time.Minute, "the end of the training", func() bool {
		return count(`SELECT count(*) FROM training WHERE request IS NOT NULL`) == 0
	})
	within(t, 5*time.Minute, "predictions for all pictures", func() bool {
		return count(`SELECT count(*) FROM predictions p JOIN models m ON m.version = p.model AND m.serving WHERE rank = 1`) == pictures
	})
	if models := count(`SELECT count(*) FROM models`); models != trainings {
		t.Errorf("%d trainings left %d models", trainings, models)
	}
	t.Logf("%d kills, %d trainings", kills, trainings)
}

// sendShapes uploads pictures of two kinds in turns, and returns their ids.
func (r *running) sendShapes(t *testing.T, from, n int) (ids []string) {
	t.Helper()
	link := r.link(t)
	for i := range n {
		m := shapes(from+i, 160, 120)
		if i%2 == 0 { // night
			for p := range m.Pix {
				if p%4 != 3 { // alpha
					m.Pix[p] /= 4
				}
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		status, answer := r.post(t, link, "application/octet-stream", b.Bytes())
		if status != 201 {
			t.Fatalf("%d: %s", status, answer)
		}
		ids = append(ids, decode[results](t, answer).Results[0].ID)
	}

	return ids
}

// label labels pictures that sendShapes has sent.
func (r *running) label(t *testing.T, ids []string) {
	t.Helper()
	for i, id := range ids {
		body, err := json.Marshal(map[string][]string{"labels": {[]string{"night", "day"}[i%2]}})
		if err != nil {
			t.Fatal(err)
		}
		r.ask(t, "PUT", fmt.Sprintf("/v1/images/%s/labels", id), body, 200)
	}
}

// within is eventually for what takes longer.
func within(t *testing.T, most time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(most); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
