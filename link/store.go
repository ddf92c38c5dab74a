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

	// storeWait bounds a statement that a sender waits for.
	storeWait = 5 * time.Second
)

const (
	// A link counts as used since its first accepted file, even after a deletion of
	// all its files. Links that were only revoked come last. The schema's function
	// link_last_use reads the uploads, which package catalog owns.
	sqlList = `
		WITH known AS (
			SELECT link_id, nullif(label, '') AS label, first_used_at, revoked_at,
				first_used_at IS NOT NULL AS used,
				coalesce(link_last_use(link_id, first_used_at), first_used_at) AS last_used_at
			FROM links
			FULL JOIN revoked_links USING (link_id)
		), sorted AS (
			SELECT *, coalesce(last_used_at, revoked_at) AS at FROM known
		)
		SELECT link_id, label, first_used_at, last_used_at, revoked_at IS NOT NULL, at
		FROM sorted
		WHERE (used, at, link_id) < ($1, $2, $3)
		ORDER BY used DESC, at DESC, link_id DESC
		LIMIT $4`
	sqlUsage = `SELECT files, bytes FROM link_usage WHERE link_id = $1`

	// The guard changes no row when the file would exceed a limit (0 means none).
	sqlSpend = `
		INSERT INTO link_usage AS u (link_id, files, bytes, expires_at)
		SELECT $1::text, 1, $2::bigint, $3::timestamptz WHERE $5::bigint = 0 OR $2::bigint <= $5::bigint
		ON CONFLICT (link_id) DO UPDATE SET files = u.files + 1, bytes = u.bytes + excluded.bytes
		WHERE ($4::bigint = 0 OR u.files + 1 <= $4::bigint) AND ($5::bigint = 0 OR u.bytes + excluded.bytes <= $5::bigint)`

	sqlFirstUse = `
		INSERT INTO links (link_id, label, first_used_at, expires_at) VALUES ($1, nullif($2, ''), $3, $4)
		ON CONFLICT DO NOTHING`
)

// Counts counts the accepted files of links. An unused link is not in the answer.
type Counts interface {
	Links(ctx context.Context, ids []ID) (map[ID]Usage, error)
}

// Store is the database's part of links: the used ones, and the usage of those with
// limits.
type Store struct {
	pool   *pgxpool.Pool
	counts Counts
}

// NewStore makes a Store.
func NewStore(pool *pgxpool.Pool, counts Counts) *Store {
	return &Store{pool: pool, counts: counts}
}

// Used is a used or revoked link; its JSON is the contract's list entry. Label is nil
// if it is unknown or empty, the times are nil if the link was never used.
type Used struct {
	ID          ID         `json:"id"`
	Label       *string    `json:"label"`
	FirstUsedAt *time.Time `json:"first_used_at"`
	LastUsedAt  *time.Time `json:"last_used_at"`
	Files       int64      `json:"files"`
	Bytes       int64      `json:"bytes"`
	Revoked     bool       `json:"revoked"`

	at time.Time // the list's order
}

// List returns a page of the used or revoked links, newest use first, and the cursor
// of the next page, empty after the last. A limit of 0 or less means 50; 500 is the
// most. It fails with ErrCursor on a malformed cursor.
func (s *Store) List(ctx context.Context, limit int, cursor string) ([]Used, string, error) {
	after, err := parsePosition(cursor)
	if err != nil {
		return nil, "", err
	}
	if limit <= 0 {
		limit = defaultPage
	}
	limit = min(limit, maxPage)
	rows, _ := s.pool.Query(ctx, sqlList, after.used, after.at, after.id, limit+1) // CollectRows returns the error
	page, err := pgx.CollectRows(rows, scanUsed)
	if err != nil {
		return nil, "", fmt.Errorf("link: list: %w", err)
	}

	next := ""
	if len(page) > limit {
		page = page[:limit]
		last := page[limit-1]
		next = position{used: last.FirstUsedAt != nil, at: last.at, id: last.ID}.String()
	}
	if err := s.count(ctx, page); err != nil {
		return nil, "", fmt.Errorf("link: list: %w", err)
	}

	return page, next, nil
}

