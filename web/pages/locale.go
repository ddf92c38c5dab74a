package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	textnumber "golang.org/x/text/number"
)

// localeFiles are the texts of the pages for people with a link, one file a
// language. All of them have the same keys.
//
//go:embed locales
var localeFiles embed.FS

// defaultLanguage is for readers of any other language.
const defaultLanguage = "en"

// locales are the languages the pages speak. The first one is the default.
type locales struct {
	list    []*locale
	matcher language.Matcher
}

// locale has the texts of one language.
type locale struct {
	Lang    string // as in the lang attribute
	texts   map[string]wording
	printer *message.Printer
}

// wording is one text, in one form or in two for the plural. {name} stands for
// an argument.
type wording struct {
	One   string `json:"one,omitempty"`
	Other string `json:"other"`
}

// UnmarshalJSON takes a string, or an object with both forms.
func (t *wording) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &t.Other) == nil {
		return nil
	}

	type forms wording
	return json.Unmarshal(data, (*forms)(t))
}

// newLocales reads all of locales/.
func newLocales() (*locales, error) {
	files, err := localeFiles.ReadDir("locales")
	if err != nil {
		return nil, fmt.Errorf("pages: read the locales: %w", err)
	}

	all, tags := &locales{}, []language.Tag{}
	for _, file := range files {
		l, tag, err := readLocale(file.Name())
		if err != nil {
			return nil, fmt.Errorf("pages: read %s: %w", file.Name(), err)
		}
		at := len(tags)
		if l.Lang == defaultLanguage {
			at = 0
		}
		all.list, tags = slices.Insert(all.list, at, l), slices.Insert(tags, at, tag)
	}
	all.matcher = language.NewMatcher(tags)

	return all, nil
}

func readLocale(name string) (*locale, language.Tag, error) {
	tag, err := language.Parse(strings.TrimSuffix(name, ".json"))
	if err != nil {
		return nil, tag, err
	}
	data, err := localeFiles.ReadFile(path.Join("locales", name))
	if err != nil {
		return nil, tag, err
	}
	l := &locale{Lang: tag.String(), printer: message.NewPrinter(tag)}

	return l, tag, json.Unmarshal(data, &l.texts)
}

// of picks the language of a request: ?lang=, else what the browser prefers.
func (all *locales) of(r *http.Request) *locale {
	asked := r.URL.Query().Get("lang")
	for _, l := range all.list {
		if l.Lang == asked {
			return l
		}
	}

	_, i := language.MatchStrings(all.matcher, r.Header.Get("Accept-Language"))

	return all.list[i]
}

// Text is the text of a key. Arguments are name, value, name, value; the number
// named count decides between singular and plural.
func (l *locale) Text(key string, args ...any) (string, error) {
	found, known := l.texts[key]
	if !known {
		return "", fmt.Errorf("pages: there is no text %q in %s", key, l.Lang)
	}

	text := found.Other
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		name, value := fmt.Sprint(args[i]), l.format(args[i+1])
		if name == "count" && found.One != "" && value == "1" {
			text = found.One
		}
		pairs = append(pairs, "{"+name+"}", value)
	}

	return strings.NewReplacer(pairs...).Replace(text), nil
}

func (l *locale) format(value any) string {
	switch value := value.(type) {
	case int, int64:
		return l.printer.Sprint(textnumber.Decimal(value))
	case *int64:
		return l.printer.Sprint(textnumber.Decimal(*value))
	case *string:
		return *value
	}

	return fmt.Sprint(value)
}

// forScripts are the texts that a page does not show by itself.
func (l *locale) forScripts() map[string]wording {
	texts := maps.Clone(l.texts)
	maps.DeleteFunc(texts, func(key string, _ wording) bool {
		return strings.HasPrefix(key, "page.") || strings.HasPrefix(key, "results.")
	})

	return texts
}

// has tells whether there is a text.
func (l *locale) has(key string) bool {
	_, known := l.texts[key]

	return known
}

// Size writes a number of bytes as people do: 3.4 MB is 3,400,000 bytes.
func (l *locale) Size(bytes int64) string {
	value, unit := float64(bytes), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if value < 1000 {
			break
		}
		value, unit = value/1000, next
	}

	digits := 1
	if value >= 10 {
		digits = 0
	}

	return l.printer.Sprint(textnumber.Decimal(value, textnumber.MaxFractionDigits(digits))) + "\u00a0" + unit
}

// Span writes a length of time in its largest unit, rounded down.
func (l *locale) Span(d time.Duration) (string, error) {
	switch {
	case d >= 48*time.Hour:
		return l.Text("time.days", "count", int64(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return l.Text("time.hours", "count", int64(d/time.Hour))
	case d >= 2*time.Minute:
		return l.Text("time.minutes", "count", int64(d/time.Minute))
	}

	return l.Text("time.seconds", "count", max(0, int64(d/time.Second)))
}
