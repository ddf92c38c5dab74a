package link

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"inlet/db"
	"inlet/problem"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	defaultPage = 50
	maxPage     = 500
)

const (
	// A link counts as used since its first accepted file, even when all that
	// came through it has been deleted. Those that were only revoked come last.
	// link_last_use is the schema's: it asks the uploads, which package catalog
	// owns.
	sqlList = `
		WITH known AS (
			SELECT link_id, label, first_used_at, r.revoked_at,
				first_used_at IS NOT NULL AS used,
				coalesce(link_last_use(link_id, first_used_at), first_used_at) AS last_used_at
			FROM links
			FULL JOIN revoked_links r USING (link_id)
		), sorted AS (
			SELECT *, coalesce(last_used_at, revoked_at) AS at FROM known
		)
		SELECT link_id, label, first_used_at, last_used_at, revoked_at IS NOT NULL, at
		FROM sorted
		WHERE (used, at, link_id) < ($1, $2, $3)
		ORDER BY used DESC, at DESC, link_id DESC
		LIMIT $4`
	sqlUsage = `SELECT files, bytes FROM link_usage WHERE link_id = $1`

	// One guarded statement: it changes nothing when the file would take the link
	// over a limit (0 means none).
	sqlSpend = `
		INSERT INTO link_usage AS u (link_id, files, bytes, expires_at)
		SELECT $1::text, 1, $2::bigint, $3::timestamptz WHERE $5::bigint = 0 OR $2::bigint <= $5::bigint
		ON CONFLICT (link_id) DO UPDATE SET files = u.files + 1, bytes = u.bytes + excluded.bytes
		WHERE ($4::bigint = 0 OR u.files + 1 <= $4::bigint) AND ($5::bigint = 0 OR u.bytes + excluded.bytes <= $5::bigint)`

	sqlFirstUse = `
		INSERT INTO links (link_id, label, first_used_at, expires_at) VALUES ($1, nullif($2, ''), $3, $4)
		ON CONFLICT DO NOTHING`
)

// Counts tells how much came through links. Links that are missing in its answer
// count as unused.
type Counts interface {
	Links(ctx context.Context, ids []ID) (map[ID]Usage, error)
}

// storeWait bounds a visit to the database on behalf of a sender.
const storeWait = 5 * time.Second

// Store is the database's part of links: which were used, and how much of their
// limits.
type Store struct {
	pool   *pgxpool.Pool
	counts Counts
}

// NewStore makes a Store.
func NewStore(pool *pgxpool.Pool, counts Counts) *Store {
	return &Store{pool: pool, counts: counts}
}

// Used is a link that has been used or revoked; its JSON is the contract's list
// entry. Label is nil where it is unknown or empty, the times are nil where the
// link was never used.
type Used struct {
	ID          ID         `json:"id"`
	Label       *string    `json:"label"`
	FirstUsedAt *time.Time `json:"first_used_at"`
	LastUsedAt  *time.Time `json:"last_used_at"`
	Files       int64      `json:"files"`
	Bytes       int64      `json:"bytes"`
	Revoked     bool       `json:"revoked"`

	at time.Time // what the list is ordered by
}

// List returns a page of the links that have been used or revoked, newest use
// first, and the cursor of the next page, empty after the last.
func (s *Store) List(ctx context.Context, limit int, cursor string) ([]Used, string, error) {
	after, err := parsePlace(cursor)
	if err != nil {
		return nil, "", err
	}
	if limit <= 0 {
		limit = defaultPage
	}
	limit = min(limit, maxPage)
	page, err := s.page(ctx, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("link: list: %w", err)
	}
	next := ""
	if len(page) > limit {
		page = page[:limit]
		next = placeOf(page[limit-1]).String()
	}
	if err := s.count(ctx, page); err != nil {
		return nil, "", fmt.Errorf("link: list: %w", err)
	}
	return page, next, nil
}

