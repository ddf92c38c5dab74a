package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"inlet/client"
)

func TestCountOf(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 labels", 1: "1 label", 2: "2 labels", 12345: "12,345 labels"} {
		if got := countOf(n, "label"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "größe": "größe", "größer": "größ…"} {
		if got := cut(text, 5); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestShowModels(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("because ", 10)
	for _, test := range []struct {
		doc         string
		has, hasNot []string
	}{
		{
			`{"serving":null,"models":[],"pending":{"labels_changed":3},"last":{"outcome":"one label is not enough"}}`,
			[]string{"There is no model yet", "two labels", "since the last training: 3\n", "Last training: one label is not enough\n"},
			[]string{"MODEL", "Predicted"},
		},
		{
			`{"serving":"v1","models":[{"version":"v1","serving":true,"reason":"` + long + `"}],"predicted":{"done":1,"total":1}}`,
			[]string{"MODEL", "serving", "  " + long[:59] + "…\n", "\nPredicted: 1 of 1 picture\n"},
			[]string{long[:60], "There is no model"},
		},
	} {
		var doc client.Models
		if err := json.Unmarshal([]byte(test.doc), &doc); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := showModels(&b, doc); err != nil {
			t.Fatal(err)
		}
		for _, text := range test.has {
			if !strings.Contains(b.String(), text) {
				t.Errorf("no %q in\n%s", text, &b)
			}
		}
		for _, text := range test.hasNot {
			if strings.Contains(b.String(), text) {
				t.Errorf("%q is in\n%s", text, &b)
			}
		}
	}
}

// The command asks for labels only until it knows all, and once for each link.
func TestLinkLabels(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"links":[{"id":"a","label":"Wedding"},{"id":"b","label":null},{"id":"c","label":"Other"}],"next":null}`)
	}))
	defer server.Close()
	op, err := client.NewOperator(server.URL, "secret", client.Options{Tries: 1})
	if err != nil {
		t.Fatal(err)
	}

	links := linkLabels{op: op, labels: map[string]string{}}
	recent := client.RecentLinks{Minutes: []client.BusyLink{{LinkID: "a"}}, Hours: []client.BusyLink{{LinkID: "a"}, {LinkID: "b"}}}
	for range 2 {
		links.ask(t.Context(), recent)
	}
	if asked != 1 || len(links.labels) != 2 || links.labels["a"] != "Wedding" || links.labels["b"] != "" {
		t.Errorf("asked %d times: %q", asked, links.labels)
	}

	server.Close()
	recent.Hours = append(recent.Hours, client.BusyLink{LinkID: "d"})
	links.ask(t.Context(), recent)
	if label, known := links.labels["d"]; label != "" || !known {
		t.Errorf("without a server: %q", links.labels)
	}
}
