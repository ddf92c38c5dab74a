package stats

import (
	"strconv"
	"strings"
	"time"

	"inlet/link"
)

// busiest is how many links the document shows.
const busiest = 10

// unit is a length of time in which recent files are counted.
type unit struct {
	name        string // in the names of keys
	length      time.Duration
	shown, kept int64 // how many spans the document shows, and Redis has
}

// The surplus of kept spans makes the shown ones independent of clocks that differ
// and of the moment at which a key expires.
func minutes() unit { return unit{"minute", time.Minute, 120, 130} }
func hours() unit   { return unit{"hour", time.Hour, 168, 170} }

// number counts the spans since 1970 up to that of t.
func (u unit) number(t time.Time) int64 { return t.Unix() / int64(u.length/time.Second) }

// begin is the time at which a span begins.
func (u unit) begin(number int64) time.Time {
	return time.Unix(number*int64(u.length/time.Second), 0).UTC()
}

// key is the name of a span's counters.
func (u unit) key(number int64) string { return u.name + ":" + strconv.FormatInt(number, 10) }

// first is the first of n spans, the last one being that of now.
func (u unit) first(now time.Time, n int64) int64 { return u.number(now) - n + 1 }

// life is how long Redis keeps a span's counters from now on.
func (u unit) life(number int64, now time.Time) time.Duration {
	return time.Duration(number-u.first(now, u.kept)+1) * u.length
}

// window is what the scripts need to know of a unit, as JSON.
type window struct {
	From  int64 `json:"from"` // the first shown span
	Shown int64 `json:"shown"`
	Spare int64 `json:"spare"` // spans that are kept and not shown
}

func windows(now time.Time) map[string]window {
	all := map[string]window{}
	for _, u := range []unit{minutes(), hours()} {
		all[u.name] = window{From: u.first(now, u.shown), Shown: u.shown, Spare: u.kept - u.shown}
	}
	return all
}

// Since tells where counters begin.
type Since struct {
	Day    string    // the first UTC day, 2006-01-02
	Hour   time.Time // the beginning of the first hour
	Minute time.Time // the beginning of the first minute
}

// Kept tells what Redis counts at this time.
func Kept(now time.Time) Since {
	return Since{
		Day:    dates(now, keptDays)[0],
		Hour:   hours().begin(hours().first(now, hours().kept)),
		Minute: minutes().begin(minutes().first(now, minutes().kept)),
	}
}

// Recent is what changes in the counters of one minute and its hour. What happened
// before [Since].Minute may name the beginning of its hour instead.
type Recent struct {
	At   time.Time `json:"at"`             // any time in the minute
	Link link.ID   `json:"link,omitempty"` // through which the accepted files came

	Accepted   int64 `json:"accepted,omitempty"`
	Stored     int64 `json:"stored,omitempty"`
	Duplicates int64 `json:"duplicates,omitempty"`
	Rejected   int64 `json:"rejected,omitempty"`

	Formats map[string]int64 `json:"formats,omitempty"` // stored images by format
	Flags   map[string]int64 `json:"flags,omitempty"`   // stored images by quality flag
}

// Flagged is the event of quality flags that a stored image gets (1) or loses (-1) after
// its commit. at is the time of the image's upload.
func Flagged(at time.Time, flags map[string]int64) Delta {
	return Delta{Recent: []Recent{{At: at, Flags: flags}}}
}

// A span's counters are one map. Formats and flags have these before their names.
const (
	formatPrefix = "format:"
	flagPrefix   = "flag:"
)

// spanTally is the sum of what changes in one span.
type spanTally struct {
	Unit   string            `json:"unit"`
	Number int64             `json:"number"`
	Life   int64             `json:"life"` // seconds until Redis forgets it
	Counts map[string]int64  `json:"counts,omitempty"`
	Links  map[link.ID]int64 `json:"links,omitempty"` // accepted files
}

func (s *spanTally) add(r Recent) {
	s.count("accepted", r.Accepted)
	s.count("stored", r.Stored)
	s.count("duplicates", r.Duplicates)
	s.count("rejected", r.Rejected)
	for format, n := range r.Formats {
		s.count(formatPrefix+format, n)
	}
	for flag, n := range r.Flags {
		s.count(flagPrefix+flag, n)
	}
	if r.Link != "" && r.Accepted != 0 {
		s.Links[r.Link] += r.Accepted
	}
}