func scanUsed(row pgx.CollectableRow) (u Used, err error) {
	err = row.Scan(&u.ID, &u.Label, &u.FirstUsedAt, &u.LastUsedAt, &u.Revoked, &u.at)
	for _, t := range []*time.Time{u.FirstUsedAt, u.LastUsedAt} {
		if t != nil {
			*t = t.UTC()
		}
	}

	return u, err
}

// count fills in Files and Bytes.
func (s *Store) count(ctx context.Context, page []Used) error {
	if len(page) == 0 {
		return nil
	}
	ids := make([]ID, len(page))
	for i, u := range page {
		ids[i] = u.ID
	}
	usage, err := s.counts.Links(ctx, ids)
	for i, id := range ids {
		page[i].Files, page[i].Bytes = usage[id].Files, usage[id].Bytes
	}

	return err
}

// Usage returns the exact usage of a link with limits, and zero for any other.
func (s *Store) Usage(ctx context.Context, g Grant) (u Usage, err error) {
	if !g.Limited() {
		return u, nil
	}

	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	err = s.pool.QueryRow(ctx, sqlUsage, g.ID).Scan(&u.Files, &u.Bytes)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Usage{}, problem.StoreFailed(fmt.Errorf("link: usage: %w", err))
	}

	return u, nil
}

// QueueUse adds an accepted file to the link's usage, in the transaction that accepts
// it. The batch fails with ErrExhausted if the file would exceed a limit. Links
// without limits share no row. Queue it first in the batch, so that a transaction
// that waits for the row holds no other lock.
func QueueUse(b *pgx.Batch, g Grant, bytes int64) {
	if g.Limited() {
		db.QueueRequired(b, ErrExhausted, sqlSpend, g.ID, bytes, g.ExpiresAt, g.MaxFiles, g.MaxBytes)
	}
}

// QueueFirstUse records the link at its first accepted file.
func QueueFirstUse(b *pgx.Batch, g Grant, at time.Time) {
	b.Queue(sqlFirstUse, g.ID, g.Label, at, g.ExpiresAt)
}

// Expire removes the rows of links that no token can use again, and returns their
// number.
func (s *Store) Expire(ctx context.Context, now time.Time) (removed int64, err error) {
	for _, old := range []struct {
		query string
		age   time.Duration
	}{
		// A request that began in time may end long after the link's end.
		{`DELETE FROM link_usage WHERE expires_at < $1`, 7 * 24 * time.Hour},
		{`DELETE FROM links WHERE expires_at < $1`, maxLifetime},
		{`DELETE FROM revoked_links WHERE revoked_at < $1`, retention},
	} {
		tag, err := s.pool.Exec(ctx, old.query, now.Add(-old.age))
		if err != nil {
			return removed, fmt.Errorf("link: expire: %w", err)
		}
		removed += tag.RowsAffected()
	}

	return removed, nil
}

// position is a point in the order of the list. Its text is opaque to clients.
type position struct {
	used bool
	at   time.Time
	id   ID
}

func (p position) String() string {
	text := fmt.Sprintf("%t %d %s", p.used, p.at.UnixMicro(), p.id)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// parsePosition reads a cursor. The empty one stands before the first link.
func parsePosition(cursor string) (position, error) {
	if cursor == "" {
		return position{used: true, at: time.Unix(lastSecond, 0)}, nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	fields := strings.Split(string(text), " ")
	if err != nil || len(fields) != 3 {
		return position{}, ErrCursor
	}

	micros, err := strconv.ParseInt(fields[1], 10, 64)
	p := position{used: fields[0] == "true", at: time.UnixMicro(micros), id: ID(fields[2])}
	if err != nil || !inRange(0, micros/1e6) || !p.id.valid() || !p.used && fields[0] != "false" {
		return position{}, ErrCursor
	}

	return p, nil
}
