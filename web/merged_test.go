package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// merge makes a picture one of the ids of another, as package catalog does; the
// counters stay as they are.
func (s *testServer) merge(id, into string) {
	s.t.Helper()
	var batch pgx.Batch
	batch.Queue(`UPDATE uploads SET image_id = $2, status = 'duplicate', match = 'perceptual' WHERE image_id = $1`, id, into)
	batch.Queue(`INSERT INTO merges VALUES ($1, $2)`, id, into)
	var sum []byte
	batch.Queue(`DELETE FROM images WHERE id = $1 RETURNING sha256`, id).QueryRow(func(row pgx.Row) error { return row.Scan(&sum) })
	must(s.t, s.pool.SendBatch(context.Background(), &batch).Close())
	must(s.t, s.catalog.Vault.Remove(context.Background(), [32]byte(sum)))
}

// describe gives a picture a perceptual hash and a flag, and two new
// near-duplicates, which it returns.
func (s *testServer) describe(id string) [2]string {
	s.t.Helper()
	others := [2]string{uuid.NewString(), uuid.NewString()}
	var batch pgx.Batch
	batch.Queue(`UPDATE images SET flags = '{undecodable}', phash = x'0123456789abcdef'::bigint WHERE id = $1`, id)
	for i, other := range others {
		batch.Queue(`INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
			VALUES ($1::uuid, sha256($1::text::bytea), 'png', 1, 1, 1, now())`, other)
		batch.Queue(`INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client) VALUES (now(), $1, 'a', 'stored', 1, '')`, other)
		batch.Queue(`INSERT INTO near VALUES ($1, $2, $3), ($2, $1, $3)`, id, other, 3+37*i)
	}
	must(s.t, s.pool.SendBatch(context.Background(), &batch).Close())
	return others
}

func TestNearAndFlags(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	e := s.store("a.png", pngOf(1))
	near := s.describe(e.ID)
	want := fmt.Sprintf(`"phash":"0123456789abcdef","near":[{"id":"%s","distance":3},{"id":"%s","distance":40}],"quality":{"sharpness":null,"exposure":null,"contrast":null,"clipped":null,"kind":null,"flags":["undecodable"]}`,
		near[0], near[1])
	for _, address := range []string{"/v1/images/" + e.ID + "/metadata", "/v1/images"} {
		if a := s.operator("GET", address, ""); !strings.Contains(string(a.body), want) {
			t.Errorf("%s has no %s: %s", address, want, a.body)
		}
	}
	a := s.stream("/v1/images", typeNDJSON)
	if !strings.Contains(string(a.body), want) {
		t.Errorf("no line has %s: %s", want, a.body)
	}
	for line := range bytes.Lines(a.body) {
		assertConforms(t, "Image", line)
	}
}

// A merged id is as good as that of the picture that stays.
func TestMerged(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, func(o *setup) { o.signed = true })
	data := jpegSized(t, 400, 300)
	kept, merged := s.store("kept.jpg", data), s.store("merged.png", pngOf(2))
	s.merge(merged.ID, kept.ID)
	for _, width := range []string{"", "&width=160"} {
		want, got := s.send("GET", kept.URL+width, nil), s.send("GET", merged.URL+width, nil)
		if got.StatusCode != http.StatusOK || !bytes.Equal(got.body, want.body) || want.Header.Get("ETag") == "" {
			t.Errorf("%q: %d, %d bytes; want %d", width, got.StatusCode, len(got.body), len(want.body))
		}
		for _, name := range []string{"ETag", "Content-Type", "Content-Disposition"} {
			if got, want := got.Header.Get(name), want.Header.Get(name); got != want {
				t.Errorf("%q: %s is %q, want %q", width, name, got, want)
			}
		}
		if a := s.send("GET", merged.URL+width, nil, "If-None-Match", want.Header.Get("ETag")); a.StatusCode != http.StatusNotModified {
			t.Errorf("%q: a copy of the kept one: %d", width, a.StatusCode)
		}
	}
	bare, signature, _ := strings.Cut(merged.URL, "?")
	if s.send("GET", bare, nil).code() != "forbidden" {
		t.Error("served without a signature")
	}
	// The signature is that of the one id, not of the picture.
	if stays, _, _ := strings.Cut(kept.URL, "?"); s.send("GET", stays+"?"+signature, nil).code() != "forbidden" {
		t.Error("served by the signature of another id")
	}

	address := "/v1/images/" + merged.ID
	if a := s.operator("PUT", address+"/labels", `{"labels":["cat"]}`); a.StatusCode != http.StatusOK {
		t.Errorf("labels: %d %s", a.StatusCode, a.body)
	}
	a := s.importTable(strings.NewReader("id,label\n" + merged.ID + ",dog\n"))
	if got := strings.TrimSpace(string(a.body)); got != `{"set":1,"unknown":[]}` {
		t.Errorf("import: %d %s", a.StatusCode, got)
	}
	want := s.operator("GET", "/v1/images/"+kept.ID+"/metadata", "")
	if got := s.operator("GET", address+"/metadata", ""); !bytes.Equal(got.body, want.body) || !strings.Contains(string(got.body), `["cat","dog"]`) {
		t.Errorf("metadata are %s\nwant %s", got.body, want.body)
	}
	if got := s.list("").ids(); len(got) != 1 || got[0] != kept.ID {
		t.Errorf("listed %v", got)
	}
	if a := s.operator("DELETE", address, ""); a.StatusCode != http.StatusNoContent {
		t.Errorf("delete: %d %s", a.StatusCode, a.body)
	}
	for _, id := range []string{kept.ID, merged.ID} {
		if a := s.operator("GET", "/v1/images/"+id, ""); a.code() != "not-found" {
			t.Errorf("%s after the deletion: %d", id, a.StatusCode)
		}
	}
}
