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
		columns := []any{uuid.Must(uuid.NewV7()), sumOf(fmt.Sprint(i)), format, size, noon, nil}
		if i%4 > 0 {
			camera := fmt.Sprint("camera ", i%4)
			columns[5] = camera
			pictures.Cameras[camera]++
		}
		pictures.Images++
		pictures.Bytes += size
		pictures.Formats[format]++
		h.exec(`INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at, camera) VALUES ($1, $2, $3, 1, 1, $4, $5, $6)`, columns...)

		for n := range 1 + r.IntN(12) {
			a := accepted{
				at:     time.Date(2026, 3, 8, 23, 59, 58, 0, time.UTC).Add(time.Duration(r.IntN(4*24)) * time.Hour).Add(time.Duration(r.IntN(4)) * time.Second),
				link:   link.ID(fmt.Sprint("link ", r.IntN(5))),
				status: "duplicate", size: size + int64(n), client: []byte{byte(r.IntN(6)), 0xff}, image: columns[0].(uuid.UUID),
			}
			if n == 0 {
				a.status = "stored"
			}
			h.exec(`INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client) VALUES ($1, $2, $3, $4, $5, $6)`,
				a.at, a.image, a.link, a.status, a.size, a.client)
			uploads = append(uploads, a)
		}
	}

	return uploads, pictures
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
				got, err := catalog.Counts{}.Count(t.Context(), tx, since)
				must(t, err)
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
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}

// Without any row all is zero, and nobody is called.
func TestCountsOfNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	got, err := catalog.Counts{}.Count(t.Context(), h.Pool, "2026-03-10")
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
