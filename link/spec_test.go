package link

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// noon is the present of these tests, not on a whole second.
var noon = time.Date(2026, 10, 25, 12, 0, 0, 600e6, time.UTC)

func TestParseLifetime(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for in, want := range map[string]time.Duration{
		"1s": time.Second, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute,
		"7d": 7 * day, "1.5d": 36 * time.Hour, "1d12h": 36 * time.Hour, "0d1h": time.Hour, "07d": 7 * day,
		"366d": 366 * day, "8784h": 366 * day, "365d24h": 366 * day,
	} {
		if got, err := parseLifetime(in); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"d": "such as", "7": "such as", "7 d": "such as", "+7d": "such as", "7D": "such as", "1w": "such as",
		"1.2.3d": "such as", ".d": "such as", "1e2d": "such as", "Infd": "such as", "NaNd": "such as", "0x1d": "such as",
		"1d-1h": "such as", "12h1d": "such as", "7d7d": "such as", "\x00": "such as", "7d ": "such as", "999999999h999999999h": "such as",
		"366d1s": "at most 366 days", "366.1d": "at most 366 days", "8785h": "at most 366 days", "1d2562047h": "at most 366 days",
		strings.Repeat("9", 400) + "d": "such as", "99999999999999999999d": "at most 366 days",
		"0s": "at least one second", "0d": "at least one second", "-1h": "at least one second", "999ms": "at least one second",
	} {
		got, err := parseLifetime(in)
		if !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "expires_in") {
			t.Errorf("%q: got %v, %v, want %q", in, got, err, want)
		}
	}
}

func TestSpecGrant(t *testing.T) {
	t.Parallel()
	whole := noon.Truncate(time.Second)
	for name, tc := range map[string]struct {
		spec string
		want Grant
	}{
		"only an end": {
			`{"expires_in":"7d"}`,
			Grant{ExpiresAt: whole.AddDate(0, 0, 7)},
		},
		"everything": {
			`{"expires_at":"2026-10-26T12:00:00+02:00","not_before":"2026-10-26T09:00:00Z","max_files":1,"max_bytes":9007199254740993,"label":"Wedding"}`,
			Grant{
				ExpiresAt: time.Date(2026, 10, 26, 10, 0, 0, 0, time.UTC), NotBefore: time.Date(2026, 10, 26, 9, 0, 0, 0, time.UTC),
				MaxFiles: 1, MaxBytes: 9007199254740993, Label: "Wedding",
			},
		},
		"nulls are absent": {
			`{"expires_in":"1h","expires_at":null,"not_before":null,"max_files":null,"max_bytes":null,"label":null}`,
			Grant{ExpiresAt: whole.Add(time.Hour)},
		},
		"fractions are rounded to allow less": {
			`{"expires_at":"2026-10-26T12:00:00.9Z","not_before":"2026-10-26T09:00:00.1Z"}`,
			Grant{ExpiresAt: time.Date(2026, 10, 26, 12, 0, 0, 0, time.UTC), NotBefore: time.Date(2026, 10, 26, 9, 0, 1, 0, time.UTC)},
		},
		"the shortest life": {`{"expires_in":"1s"}`, Grant{ExpiresAt: whole.Add(time.Second)}},
		"the longest life":  {`{"expires_in":"366d"}`, Grant{ExpiresAt: whole.AddDate(0, 0, 366)}},
		"until the longest": {`{"expires_at":"2027-10-26T12:00:00.6Z"}`, Grant{ExpiresAt: whole.AddDate(0, 0, 366)}},
		"not before the past": {
			`{"expires_in":"1h","not_before":"2020-01-01T00:00:00Z"}`,
			Grant{ExpiresAt: whole.Add(time.Hour), NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)},
		},
		"not before the epoch": {`{"expires_in":"1h","not_before":"1960-01-01T00:00:00Z"}`, Grant{ExpiresAt: whole.Add(time.Hour)}},
		"a label of 200 characters": {
			`{"expires_in":"1h","label":"` + strings.Repeat("😀", 200) + `"}`,
			Grant{ExpiresAt: whole.Add(time.Hour), Label: strings.Repeat("😀", 200)},
		},
		"a label with what cannot be kept": {
			`{"expires_in":"1h","label":"a\u0000b\n\u007f\u0085c \ud800` + "\xff" + `"}`,
			Grant{ExpiresAt: whole.Add(time.Hour), Label: "abc \ufffd\ufffd"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var spec Spec
			if err := json.Unmarshal([]byte(tc.spec), &spec); err != nil {
				t.Fatal(err)
			}
			got, err := spec.Grant(noon)
			if err != nil {
				t.Fatal(err)
			}
			tc.want.ID, tc.want.IssuedAt = got.ID, whole
			if got != tc.want {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
			if !got.ID.valid() || len(got.ID) < 22 {
				t.Errorf("id %q", got.ID)
			}
		})
	}
}

func TestSpecGrantRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ spec, want string }{
		"no end":               {`{}`, "one of expires_in and expires_at"},
		"an empty end":         {`{"expires_in":""}`, "one of expires_in and expires_at"},
		"two ends":             {`{"expires_in":"1h","expires_at":"2026-10-26T12:00:00Z"}`, "exclude each other"},
		"a wrong duration":     {`{"expires_in":"soon"}`, "expires_in must be a duration"},
		"ended":                {`{"expires_at":"2026-10-25T11:00:00Z"}`, "in the future"},
		"ends now":             {`{"expires_at":"2026-10-25T12:00:00.9Z"}`, "in the future"},
		"too long":             {`{"expires_at":"2027-10-26T12:00:01Z"}`, "at most 366 days"},
		"far too long":         {`{"expires_at":"9999-10-26T12:00:01Z"}`, "at most 366 days"},
		"begins at its end":    {`{"expires_in":"1h","not_before":"2026-10-25T13:00:00Z"}`, "not_before"},
		"begins within a tick": {`{"expires_at":"2026-10-26T12:00:00.9Z","not_before":"2026-10-26T12:00:00Z"}`, "not_before"},
		"no files":             {`{"expires_in":"1h","max_files":0}`, "max_files"},
		"negative files":       {`{"expires_in":"1h","max_files":-1}`, "max_files"},
		"no bytes":             {`{"expires_in":"1h","max_bytes":0}`, "max_bytes"},
		"a long label":         {`{"expires_in":"1h","label":"` + strings.Repeat("ä", 201) + `"}`, "at most 200 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var spec Spec
			if err := json.Unmarshal([]byte(tc.spec), &spec); err != nil {
				t.Fatal(err)
			}
			got, err := spec.Grant(noon)
			if !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), tc.want) || got != (Grant{}) {
				t.Errorf("got %+v, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestIDsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[ID]bool{}
	for range 1000 {
		g, err := Spec{ExpiresIn: "1h"}.Grant(noon)
		if err != nil || seen[g.ID] {
			t.Fatal(g.ID, err)
		}
		seen[g.ID] = true
	}
}