func (s *spanTally) count(name string, n int64) {
	if n != 0 {
		s.Counts[name] += n
	}
}

// recent adds r to its minute and its hour, as far as they are kept.
func (t *tally) recent(r Recent) {
	for _, u := range []unit{minutes(), hours()} {
		number := u.number(r.At)
		life := u.life(number, t.now)
		if life <= 0 {
			continue
		}

		key := u.key(number)
		span := t.Recent[key]
		if span == nil {
			span = &spanTally{
				Unit: u.name, Number: number, Life: int64(life.Seconds()),
				Counts: map[string]int64{}, Links: map[link.ID]int64{},
			}
			t.Recent[key] = span
		}
		span.add(r)
	}
}

// recentCounters are those that the document shows.
type recentCounters struct {
	spans map[string]map[string]int64  // by their keys
	links map[string]map[link.ID]int64 // accepted files in the shown spans, by unit; at least the busiest ones
}

// recentCounters are the tally's, which holds everything.
func (t *tally) recentCounters() recentCounters {
	r := recentCounters{spans: map[string]map[string]int64{}, links: map[string]map[link.ID]int64{}}
	for key, span := range t.Recent {
		r.spans[key] = span.Counts
		if span.Number < t.Windows[span.Unit].From {
			continue
		}
		if r.links[span.Unit] == nil {
			r.links[span.Unit] = map[link.ID]int64{}
		}
		for id, n := range span.Links {
			r.links[span.Unit][id] += n
		}
	}
	return r
}

// RecentCounts are the files of the last minutes and hours, oldest first, those
// without files included.
type RecentCounts struct {
	Minutes []SpanCount `json:"minutes"` // 120, the current one last
	Hours   []SpanCount `json:"hours"`   // 168, the current one last
	Links   RecentLinks `json:"links"`
}

// SpanCount counts the files of one minute or hour.
type SpanCount struct {
	At         time.Time        `json:"at"` // its beginning
	Accepted   int64            `json:"accepted"`
	Stored     int64            `json:"stored"`
	Duplicates int64            `json:"duplicates"`
	Rejected   int64            `json:"rejected"`
	Formats    map[string]int64 `json:"formats,omitempty"` // stored images by format
	Flags      map[string]int64 `json:"flags,omitempty"`   // stored images by quality flag
}

// RecentLinks are the links through which most files came, at most ten each, most
// first, ties by id.
type RecentLinks struct {
	Minutes []LinkCount `json:"minutes"` // in all shown minutes
	Hours   []LinkCount `json:"hours"`   // in all shown hours
}

// LinkCount counts the accepted files of a link.
type LinkCount struct {
	LinkID link.ID `json:"link_id"`
	Files  int64   `json:"files"`
}

func (r recentCounters) document(now time.Time) RecentCounts {
	return RecentCounts{
		Minutes: r.list(minutes(), now),
		Hours:   r.list(hours(), now),
		Links:   RecentLinks{Minutes: r.top(minutes()), Hours: r.top(hours())},
	}
}

func (r recentCounters) list(u unit, now time.Time) []SpanCount {
	all := make([]SpanCount, 0, u.shown)
	for number := u.first(now, u.shown); number <= u.number(now); number++ {
		all = append(all, spanCount(u.begin(number), r.spans[u.key(number)]))
	}
	return all
}

// spanCount shows a span's counters, but for negative ones.
func spanCount(at time.Time, counts map[string]int64) SpanCount {
	c := SpanCount{
		At:       at,
		Accepted: max(0, counts["accepted"]), Stored: max(0, counts["stored"]),
		Duplicates: max(0, counts["duplicates"]), Rejected: max(0, counts["rejected"]),
	}
	for name, n := range counts {
		if n <= 0 {
			continue
		}
		if format, is := strings.CutPrefix(name, formatPrefix); is {
			put(&c.Formats, format, n)
		} else if flag, is := strings.CutPrefix(name, flagPrefix); is {
			put(&c.Flags, flag, n)
		}
	}
	return c
}

func put(m *map[string]int64, name string, n int64) {
	if *m == nil {
		*m = map[string]int64{}
	}
	(*m)[name] = n
}

func (r recentCounters) top(u unit) []LinkCount {
	counts := r.links[u.name]
	ids := ranked(counts)
	all := make([]LinkCount, 0, busiest)
	for _, id := range ids[:min(busiest, len(ids))] {
		all = append(all, LinkCount{id, counts[id]})
	}
	return all
}
