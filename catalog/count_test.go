package catalog_test

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/db"
	"inlet/link"
	"inlet/stats"
)

var _ stats.Truth = catalog.Counts{}

// accepted is an upload that a test has written.
type accepted struct {
	at     time.Time
	link   link.ID
	status string
	size   int64
	client []byte
	image  uuid.UUID
	format string
	flags  []string
}

func (a accepted) date() string { return a.at.UTC().Format(time.DateOnly) }

// writeUploads writes pictures and uploads of some days around midnight, and
// returns them with what the pictures alone add up to.
func writeUploads(h *harness) (uploads []accepted, pictures stats.Delta) {
	h.t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	pictures = stats.Delta{Formats: map[string]int64{}, Cameras: map[string]int64{}}
	for i := range 20 {
		format := []string{"jpeg", "png", "heic"}[i%3]
		size := int64(1000 + i)
		flags := [][]string{{}, {"dark"}, {"blurry", "dark"}}[i%3]
		columns := []any{uuid.Must(uuid.NewV7()), sumOf(fmt.Sprint(i)), format, size, someTime(r), nil, flags}
		if i%4 > 0 {
			camera := fmt.Sprint("camera ", i%4)
			columns[5] = camera
			pictures.Cameras[camera]++
		}
		pictures.Images++
		pictures.Bytes += size
		pictures.Formats[format]++
		h.exec(`INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at, camera, flags) VALUES ($1, $2, $3, 1, 1, $4, $5, $6, $7)`, columns...)

		for n := range 1 + r.IntN(12) {
			a := accepted{
				at:     someTime(r),
				link:   link.ID(fmt.Sprint("link ", r.IntN(5))),
				status: "duplicate", size: size + int64(n), client: []byte{byte(r.IntN(6)), 0xff}, image: columns[0].(uuid.UUID),
				format: format, flags: flags,
			}
			if n == 0 {
				a.at, a.status = columns[4].(time.Time), "stored"
			}
			h.exec(`INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client) VALUES ($1, $2, $3, $4, $5, $6)`,
				a.at, a.image, a.link, a.status, a.size, a.client)
			uploads = append(uploads, a)
		}
	}

	return uploads, pictures
}

// someTime is around midnight of some days.
func someTime(r *rand.Rand) time.Time {
	return time.Date(2026, 3, 8, 23, 59, 58, 0, time.UTC).Add(time.Duration(r.IntN(4*24)) * time.Hour).Add(time.Duration(r.IntN(4)) * time.Second)
}

// recentAgain counts what is recent as Counts does, but in Go.
func recentAgain(uploads []accepted, since stats.Since) counters {
	sum := counters{}
	for _, u := range uploads {
		if u.at.Before(since.Hour) {
			continue
		}
		at := u.at.Truncate(time.Minute)
		if u.at.Before(since.Minute) {
			at = u.at.Truncate(time.Hour)
		}
		r := stats.Recent{At: at, Link: u.link, Accepted: 1, Duplicates: 1}
		if u.status == "stored" {
			r.Stored, r.Duplicates = 1, 0
			r.Formats, r.Flags = map[string]int64{u.format: 1}, map[string]int64{}
			for _, flag := range u.flags {
				r.Flags[flag]++
			}
		}
		sum.addRecent(r)
	}

	return sum
}

// countAgain counts uploads as Counts does, but in Go.
func countAgain(uploads []accepted, d stats.Delta, since string) (stats.Delta, map[string]bool, map[link.ID]stats.Link) {
	days, clients, links := map[string]stats.Day{}, map[string]bool{}, map[link.ID]stats.Link{}
	for _, u := range uploads {
		stored, date := int64(0), u.date()
		if u.status == "stored" {
			stored = 1
		}
		d.Accepted++
		d.Stored += stored
		d.Duplicates += 1 - stored

		l := links[u.link]
		if l.LastUsedAt.Before(u.at) {
			l.LastUsedAt = u.at
		}
		links[u.link] = stats.Link{ID: u.link, Files: l.Files + 1, Bytes: l.Bytes + u.size, LastUsedAt: l.LastUsedAt}
		if date < since {
			continue
		}

		day := days[date]
		day.Date = date
		day.Accepted++
		day.Stored += stored
		day.Duplicates += 1 - stored
		day.Bytes += u.size
		if client := date + " " + hex.EncodeToString(u.client); !clients[client] {
			clients[client] = true
			day.Uploaders++
		}
		days[date] = day
	}
	d.Days = slices.SortedFunc(maps.Values(days), byDate)

	return d, clients, links
}

