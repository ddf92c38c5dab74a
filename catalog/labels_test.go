package catalog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/uuid"

	"inlet/catalog"
)

func TestSetLabels(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.addRow("a", nil)
	long := strings.Repeat("é", 100)
	hundred := make([]string, 100)
	for i := range hundred {
		hundred[i] = fmt.Sprintf("label %03d", i)
	}
	for _, test := range []struct{ given, want []string }{
		{[]string{"cat", "indoor"}, []string{"cat", "indoor"}},
		{[]string{" cat\t", "Cat", "cat", "a b"}, []string{"Cat", "a b", "cat"}},
		{nil, []string{}},
		{[]string{long, "=1+1", "<b>", "a,b;c\"'"}, []string{"<b>", "=1+1", "a,b;c\"'", long}},
		{slices.Concat(hundred, hundred), hundred},
		{[]string{}, []string{}},
	} {
		got, err := h.SetLabels(t.Context(), id, test.given)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%.80q: %.80q, %v", test.given, got, err)
		}
		doc, err := h.Metadata(t.Context(), id)
		if err != nil || !reflect.DeepEqual(doc.Labels, test.want) {
			t.Errorf("%.80q: stored %.80q, %v", test.given, doc.Labels, err)
		}
	}
	_, err := h.SetLabels(t.Context(), id, []string{"stays"})
	must(t, err)
	for _, bad := range [][]string{
		{""}, {" "}, {"ok", "\t"}, {"a\x00b"}, {"\x00"}, {"\xff"}, {"two\nlines"}, {long + "e"}, slices.Concat(hundred, []string{"one more"}),
	} {
		if _, err := h.SetLabels(t.Context(), id, bad); !errors.Is(err, catalog.ErrLabels) {
			t.Errorf("%.80q: %v", bad, err)
		}
	}
	if _, err := h.SetLabels(t.Context(), uuid.New(), []string{"a"}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("unknown image: %v", err)
	}
	if doc, err := h.Metadata(t.Context(), id); err != nil || !slices.Equal(doc.Labels, []string{"stays"}) {
		t.Errorf("a refused list changed the labels to %q", doc.Labels)
	}
}

