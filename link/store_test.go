package link

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/db/dbtest"
)

// counted are counts that were applied already.
type counted map[ID]Usage

func (c counted) Links(_ context.Context, ids []ID) (map[ID]Usage, error) {
	if _, ok := c["out of order"]; ok {
		return nil, errors.New("out of order")
	}
	answer := map[ID]Usage{}
	for _, id := range ids {
		if u, ok := c[id]; ok {
			answer[id] = u
		}
	}
	return answer, nil
}

func execute(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// hour is so many hours after midnight.
func hour(h int) time.Time { return time.Date(2026, 10, 25, h, 0, 0, 0, time.UTC) }

// use notes a link's use, first at its first hour and last at its last.
func use(t *testing.T, pool *pgxpool.Pool, id ID, label string, hours ...int) {
	t.Helper()
	execute(t, pool, `INSERT INTO links VALUES ($1, nullif($2, '-'), $3, $4)`, id, label, hour(hours[0]), hour(500))
	execute(t, pool, `
		INSERT INTO images (id, sha256, format, width, height, bytes, uploaded_at)
		VALUES (md5('image')::uuid, sha256('image'), 'jpeg', 1, 1, 1, $1) ON CONFLICT DO NOTHING`, hour(0))
	for _, h := range hours {
		execute(t, pool, `
			INSERT INTO uploads (uploaded_at, image_id, link_id, status, bytes, client)
			VALUES ($1, md5('image')::uuid, $2, 'stored', 1, '')`, hour(h), id)
	}
}

func ids(page []Used) string {
	var all []string
	for _, u := range page {
		all = append(all, string(u.ID))
	}
	return strings.Join(all, " ")
}

func TestList(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	use(t, pool, "once", "Wedding", 9)
	use(t, pool, "twice", "-", 8, 11)
	use(t, pool, "early", "", 1)
	use(t, pool, "tie-a", "a", 5)
	use(t, pool, "tie-b", "b", 5)
	use(t, pool, "later-month", "x", 10, 24*20)
	use(t, pool, "emptied", "all deleted", 7)
	execute(t, pool, `DELETE FROM uploads WHERE link_id = 'emptied'`)
	for id, h := range map[ID]int{"twice": 12, "unused-a": 20, "unused-b": 30, "unused-c": 30} {
		execute(t, pool, `INSERT INTO revoked_links (link_id, revoked_at) VALUES ($1, $2)`, id, hour(h))
	}
	store := NewStore(pool, counted{"once": {Files: 2, Bytes: 300}, "stranger": {Files: 9}})

	const order = "later-month twice once emptied tie-b tie-a early unused-c unused-b unused-a"
	all, next, err := store.List(t.Context(), 0, "")
	if err != nil || next != "" || ids(all) != order {
		t.Fatalf("got %s, %q, %v\nwant %s", ids(all), next, err, order)
	}
	for i, want := range map[int]string{
		0: `{"id":"later-month","label":"x","first_used_at":"2026-10-25T10:00:00Z","last_used_at":"2026-11-14T00:00:00Z","files":0,"bytes":0,"revoked":false}`,
		1: `{"id":"twice","label":null,"first_used_at":"2026-10-25T08:00:00Z","last_used_at":"2026-10-25T11:00:00Z","files":0,"bytes":0,"revoked":true}`,
		2: `{"id":"once","label":"Wedding","first_used_at":"2026-10-25T09:00:00Z","last_used_at":"2026-10-25T09:00:00Z","files":2,"bytes":300,"revoked":false}`,
		3: `{"id":"emptied","label":"all deleted","first_used_at":"2026-10-25T07:00:00Z","last_used_at":"2026-10-25T07:00:00Z","files":0,"bytes":0,"revoked":false}`,
		6: `{"id":"early","label":null,"first_used_at":"2026-10-25T01:00:00Z","last_used_at":"2026-10-25T01:00:00Z","files":0,"bytes":0,"revoked":false}`,
		7: `{"id":"unused-c","label":null,"first_used_at":null,"last_used_at":null,"files":0,"bytes":0,"revoked":true}`,
	} {
		if got, err := json.Marshal(all[i]); err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}

	for limit := 1; limit <= 11; limit++ {
		var pages []Used
		cursor := ""
		for range 12 {
			page, next, err := store.List(t.Context(), limit, cursor)
			if err != nil || len(page) > limit || next != "" && len(page) != limit {
				t.Fatalf("limit %d: %d links, %q, %v", limit, len(page), next, err)
			}
			pages = append(pages, page...)
			if cursor = next; next == "" {
				break
			}
		}
		if ids(pages) != order {
			t.Errorf("limit %d: got %s", limit, ids(pages))
		}
	}
}

func TestListOfNothing(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	all, next, err := NewStore(pool, counted{}).List(t.Context(), 1<<30, "")
	if b, _ := json.Marshal(all); err != nil || next != "" || string(b) != "[]" {
		t.Errorf("got %s, %q, %v", b, next, err)
	}
	use(t, pool, "x", "", 1)
	if _, _, err := NewStore(pool, counted{"out of order": {}}).List(t.Context(), 1, ""); err == nil {
		t.Error("without counts there is a list")
	}
	pool.Close()
	if _, _, err := NewStore(pool, counted{}).List(t.Context(), 1, ""); err == nil {
		t.Error("without a database there is a list")
	}
}

func TestCursor(t *testing.T) {
	t.Parallel()
	for _, p := range []position{{true, hour(1), "x"}, {false, hour(2).Add(time.Microsecond), "A-_z"}, {true, time.Unix(0, 0), "x"}} {
		got, err := parsePosition(p.String())
		if err != nil || got.used != p.used || got.id != p.id || !got.at.Equal(p.at) {
			t.Errorf("%+v became %+v, %v", p, got, err)
		}
	}
	store := NewStore(nil, nil) // it is not reached
	good := "true 1 x"
	for name, cursor := range map[string]string{
		"no base64":      "ä",
		"padded":         base64.URLEncoding.EncodeToString([]byte("true 12 x")[:8]) + "=",
		"empty inside":   encode(" "),
		"two fields":     encode("true 1"),
		"four fields":    encode(good + " x"),
		"no flag":        encode("TRUE 1 x"),
		"no number":      encode("true one x"),
		"negative":       encode("true -1000000 x"),
		"after 9999":     encode("true 9223372036854775807 x"),
		"over 64 bits":   encode("true 92233720368547758080 x"),
		"no id":          encode("true 1 "),
		"NUL in the id":  encode("true 1 \x00"),
		"no UTF-8":       encode("true 1 \xff"),
		"a long id":      encode("true 1 " + strings.Repeat("x", 65)),
		"a megabyte":     encode(strings.Repeat("x", 1<<20)),
		"something else": `{"a":1}`,
	} {
		if _, _, err := store.List(t.Context(), 10, cursor); !errors.Is(err, ErrCursor) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := parsePosition(encode(good)); err != nil {
		t.Error(err)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	execute(t, pool, `INSERT INTO link_usage VALUES ('x', 3, 400, $1)`, hour(1))
	store := NewStore(pool, counted{})
	for name, tc := range map[string]struct {
		grant Grant
		want  Usage
	}{
		"limited by files": {Grant{ID: "x", MaxFiles: 10}, Usage{Files: 3, Bytes: 400}},
		"limited by bytes": {Grant{ID: "x", MaxBytes: 10}, Usage{Files: 3, Bytes: 400}},
		"not used yet":     {Grant{ID: "y", MaxBytes: 10}, Usage{}},
		"not limited":      {Grant{ID: "x"}, Usage{}},
	} {
		if got, err := store.Usage(t.Context(), tc.grant); err != nil || got != tc.want {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	pool.Close()
	if _, err := store.Usage(t.Context(), Grant{ID: "x", MaxFiles: 10}); err == nil {
		t.Error("without a database there is an answer")
	}
}

func TestExpire(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	const day = 24 * time.Hour
	for table, days := range map[string]int{"link_usage": 7, "links": 366, "revoked_links": 367} {
		for id, at := range map[string]time.Time{
			"old":   noon.Add(-time.Duration(days) * day).Add(-time.Second),
			"young": noon.Add(-time.Duration(days) * day),
		} {
			columns := map[string]string{
				"link_usage":    "(link_id, expires_at, files, bytes) VALUES ($1, $2, 1, 1)",
				"links":         "(link_id, expires_at, first_used_at) VALUES ($1, $2, $2)",
				"revoked_links": "(link_id, revoked_at) VALUES ($1, $2)",
			}[table]
			execute(t, pool, fmt.Sprintf("INSERT INTO %s %s", table, columns), id, at)
		}
	}
	store := NewStore(pool, counted{})
	for _, want := range []int64{3, 0} {
		if n, err := store.Expire(t.Context(), noon); err != nil || n != want {
			t.Errorf("removed %d, %v, want %d", n, err, want)
		}
	}
	for _, table := range []string{"link_usage", "links", "revoked_links"} {
		var left string
		if err := pool.QueryRow(t.Context(), "SELECT string_agg(link_id, ' ') FROM "+table).Scan(&left); err != nil || left != "young" {
			t.Errorf("%s: %s, %v", table, left, err)
		}
	}
	pool.Close()
	if _, err := store.Expire(t.Context(), noon); err == nil {
		t.Error("without a database rows are removed")
	}
}
