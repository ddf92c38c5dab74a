package stats

import (
	"encoding/json"
	"strings"

	"inlet/link"
)

// tally is what events add up to, in the form that apply.lua takes. The
// counters that SQL counts have the same form: a rebuild applies them, and the
// document can be made of them.
type tally struct {
	Formats map[string]int64            `json:"formats,omitempty"`
	Cameras map[string]map[string]int64 `json:"cameras,omitempty"` // by lower-case name, then by spelling
	Totals  map[string]int64            `json:"totals,omitempty"`
	Days    map[string]*dayTally        `json:"days,omitempty"` // by date
	Links   map[link.ID]*linkTally      `json:"links,omitempty"`
	Live    []string                    `json:"live,omitempty"`
}

type dayTally struct {
	Counts  map[string]int64 `json:"counts,omitempty"`
	Clients []string         `json:"clients,omitempty"`

	uploaders int64 // as counted; only for the document
}

type linkTally struct {
	Files int64 `json:"files,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	Last  int64 `json:"last,omitempty"` // Unix microseconds, as exact as Postgres
}

func newTally() *tally {
	return &tally{
		Formats: map[string]int64{},
		Cameras: map[string]map[string]int64{},
		Totals:  map[string]int64{},
		Days:    map[string]*dayTally{},
		Links:   map[link.ID]*linkTally{},
	}
}

// add adds an event. Days before since are no longer kept and left out.
func (t *tally) add(d Delta, since string) {
	for format, n := range d.Formats {
		t.Formats[format] += n
	}
	for name, n := range d.Cameras {
		t.camera(name, n)
	}
	t.total(d.Images, d.Bytes)
	t.uploads(d.Accepted, d.Stored, d.Duplicates, d.Rejected)
	for _, day := range d.Days {
		if day.Date < since {
			continue
		}
		t.day(day)
		if day.Client != "" {
			t.client(day.Date, day.Client)
		}
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

func (t *tally) total(images, bytes int64) {
	increase(t.Totals, "images", images)
	increase(t.Totals, "bytes", bytes)
}

func (t *tally) uploads(accepted, stored, duplicates, rejected int64) {
	increase(t.Totals, "accepted", accepted)
	increase(t.Totals, "stored", stored)
	increase(t.Totals, "duplicates", duplicates)
	increase(t.Totals, "rejected", rejected)
}

func (t *tally) on(date string) *dayTally {
	if t.Days[date] == nil {
		t.Days[date] = &dayTally{Counts: map[string]int64{}}
	}
	return t.Days[date]
}

func (t *tally) day(d Day) {
	counts := t.on(d.Date).Counts
	increase(counts, "accepted", d.Accepted)
	increase(counts, "stored", d.Stored)
	increase(counts, "duplicates", d.Duplicates)
	increase(counts, "bytes", d.Bytes)
}

func (t *tally) client(date, client string) {
	day := t.on(date)
	day.Clients = append(day.Clients, client)
}

func (t *tally) link(l Link) {
	if t.Links[l.ID] == nil {
		t.Links[l.ID] = &linkTally{}
	}
	sum := t.Links[l.ID]
	sum.Files += l.Files
	sum.Bytes += l.Bytes
	if !l.LastUsedAt.IsZero() {
		sum.Last = max(sum.Last, l.LastUsedAt.UnixMicro())
	}
}

// increase leaves out what does not change: fewer commands for the script.
func increase(counts map[string]int64, name string, n int64) {
	if n != 0 {
		counts[name] += n
	}
}