// Of lists that are set at once one wins as a whole.
func TestSetLabelsAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.addRow("a", nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := h.SetLabels(t.Context(), id, []string{fmt.Sprint("x", i), fmt.Sprint("y", i), "both"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	doc, err := h.Metadata(t.Context(), id)
	must(t, err)
	if l := doc.Labels; len(l) != 3 || l[0] != "both" || l[1][1:] != l[2][1:] {
		t.Errorf("labels %q are of several lists", l)
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	counts, err := h.Labels(t.Context())
	if err != nil || counts == nil || len(counts) != 0 {
		t.Fatalf("%v, %v; want an empty list", counts, err)
	}
	for i, labels := range [][]string{{"cat", "dog"}, {"cat"}, {"ant", "Ant"}} {
		_, err := h.SetLabels(t.Context(), h.addRow(fmt.Sprint(i), nil), labels)
		must(t, err)
	}
	counts, err = h.Labels(t.Context())
	must(t, err)
	got, err := json.Marshal(counts)
	must(t, err)
	want := `[{"label":"cat","images":2},{"label":"Ant","images":1},{"label":"ant","images":1},{"label":"dog","images":1}]`
	if string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestImportLabels(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	a, b := h.addRow("a", nil), h.addRow("b", nil)
	unknown := uuid.New()
	tests := map[string]struct {
		table        string
		set          int64
		unknown      []string
		labelsA      []string
		labelsOfBToo []string
	}{
		"header only":    {"id,label\n", 0, []string{}, []string{}, nil},
		"plain":          {fmt.Sprintf("%s,cat\n%s,dog\n%s,ant\n", a, a, b), 3, []string{}, []string{"cat", "dog"}, []string{"ant"}},
		"header":         {fmt.Sprintf("\ufeffID, Label\r\n%s,cat\r\n\r\n%s,cat", a, b), 2, []string{}, []string{"cat"}, []string{"cat"}},
		"quoted":         {fmt.Sprintf("\"%s\",\"a, \"\"b\"\"\"\n", a), 1, []string{}, []string{`a, "b"`}, nil},
		"twice":          {fmt.Sprintf("%s,cat\n%s, cat \n", a, a), 2, []string{}, []string{"cat"}, nil},
		"unknown":        {fmt.Sprintf("nonsense,cat\n%s,cat\n%s,dog\n%s,cat\nnonsense,x\n%s,cat", unknown, unknown, a, strings.ToUpper(a.String())), 1, []string{"nonsense", strings.ToUpper(a.String()), unknown.String()}, []string{"cat"}, nil},
		"not text":       {"\xff\x00,cat\n", 0, []string{"\ufffd\x00"}, []string{}, nil},
		"label first":    {fmt.Sprintf("\ufeff Label ,ID\ncat,%s\nid,%s\ndog, %s \n", a, a, b), 3, []string{}, []string{"cat", "id"}, []string{"dog"}},
		"names below":    {fmt.Sprintf("%s,id\nlabel,id\n", a), 1, []string{"label"}, []string{"id"}, nil},
		"one name":       {fmt.Sprintf("id,cat\n%s,label\n", a), 1, []string{"id"}, []string{"label"}, nil},
		"no order given": {fmt.Sprintf("cat,%s\n", a), 0, []string{"cat"}, []string{}, nil},
	}
	for name, test := range tests {
		h.exec(`DELETE FROM labels`)
		got, err := h.ImportLabels(t.Context(), iotest.OneByteReader(strings.NewReader(test.table)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		slices.Sort(got.Unknown)
		slices.Sort(test.unknown)
		if got.Set != test.set || !reflect.DeepEqual(got.Unknown, test.unknown) {
			t.Errorf("%s: %+v, want %d, %q", name, got, test.set, test.unknown)
		}
		for id, want := range map[uuid.UUID][]string{a: test.labelsA, b: test.labelsOfBToo} {
			doc, err := h.Metadata(t.Context(), id)
			must(t, err)
			if !slices.Equal(doc.Labels, want) {
				t.Errorf("%s: labels %q, want %q", name, doc.Labels, want)
			}
		}
	}
	text, err := json.Marshal(catalog.ImportResult{Set: 3, Unknown: []string{}})
	if err != nil || string(text) != `{"set":3,"unknown":[]}` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestImportLabelsRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	id := h.addRow("a", nil).String()
	many := ""
	for i := range 101 {
		many += fmt.Sprintf("%s,label %d\n", id, i)
	}
	for name, test := range map[string]struct{ table, detail string }{
		"empty":          {"", "the table is empty"},
		"a mark alone":   {"\ufeff", "the table is empty"},
		"blank lines":    {"\r\n\n", "the table is empty"},
		"one column":     {"id,label\n" + id + "\n", "line 2"},
		"label first":    {"label,id\n" + id + ",\n", "line 2"},
		"three columns":  {id + ",a\n" + id + ",a,b\n", "line 2"},
		"bare quote":     {id + ",a\"b\n", "line 1"},
		"empty label":    {id + ",a\n\n" + id + ", \n", "line 3"},
		"NUL":            {id + ",a\x00\n", "line 1"},
		"no id":          {",a\n", "line 1"},
		"long id":        {strings.Repeat("x", 129) + ",a\n", "line 1"},
		"long label":     {id + "," + strings.Repeat("x", 101) + "\n", "line 1"},
		"lines in label": {id + ",\"a\nb\"\n", "line 1"},
		"endless line":   {id + ",a\n" + strings.Repeat("x", 1<<20), "longer than"},
		"endless quote":  {id + ",\"" + strings.Repeat("x\n", 1<<20), "longer than"},
		"too many":       {many, "more than 100 labels"},
	} {
		_, err := h.ImportLabels(t.Context(), strings.NewReader(test.table))
		if !errors.Is(err, catalog.ErrLabels) || !strings.Contains(err.Error(), test.detail) {
			t.Errorf("%s: %v; want ErrLabels with %q", name, err, test.detail)
		}
	}
	if n := h.count(`SELECT count(*) FROM labels`); n != 0 {
		t.Errorf("%d labels were set", n)
	}
	broken := errors.New("the sender went away")
	_, err := h.ImportLabels(t.Context(), io.MultiReader(strings.NewReader(id+",a\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || errors.Is(err, catalog.ErrLabels) {
		t.Errorf("err = %v, want the reader's", err)
	}
}

// A long table goes in batches, and what is reported of it is bounded.
func TestImportManyLabels(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	ids := []uuid.UUID{h.addRow("a", nil), h.addRow("b", nil), h.addRow("c", nil)}
	var table strings.Builder
	for i := range 10_000 {
		id := uuid.New()
		if i%4 > 0 {
			id = ids[i%4-1]
		}
		fmt.Fprintf(&table, "%s,label %d\n", id, i%90)
	}
	got, err := h.ImportLabels(t.Context(), strings.NewReader(table.String()))
	must(t, err)
	if got.Set != 7500 || len(got.Unknown) != 1000 {
		t.Errorf("set %d, %d unknown", got.Set, len(got.Unknown))
	}
}
