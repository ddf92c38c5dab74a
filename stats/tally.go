package stats

import (
	"encoding/json"
	"strings"
	"time"

	"inlet/link"
)

// tally is a sum of events in the form that apply.lua takes.
type tally struct {
	Formats map[string]int64            `json:"formats,omitempty"`
	Cameras map[string]map[string]int64 `json:"cameras,omitempty"` // by lower-case name, then by spelling
	Totals  map[string]int64            `json:"totals,omitempty"`
	Days    map[string]*dayTally        `json:"days,omitempty"` // by date
	Links   map[link.ID]*linkTally      `json:"links,omitempty"`
	Live    []string                    `json:"live,omitempty"`
	Recent  map[string]*spanTally       `json:"recent,omitempty"` // by the key's name
	Windows map[string]window           `json:"windows"`          // by unit
	Old     int64                       `json:"old,omitempty"`    // events that lack minutes

	now   time.Time
	since Since // of what Redis keeps
}

type dayTally struct {
	Counts  Day      `json:"counts"` // without date and client
	Clients []string `json:"clients,omitempty"`
}

type linkTally struct {
	Files int64 `json:"files,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	Last  int64 `json:"last,omitempty"` // Unix microseconds, as exact as Postgres
}

func newTally(now time.Time) *tally {
	return &tally{
		Formats: map[string]int64{},
		Cameras: map[string]map[string]int64{},
		Totals:  map[string]int64{},
		Days:    map[string]*dayTally{},
		Links:   map[link.ID]*linkTally{},
		Recent:  map[string]*spanTally{},
		Windows: windows(now),
		now:     now,
		since:   Kept(now),
	}
}

// add adds an event. It leaves out days, hours and minutes whose counters have expired.
func (t *tally) add(d Delta) {
	for format, n := range d.Formats {
		t.Formats[format] += n
	}
	for name, n := range d.Cameras {
		t.camera(name, n)
	}
	for name, n := range d.totals() {
		if *n != 0 { // each member costs a command in Redis
			t.Totals[name] += *n
		}
	}
	for _, day := range d.Days {
		if day.Date >= t.since.Day {
			t.day(day)
		}
	}
	for _, r := range d.Recent {
		t.recent(r)
	}
	if d.Version < versionRecent {
		t.Old++
	}
	for _, l := range d.Links {
		t.link(l)
	}

	if d.Live != nil {
		if text, err := json.Marshal(d.Live); err == nil {
			t.Live = append(t.Live, string(text))
		}
	}
}

func (t *tally) camera(name string, n int64) {
	if name == "" || n == 0 {
		return
	}
	lower := strings.ToLower(name)
	if t.Cameras[lower] == nil {
		t.Cameras[lower] = map[string]int64{}
	}
	t.Cameras[lower][name] += n
}

func (t *tally) on(date string) *dayTally {
	if t.Days[date] == nil {
		t.Days[date] = &dayTally{}
	}
	return t.Days[date]
}

func (t *tally) day(d Day) {
	day := t.on(d.Date)
	day.Counts.Accepted += d.Accepted
	day.Counts.Stored += d.Stored
	day.Counts.Duplicates += d.Duplicates
	day.Counts.Bytes += d.Bytes
	day.Counts.Uploaders += d.Uploaders
	if d.Client != "" {
		day.Clients = append(day.Clients, d.Client)
	}
}

func (t *tally) link(l Link) {
	sum := t.Links[l.ID]
	if sum == nil {
		sum = &linkTally{}
		t.Links[l.ID] = sum
	}
	sum.Files += l.Files
	sum.Bytes += l.Bytes
	if !l.LastUsedAt.IsZero() {
		sum.Last = max(sum.Last, l.LastUsedAt.UnixMicro())
	}
}
