package catalog_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"inlet/catalog"
	"inlet/db"
	"inlet/link"
	"inlet/stats"
	"inlet/vault"
)

func linkDelta(id string, size int64) stats.Link {
	return stats.Link{ID: link.ID(id), Files: 1, Bytes: size}
}

// counters are what all events add up to; what is zero is left out.
type counters map[string]int64

func (c counters) add(name string, n int64) {
	if c[name] += n; c[name] == 0 {
		delete(c, name)
	}
}

// addRecent adds what changes in a minute, or in an hour. It returns nil.
func (c counters) addRecent(r stats.Recent) error {
	at := r.At.UTC().Format("2006-01-02T15:04 ")
	c.add(at+"accepted", r.Accepted)
	c.add(at+"stored", r.Stored)
	c.add(at+"duplicates", r.Duplicates)
	for format, n := range r.Formats {
		c.add(at+"format "+format, n)
	}
	for flag, n := range r.Flags {
		c.add(at+"flag "+flag, n)
	}
	if r.Link != "" {
		c.add(at+"link "+string(r.Link), r.Accepted)
	}

	return nil
}

// events adds up the outbox.
func (h *harness) events() counters {
	h.t.Helper()
	rows, err := h.Pool.Query(context.Background(), `SELECT event FROM outbox`)
	must(h.t, err)
	events, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
	must(h.t, err)
	sum := counters{}
	for _, event := range events {
		var d stats.Delta
		must(h.t, json.Unmarshal(event, &d))
		for name, n := range map[string]int64{
			"images": d.Images, "bytes": d.Bytes, "accepted": d.Accepted, "stored": d.Stored,
			"duplicates": d.Duplicates, "rejected": d.Rejected,
		} {
			sum.add(name, n)
		}
		for name, n := range d.Formats {
			sum.add("format "+name, n)
		}
		for name, n := range d.Cameras {
			sum.add("camera "+name, n)
		}
		for _, day := range d.Days {
			sum.add(day.Date+" accepted", day.Accepted)
			sum.add(day.Date+" stored", day.Stored)
			sum.add(day.Date+" duplicates", day.Duplicates)
			sum.add(day.Date+" bytes", day.Bytes)
		}
		for _, r := range d.Recent {
			since := stats.Kept(h.Now())
			if r.At.Before(since.Minute) {
				r.At = r.At.Truncate(time.Hour)
			}
			if !r.At.Before(since.Hour) {
				must(h.t, sum.addRecent(r))
			}
		}
		for _, l := range d.Links {
			sum.add(fmt.Sprintf("link %s files", l.ID), l.Files)
			sum.add(fmt.Sprintf("link %s bytes", l.ID), l.Bytes)
		}
	}
	return sum
}

// recount counts the same from the rows.
func (h *harness) recount() counters {
	h.t.Helper()
	rows, err := h.Pool.Query(context.Background(), `
		SELECT 'images', count(*) FROM images UNION ALL
		SELECT 'bytes', sum(bytes)::bigint FROM images UNION ALL
		SELECT 'accepted', count(*) FROM uploads UNION ALL
		SELECT status || CASE status WHEN 'duplicate' THEN 's' ELSE '' END, count(*) FROM uploads GROUP BY status UNION ALL
		SELECT 'format ' || format, count(*) FROM images GROUP BY format UNION ALL
		SELECT 'camera ' || camera, count(*) FROM images WHERE camera IS NOT NULL GROUP BY camera UNION ALL
		SELECT uploaded_at::date || ' accepted', count(*) FROM uploads GROUP BY uploaded_at::date UNION ALL
		SELECT uploaded_at::date || ' stored', count(*) FROM uploads WHERE status = 'stored' GROUP BY uploaded_at::date UNION ALL
		SELECT uploaded_at::date || ' duplicates', count(*) FROM uploads WHERE status = 'duplicate' GROUP BY uploaded_at::date UNION ALL
		SELECT uploaded_at::date || ' bytes', sum(bytes)::bigint FROM uploads GROUP BY uploaded_at::date UNION ALL
		SELECT 'link ' || link_id || ' files', count(*) FROM uploads GROUP BY link_id UNION ALL
		SELECT 'link ' || link_id || ' bytes', sum(bytes)::bigint FROM uploads GROUP BY link_id`)
	must(h.t, err)
	sum := counters{}
	var name string
	var n *int64
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		if n != nil {
			sum.add(name, *n)
		}
		return nil
	})
	must(h.t, err)
	_, err = catalog.Counts{}.Count(context.Background(), h.Pool, stats.Kept(h.Now()), sum.addRecent)
	must(h.t, err)
	return sum
}

func (h *harness) checkCounters() {
	h.t.Helper()
	if events, rows := h.events(), h.recount(); !reflect.DeepEqual(events, rows) {
		h.t.Errorf("the events add up to %v\nthe rows to %v", events, rows)
	}
}

func sumOf(content string) []byte {
	sum := sha256.Sum256([]byte(content))
	return sum[:]
}

// raced tells an insert that lost against another upload or a deletion.
func raced(err error) bool { return errors.Is(err, vault.ErrRemoving) || db.Raced(err) }

// eventually waits until something is so.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
		time.Sleep(time.Millisecond)
	}
}
