package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestLabels(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	one, two := s.store("1.png", pngOf(1)).ID, s.store("2.png", pngOf(2)).ID
	wantLabels := func(want string) {
		t.Helper()
		a := s.operator("GET", "/v1/labels", "")
		if got := strings.TrimSpace(string(a.body)); a.StatusCode != http.StatusOK || got != want {
			t.Errorf("the labels are %d %s, want %s", a.StatusCode, got, want)
		}
	}
	wantLabels(`{"labels":[]}`)
	for _, step := range []struct{ id, send, want string }{
		{one, `{"labels":["indoor","cat","cat"]}`, `{"labels":["cat","indoor"]}`},
		{two, `{"labels":["Katze","cat"]}`, `{"labels":["Katze","cat"]}`},
		{one, `{"labels":["cat"]}`, `{"labels":["cat"]}`},
		{two, `{"labels":["cafe\u0301","caf\u00e9","👩‍🚀"]}`, `{"labels":["café","👩‍🚀"]}`},
		{two, `{"labels":["Katze","cat"]}`, `{"labels":["Katze","cat"]}`},
	} {
		a := s.operator("PUT", "/v1/images/"+step.id+"/labels", step.send)
		if got := strings.TrimSpace(string(a.body)); a.StatusCode != http.StatusOK || got != step.want {
			t.Errorf("%s gives %d %s", step.send, a.StatusCode, got)
		}
	}
	wantLabels(`{"labels":[{"label":"cat","images":2},{"label":"Katze","images":1}]}`)
	if got := s.list("?label=Katze").ids(); !slices.Equal(got, []string{two}) {
		t.Errorf("Katze: %v", got)
	}
	s.operator("DELETE", "/v1/images/"+two, "")
	wantLabels(`{"labels":[{"label":"cat","images":1}]}`)
	s.operator("PUT", "/v1/images/"+one+"/labels", `{"labels":[]}`)
	wantLabels(`{"labels":[]}`)
}

func TestLabelsRefused(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	address := "/v1/images/" + s.store("1.png", pngOf(1)).ID + "/labels"
	for name, test := range map[string]struct{ body, code string }{
		"nothing":       {"", "bad-request"},
		"no JSON":       {"cat", "bad-request"},
		"no list":       {`{"labels":"cat"}`, "bad-request"},
		"null":          {`{"labels":null}`, "bad-request"},
		"another field": {`{"labels":[],"label":"cat"}`, "bad-request"},
		"no labels":     {`{}`, "bad-request"},
		"an empty one":  {`{"labels":[" "]}`, "bad-request"},
		"NUL":           {`{"labels":["a\u0000b"]}`, "bad-request"},
		"nothing seen":  {`{"labels":["\u200b"]}`, "bad-request"},
		"a turned one":  {`{"labels":["\u202ecat"]}`, "bad-request"},
		"two lines":     {`{"labels":["a\u2028b"]}`, "bad-request"},
		"a long one":    {`{"labels":["` + strings.Repeat("x", 101) + `"]}`, "bad-request"},
		"a huge body":   {`{"labels":["` + strings.Repeat("x", 100<<10) + `"]}`, "too-large"},
	} {
		if a := s.operator("PUT", address, test.body); a.code() != test.code {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	if a := s.send("PUT", address, strings.NewReader(`{"labels":[]}`)); a.code() != "unauthorized" {
		t.Errorf("without a token: %d", a.StatusCode)
	}
}

// importTable sends a table of labels.
func (s *testServer) importTable(table io.Reader) answer {
	s.t.Helper()
	return s.send("POST", "/v1/labels/import", table, "Authorization", "Bearer "+testToken, "Content-Type", typeCSV)
}

func TestImportLabels(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	one, two := s.store("1.png", pngOf(1)).ID, s.store("2.png", pngOf(2)).ID
	missing := uuid.NewString()
	table := fmt.Sprintf("\xef\xbb\xbfid,label\r\n%s,cat\r\n%s,\"a, b\"\r\n%s,cat\r\n%s,cat\r\nnonsense,cat\r\n", one, one, two, missing)
	for range 2 { // twice does no harm
		a := s.importTable(strings.NewReader(table))
		var got struct {
			Set     int
			Unknown []string
		}
		a.json(t, &got)
		slices.Sort(got.Unknown)
		want := []string{missing, "nonsense"}
		slices.Sort(want)
		if a.StatusCode != http.StatusOK || got.Set != 3 || !slices.Equal(got.Unknown, want) {
			t.Errorf("got %d %s", a.StatusCode, a.body)
		}
	}
	if a := s.operator("GET", "/v1/labels", ""); !strings.Contains(string(a.body), `[{"label":"cat","images":2},{"label":"a, b","images":1}]`) {
		t.Errorf("the labels are %s", a.body)
	}
	for name, test := range map[string]struct{ table, code string }{
		"one column":       {"id\n" + one + "\n", "bad-request"},
		"an open quote":    {one + ",\"" + strings.Repeat("x", 1<<20), "bad-request"},
		"no label":         {one + ",\n", "bad-request"},
		"NUL":              {one + ",a\x00b\n", "bad-request"},
		"larger than that": {"id,label\n" + strings.Repeat(one+",cat\n", maxImport/40), "too-large"},
	} {
		if a := s.importTable(strings.NewReader(test.table)); a.code() != test.code {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	if a := s.importTable(bytes.NewReader(nil)); a.code() != "bad-request" || !strings.Contains(string(a.body), "the table is empty") {
		t.Errorf("an empty table: %d %s", a.StatusCode, a.body)
	}
}