func (s *Store) page(ctx context.Context, after place, limit int) ([]Used, error) {
	rows, err := s.pool.Query(ctx, sqlList, after.used, after.at, after.id, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Used, error) {
		var u Used
		err := row.Scan(&u.ID, &u.Label, &u.FirstUsedAt, &u.LastUsedAt, &u.Revoked, &u.at)
		for _, t := range []*time.Time{u.FirstUsedAt, u.LastUsedAt} {
			if t != nil {
				*t = t.UTC()
			}
		}
		if u.Label != nil && *u.Label == "" {
			u.Label = nil
		}
		return u, err
	})
}

func (s *Store) count(ctx context.Context, page []Used) error {
	if len(page) == 0 {
		return nil
	}
	ids := make([]ID, len(page))
	for i, u := range page {
		ids[i] = u.ID
	}
	usage, err := s.counts.Links(ctx, ids)
	if err != nil {
		return err
	}
	for i := range page {
		page[i].Files, page[i].Bytes = usage[page[i].ID].Files, usage[page[i].ID].Bytes
	}
	return nil
}

// Usage returns what of a link with limits has been used, exactly. The store
// keeps nothing of links without limits, and answers zero.
func (s *Store) Usage(ctx context.Context, g Grant) (Usage, error) {
	if !g.Limited() {
		return Usage{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	var u Usage
	err := s.pool.QueryRow(ctx, sqlUsage, g.ID).Scan(&u.Files, &u.Bytes)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Usage{}, problem.StoreFailed(fmt.Errorf("link: usage: %w", err))
	}

	return u, nil
}

// QueueUse adds an accepted file to the link's use, in the transaction that
// accepts it. The batch fails with ErrExhausted where the file would take the
// link over a limit; links without limits share no row. It comes first in the
// batch: whoever waits for the row holds no other lock.
func QueueUse(b *pgx.Batch, g Grant, bytes int64) {
	if g.Limited() {
		db.QueueRequired(b, ErrExhausted, sqlSpend, g.ID, bytes, g.ExpiresAt, g.MaxFiles, g.MaxBytes)
	}
}

// QueueFirstUse records the link at its first accepted file.
func QueueFirstUse(b *pgx.Batch, g Grant, at time.Time) {
	b.Queue(sqlFirstUse, g.ID, g.Label, at, g.ExpiresAt)
}

// Expire removes the rows of links that no token can bring back, and returns how
// many.
func (s *Store) Expire(ctx context.Context, now time.Time) (int64, error) {
	var removed int64
	for _, old := range []struct {
		query string
		age   time.Duration
	}{
		// A request that began in time may end long after the link's end.
		{`DELETE FROM link_usage WHERE expires_at < $1`, 7 * 24 * time.Hour},
		{`DELETE FROM links WHERE expires_at < $1`, maxLifetime},
		{`DELETE FROM revoked_links WHERE revoked_at < $1`, kept},
	} {
		tag, err := s.pool.Exec(ctx, old.query, now.Add(-old.age))
		if err != nil {
			return removed, fmt.Errorf("link: expire: %w", err)
		}
		removed += tag.RowsAffected()
	}
	return removed, nil
}

// place is a position in the list. Its text is opaque to clients.
type place struct {
	used bool
	at   time.Time
	id   ID
}

func placeOf(u Used) place { return place{used: u.FirstUsedAt != nil, at: u.at, id: u.ID} }

func (p place) String() string {
	text := fmt.Sprintf("%t %d %s", p.used, p.at.UnixMicro(), p.id)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// parsePlace reads a cursor; the empty one is before the first link.
func parsePlace(cursor string) (place, error) {
	if cursor == "" {
		return place{used: true, at: time.Unix(lastSecond, 0)}, nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	fields := strings.Split(string(text), " ")
	if err != nil || len(fields) != 3 {
		return place{}, ErrCursor
	}
	micros, err := strconv.ParseInt(fields[1], 10, 64)
	id := ID(fields[2])
	used := fields[0] == "true"
	if err != nil || !inRange(0, micros/1e6) || !id.valid() || !used && fields[0] != "false" {
		return place{}, ErrCursor
	}
	return place{used: used, at: time.UnixMicro(micros), id: id}, nil
}
