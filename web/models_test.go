package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"inlet/learn/registry"
)

// describe gives a stored picture its features and its label.
func (s *testServer) describePicture(n int, label string) string {
	s.t.Helper()
	id := s.store(fmt.Sprintf("%d.png", n), pngOf(n)).ID
	if _, err := s.pool.Exec(context.Background(), `
		INSERT INTO features (image_id, extractor, vector)
		SELECT $1, $2, decode(string_agg(CASE WHEN (i % 2 = 0) = $3 THEN '40' ELSE 'c0' END || lpad(to_hex((i * $4) % 7), 2, '0'), ''), 'hex')
		  FROM generate_series(1, $5::integer / 2) AS i`,
		id, s.Registry.Extractor.Version(), label == "cat", n, s.Registry.Extractor.Dims()); err != nil {
		s.t.Fatal(err)
	}
	if label != "" {
		s.operator("PUT", "/v1/images/"+id+"/labels", `{"labels":["`+label+`"]}`)
	}

	return id
}

// runTraining does what a worker does.
func (s *testServer) runTraining() {
	s.t.Helper()
	t, err := s.Registry.Training(s.t.Context())
	must(s.t, err)
	must(s.t, s.Registry.Train(s.t.Context(), registry.Request{ID: *t.Request}))
	_, more, err := s.Registry.PredictAll(s.t.Context(), 1, uuid.Max, time.Minute)
	if err != nil || more {
		s.t.Errorf("pictures are left: %v, %v", more, err)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	var none models
	s.operator("GET", "/v1/models", "").json(t, &none)
	if none.Serving != nil || none.Models == nil || none.Training != nil || none.Last != nil || none.Pending.NextAt == nil {
		t.Errorf("before any training: %+v", none)
	}
	if a := s.operator("POST", "/v1/models/train", ""); a.code() != "bad-request" || !strings.Contains(string(a.body), "8 pictures") {
		t.Errorf("without labels: %d %s", a.StatusCode, a.body)
	}

	for n := range 24 {
		s.describePicture(n, []string{"cat", "dog"}[n%2])
	}
	odd := s.describePicture(24, "")
	var asked training
	a := s.operator("POST", "/v1/models/train", "")
	if a.json(t, &asked); a.StatusCode != http.StatusAccepted || asked.ID == "" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if a := s.operator("POST", "/v1/models/train", ""); a.StatusCode != http.StatusConflict || a.code() != "already-training" || !strings.Contains(string(a.body), asked.ID) {
		t.Errorf("asked twice: %d %s", a.StatusCode, a.body)
	}
	s.runTraining()

	var got models
	s.operator("GET", "/v1/models", "").json(t, &got)
	if got.Serving == nil || *got.Serving != "v1" || len(got.Models) != 1 || !got.Models[0].Promoted || len(got.Models[0].Labels) != 2 ||
		got.Models[0].Images != 24 || got.Predicted != (registry.Progress{Done: 25, Total: 25}) {
		t.Errorf("%+v", got)
	}
	if last := got.Last; last == nil || last.ID == nil || last.ID.String() != asked.ID || last.Model == nil || *last.Model != "v1" {
		t.Errorf("the last training is %+v, want that of %s", last, asked.ID)
	}
	var one modelDetails
	s.operator("GET", "/v1/models/v1", "").json(t, &one)
	if len(one.ConfusionMatrix) != 2 || len(one.LearningCurve) == 0 || len(one.Calibration) == 0 || one.HeldOut != 24 || one.Mode != "single" {
		t.Errorf("%+v", one)
	}
	for path, code := range map[string]string{"/v1/models/v9": "not-found", "/v1/models/train": "not-found", "/v1/models/v0": "not-found"} {
		if a := s.operator("GET", path, ""); a.code() != code {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
	if a := s.operator("POST", "/v1/models/v1/promote", ""); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := s.operator("POST", "/v1/models/v9/promote", ""); a.code() != "not-found" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}

	s.accept(odd)
}

// accept makes labels out of the predictions of a picture.
func (s *testServer) accept(id string) {
	t := s.t
	t.Helper()
	address := "/v1/images/" + id + "/predictions/accept"
	if got := s.list("?predicted=dog&labelled=false").ids(); !slices.Equal(got, []string{id}) {
		t.Errorf("predicted: %v", got)
	}
	if got := s.list("?sort=uncertain").ids(); !slices.Equal(got, []string{id}) {
		t.Errorf("uncertain: %v", got)
	}
	for send, want := range map[string]string{"": `{"labels":["dog"]}`, `{"label":"dog"}`: `{"labels":["dog"]}`} {
		if a := s.operator("POST", address, send); a.StatusCode != http.StatusOK || strings.TrimSpace(string(a.body)) != want {
			t.Errorf("%q: %d %s", send, a.StatusCode, a.body)
		}
	}
	for send, code := range map[string]string{`{"label":""}`: "bad-request", `{"label":7}`: "bad-request", `[]`: "bad-request"} {
		if a := s.operator("POST", address, send); a.code() != code {
			t.Errorf("%q: %d %s", send, a.StatusCode, a.body)
		}
	}
	if a := s.operator("POST", "/v1/images/"+uuid.NewString()+"/predictions/accept", ""); a.code() != "not-found" {
		t.Errorf("an unknown picture: %d %s", a.StatusCode, a.body)
	}
}

func TestPredictionFiltersRefused(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	for _, query := range []string{
		"sort=newest", "sort=uncertain&cursor=x", "sort=", "predicted=", "min_probability=0.5", "predicted=a&min_probability=2",
		"predicted=a&min_probability=NaN", "labelled=maybe", "labelled=",
	} {
		if a := s.operator("GET", "/v1/images?"+query, ""); a.code() != "bad-request" {
			t.Errorf("%s: %d %s", query, a.StatusCode, a.body)
		}
	}
}

// The labelling queue is one page of JSON.
func TestUncertainIsJSON(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	_, err := s.pool.Exec(t.Context(), `
		WITH new AS (
			INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
			SELECT gen_random_uuid(), sha256(n::text::bytea), 'png', 1, 1, 1, now() FROM generate_series(0, $1) n RETURNING id)
		INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client) SELECT now(), id, 'a', 'stored', 1, '' FROM new`, maxUncertain)
	must(t, err)
	get := func(query, accept string) answer {
		return s.send("GET", "/v1/images?sort=uncertain"+query, nil, "Authorization", "Bearer "+testToken, "Accept", accept)
	}
	for _, form := range []string{typeNDJSON, typeCSV, typeZIP} {
		a := get("", form)
		if a.code() != "bad-request" || !strings.Contains(string(a.body), form) || a.Header.Get("Vary") != "Accept" {
			t.Errorf("%s: %d %v %s", form, a.StatusCode, a.Header, a.body)
		}
	}
	a := get("&limit=500", "text/html, */*;q=0.5")
	var got struct{ Images []struct{ ID string } }
	a.json(t, &got)
	if len(got.Images) != maxUncertain || a.Header.Get("Vary") != "Accept" {
		t.Errorf("%d pictures, %v", len(got.Images), a.Header)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	var ids []string
	for n := range 5 {
		ids = append(ids, s.store(fmt.Sprintf("%d.png", n), pngOf(n)).ID)
	}
	quoted := func(ids ...string) string { return `["` + strings.Join(ids, `","`) + `"]` }
	for _, step := range []struct {
		send    string
		changed int
		cats    int
	}{
		{`{"ids":` + quoted(ids[0], ids[1], uuid.NewString(), "nonsense") + `,"add_labels":["cat","pet"]}`, 2, 2},
		{`{"filter":{"label":"pet"},"add_labels":["cat"],"remove_labels":["pet"]}`, 2, 2},
		{`{"filter":{"labelled":false},"add_labels":["cat"]}`, 3, 5},
		{`{"ids":[],"remove_labels":["cat"]}`, 0, 5},
		{`{"ids":` + quoted(ids[0], ids[0]) + `,"remove_labels":["cat","dog"]}`, 1, 4},
		{`{"ids":` + quoted(ids[1]) + `,"delete":true}`, 1, 3},
		{`{"filter":{"label":"cat","format":"png"},"delete":true}`, 3, 0},
	} {
		a := s.operator("POST", "/v1/images/batch", step.send)
		if want := fmt.Sprintf(`{"changed":%d}`, step.changed); a.StatusCode != http.StatusOK || strings.TrimSpace(string(a.body)) != want {
			t.Errorf("%s: %d %s, want %s", step.send, a.StatusCode, a.body, want)
		}
		if n := s.count(`SELECT count(*) FROM labels WHERE label = 'cat'`); n != step.cats {
			t.Errorf("%s leaves %d cats, want %d", step.send, n, step.cats)
		}
	}
	s.wantKept(1)
}

func TestBatchRefused(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	for _, send := range []string{
		``, `{}`, `{"ids":[]}`, `{"add_labels":["a"]}`, `{"ids":[],"filter":{},"add_labels":["a"]}`, `{"ids":[],"delete":true,"add_labels":["a"]}`,
		`{"filter":{"color":"red"},"delete":true}`, `{"filter":{"label":""},"delete":true}`, `{"filter":{"label":null},"delete":true}`,
		`{"filter":{},"delete":true}`, `{"filter":{"label":["a"]},"delete":true}`, `{"filter":{"label":{}},"delete":true}`,
		`{"ids":[],"add_labels":["a\u0000"]}`, `{"ids":["` + strings.Repeat(`x","`, catalogMax) + `x"],"delete":true}`, `{"ids":"a","delete":true}`,
	} {
		if a := s.operator("POST", "/v1/images/batch", send); a.code() != "bad-request" {
			t.Errorf("%.60s: %d %s", send, a.StatusCode, a.body)
		}
	}
	if a := s.operator("POST", "/v1/images/batch", `{"filter":{},"delete":true}`); !strings.Contains(string(a.body), "name at least one filter") {
		t.Errorf("to delete everything: %s", a.body)
	}
	if a := s.operator("POST", "/v1/images/"+uuid.NewString(), `{}`); a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") == "" {
		t.Errorf("POST to a picture: %d", a.StatusCode)
	}
	if a := s.send("POST", "/v1/images/batch", strings.NewReader(`{"filter":{},"delete":true}`)); a.code() != "unauthorized" {
		t.Errorf("without a token: %d", a.StatusCode)
	}
}

const catalogMax = 1000

func TestJobs(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	must(t, s.Jobs.Features(t.Context(), []uuid.UUID{uuid.New()}))
	a := s.operator("GET", "/v1/jobs", "")
	if a.StatusCode != http.StatusOK || !strings.Contains(string(a.body), `"kind":"features","state":"available","jobs":1`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := s.operator("POST", fmt.Sprintf("/v1/jobs/%d/retry", s.count(`SELECT max(id) FROM river_job`)), ""); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	for _, id := range []string{"0", "x", "99999999999999999999"} {
		if a := s.operator("POST", "/v1/jobs/"+id+"/retry", ""); a.code() != "not-found" {
			t.Errorf("%s: %d %s", id, a.StatusCode, a.body)
		}
	}
}
