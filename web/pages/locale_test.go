package pages

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"inlet/problem"
)

// placeholders lists the arguments of a text.
func placeholders(text string) []string {
	found := regexp.MustCompile(`\{\w+\}`).FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// TestLocalesSayTheSame: no language lacks a text, an argument or a plural.
func TestLocalesSayTheSame(t *testing.T) {
	t.Parallel()
	all, err := newLocales()
	must(t, err)
	if len(all.list) < 2 || all.list[0].Lang != defaultLanguage {
		t.Fatalf("languages: %+v", all.list)
	}
	want := all.list[0]
	for _, l := range all.list[1:] {
		for _, key := range slices.Sorted(maps.Keys(want.texts)) {
			if !l.has(key) {
				t.Errorf("%s lacks %q", l.Lang, key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(l.texts)) {
			text, original := l.texts[key], want.texts[key]
			switch {
			case !want.has(key):
				t.Errorf("only %s has %q", l.Lang, key)
			case !slices.Equal(placeholders(text.Other), placeholders(original.Other)):
				t.Errorf("%s: %q has other arguments: %s", l.Lang, key, text.Other)
			case (text.One == "") != (original.One == ""):
				t.Errorf("%s: %q is in one language a plural and in another not", l.Lang, key)
			case text.One != "" && !slices.Equal(placeholders(text.One), placeholders(original.One)):
				t.Errorf("%s: %q has other arguments in the singular: %s", l.Lang, key, text.One)
			case text.Other == "":
				t.Errorf("%s: %q is empty", l.Lang, key)
			}
		}
	}
}

// TestTextsAreUsed compares the texts with the places that say them, both ways.
// Where a key is put together, all texts that begin alike are used.
func TestTextsAreUsed(t *testing.T) {
	t.Parallel()
	all, err := newLocales()
	must(t, err)
	texts := all.list[0].texts
	said := regexp.MustCompile("(?:[Tt]ext|has)\\(?[ (]*(?:print )?(?:[^\"`()]*\\? )?[\"`]([a-z][\\w.-]*)(\\$\\{|\" \\.|\" ?\\+)?")
	used := map[string]bool{}
	for _, pattern := range []string{"*.html", "scripts/upload/*.js", "locale.go", "sender.go"} {
		names, err := filepath.Glob(pattern)
		must(t, err)
		for _, name := range names {
			source, err := os.ReadFile(name)
			must(t, err)
			for _, m := range said.FindAllStringSubmatch(string(source), -1) {
				if !note(texts, used, m[1], m[2] != "") {
					t.Errorf("%s says %q, which no text begins with", name, m[1])
				}
			}
			// The alternatives of a condition.
			for _, m := range regexp.MustCompile(`"((?:action|summary)\.\w+)"`).FindAllStringSubmatch(string(source), -1) {
				note(texts, used, m[1], false)
			}
		}
	}
	note(texts, used, "outcome.", true) // by the codes of problems
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if !used[key] {
			t.Errorf("nothing says %q", key)
		}
	}
}

// note marks a key as used, or all that begin with it.
func note(texts map[string]wording, used map[string]bool, key string, begins bool) bool {
	found := false
	for text := range texts {
		if text == key || begins && strings.HasPrefix(text, key) {
			used[text], found = true, true
		}
	}
	return found
}

// TestOutcomesHaveTexts: whatever an upload is refused for is said in words.
func TestOutcomesHaveTexts(t *testing.T) {
	t.Parallel()
	all, err := newLocales()
	must(t, err)
	never := []problem.Code{
		problem.Unauthorized, problem.Forbidden, problem.NotFound, problem.MethodNotAllowed, problem.RangeNotSatisfiable, problem.NotReady,
		problem.Internal, problem.Overloaded, problem.Unavailable, problem.AlreadyTraining,
	}
	for _, code := range problem.Codes() {
		if !slices.Contains(never, code) && !all.list[0].has("outcome."+string(code)) {
			t.Errorf("there is no text for the outcome %q", code)
		}
	}
}

func TestLanguageOfRequest(t *testing.T) {
	t.Parallel()
	all, err := newLocales()
	must(t, err)
	for _, test := range []struct{ query, accept, want string }{
		{"", "", "en"},
		{"", "de", "de"},
		{"", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"", "fr, de;q=0.5", "de"},
		{"", "fr", "en"},
		{"", "en-GB,en;q=0.9,de;q=0.8", "en"},
		{"", "%%%,;q=x", "en"},
		{"", strings.Repeat("x-", 5000), "en"},
		{"?lang=de", "en", "de"},
		{"?lang=en", "de", "en"},
		{"?lang=../../x", "de", "de"},
	} {
		r, err := http.NewRequest(http.MethodGet, "http://x/u/t"+test.query, nil)
		must(t, err)
		r.Header.Set("Accept-Language", test.accept)
		if got := all.of(r).Lang; got != test.want {
			t.Errorf("%s with %.40q: %s, want %s", test.query, test.accept, got, test.want)
		}
	}
}

func TestWording(t *testing.T) {
	t.Parallel()
	all, err := newLocales()
	must(t, err)
	en, de := all.list[0], all.list[slices.IndexFunc(all.list, func(l *locale) bool { return l.Lang == "de" })]
	count := int64(1)
	say := func(l *locale, key string, args ...any) string {
		text, err := l.Text(key, args...)
		must(t, err)
		return text
	}
	span := func(l *locale, d time.Duration) string {
		text, err := l.Span(d)
		must(t, err)
		return text
	}
	for got, want := range map[string]string{
		say(en, "facts.filesLeft", "count", &count):        "room for 1 picture",
		say(en, "facts.filesLeft", "count", 1234):          "room for 1,234 pictures",
		say(de, "facts.filesLeft", "count", int64(1234)):   "Platz für 1.234 Bilder",
		say(en, "page.titleFor", "label", "{label}{size}"): "Send pictures: {label}{size}",
		en.Size(999):               "999\u00a0B",
		en.Size(3_400_000):         "3.4\u00a0MB",
		de.Size(3_400_000):         "3,4\u00a0MB",
		en.Size(67_108_864):        "67\u00a0MB",
		span(en, 47*time.Hour):     "47 hours",
		span(de, 7*24*time.Hour):   "7 Tage",
		span(en, 119*time.Second):  "119 seconds",
		span(en, 90*time.Minute):   "90 minutes",
		span(en, time.Second):      "1 second",
		span(en, -5*time.Second):   "0 seconds",
		span(de, 2*24*time.Hour-1): "47 Stunden",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if _, err := en.Text("none"); err == nil {
		t.Error("a text that is missing is no error")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