func byDate(a, b stats.Day) int { return cmp.Compare(a.Date, b.Date) }

// Counts gives what a recount of the written rows gives, wherever the database
// believes to be.
func TestCounts(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	uploads, pictures := writeUploads(h)
	for _, zone := range []string{"UTC", "Asia/Tokyo", "America/Los_Angeles"} {
		for _, since := range []string{"2026-03-10", "2000-01-01", "2027-01-01"} {
			want, clients, links := countAgain(uploads, pictures, since)
			err := pgx.BeginFunc(t.Context(), h.Pool, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), `SET LOCAL TIME ZONE '`+zone+`'`)
				must(t, err)
				begin, err := time.Parse(time.DateOnly, since)
				must(t, err)
				from := stats.Since{Day: since, Hour: begin, Minute: begin.Add(36*time.Hour + time.Minute)}
				recent := counters{}
				got, err := catalog.Counts{}.Count(t.Context(), tx, from, recent.addRecent)
				must(t, err)
				if again := recentAgain(uploads, from); !maps.Equal(recent, again) {
					t.Errorf("%s since %s: recent %v\nwant %v", zone, since, recent, again)
				}
				slices.SortFunc(got.Days, byDate)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s since %s: %+v\nwant %+v", zone, since, got, want)
				}
				checkClients(t, tx, since, clients)
				checkLinks(t, tx, nil, links)
				return nil
			})
			must(t, err)
		}
	}

	_, _, links := countAgain(uploads, pictures, "")
	delete(links, "link 0")
	checkLinks(t, h.Pool, []link.ID{"link 1", "link 2", "link 3", "link 4", "unknown"}, links)

	// fn's error ends the count and is returned.
	enough, calls := errors.New("enough"), 0
	stop := func() error { calls++; return enough }
	if err := (catalog.Counts{}).Clients(t.Context(), h.Pool, "2026-03-10", func(_, _ string) error { return stop() }); !errors.Is(err, enough) {
		t.Errorf("Clients: %v", err)
	}
	if err := (catalog.Counts{}).Links(t.Context(), h.Pool, nil, func(stats.Link) error { return stop() }); !errors.Is(err, enough) {
		t.Errorf("Links: %v", err)
	}
	recent := func(stats.Recent) error { return stop() }
	if _, err := (catalog.Counts{}).Count(t.Context(), h.Pool, stats.Since{Day: "2026-03-10"}, recent); !errors.Is(err, enough) {
		t.Errorf("Count: %v", err)
	}
	if calls != 3 {
		t.Errorf("%d calls", calls)
	}
}

// Without any row all is zero, and nobody is called.
func TestCountsOfNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	got, err := catalog.Counts{}.Count(t.Context(), h.Pool, stats.Kept(noon), func(r stats.Recent) error {
		t.Errorf("recently there was %+v", r)
		return nil
	})
	must(t, err)
	if want := (stats.Delta{Formats: map[string]int64{}, Cameras: map[string]int64{}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	checkClients(t, h.Pool, "2026-03-10", map[string]bool{})
	checkLinks(t, h.Pool, nil, map[link.ID]stats.Link{})
}

func checkClients(t *testing.T, q db.Querier, since string, want map[string]bool) {
	t.Helper()
	got := map[string]bool{}
	must(t, catalog.Counts{}.Clients(t.Context(), q, since, func(date, client string) error {
		if name := date + " " + client; got[name] {
			t.Errorf("%s comes twice", name)
		} else {
			got[name] = true
		}
		return nil
	}))
	if !maps.Equal(got, want) {
		t.Errorf("clients since %s: %v\nwant %v", since, got, want)
	}
}

func checkLinks(t *testing.T, q db.Querier, ids []link.ID, want map[link.ID]stats.Link) {
	t.Helper()
	got := map[link.ID]stats.Link{}
	must(t, catalog.Counts{}.Links(t.Context(), q, ids, func(l stats.Link) error {
		l.LastUsedAt = l.LastUsedAt.UTC()
		if _, again := got[l.ID]; again {
			t.Errorf("%s comes twice", l.ID)
		}
		got[l.ID] = l
		return nil
	}))
	if !maps.Equal(got, want) {
		t.Errorf("links %v: %+v\nwant %+v", ids, got, want)
	}
}
