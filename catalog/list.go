package catalog

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// MaxLimit is the most that List returns at once.
const MaxLimit = 500

// List returns one page of the images that match, newest first and without all
// tags, and the cursor of the page that follows, empty on the last one.
func (s *Service) List(ctx context.Context, f Filter, limit int, cursor string) ([]Document, string, error) {
	limit = max(1, min(limit, MaxLimit))
	var after *position
	if cursor != "" {
		p, err := parsePosition(cursor)
		if err != nil {
			return nil, "", err
		}
		after = &p
	}
	c, err := s.conditions(ctx, f)
	if err != nil {
		return nil, "", err
	}
	docs, err := s.page(ctx, c.after(after), limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(docs) <= limit {
		return docs, "", nil
	}
	docs = docs[:limit]

	return docs, positionOf(&docs[limit-1]).String(), nil
}

// page reads the first images that meet the conditions. It gathers from other
// tables for the rows of the page alone.
func (s *Service) page(ctx context.Context, c conditions, limit int) ([]Document, error) {
	query := `SELECT ` + s.columns + `, NULL::jsonb AS exif
		FROM (SELECT * FROM images i` + c.where() + `
			ORDER BY i.uploaded_at DESC, i.id DESC LIMIT ` + strconv.Itoa(limit) + `) i
		ORDER BY i.uploaded_at DESC, i.id DESC`
	docs, err := find(ctx, s.Read, query, c, documents)
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}

	return docs, nil
}

func documents(rows pgx.Rows, err error) ([]Document, error) {
	if err != nil {
		return nil, err
	}

	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (Document, error) {
		row, err := pgx.RowToStructByName[documentRow](r)
		if err != nil {
			return Document{}, err
		}
		return row.document(), nil
	})
}

// position is a point in the order of the list: that of an image which may have
// gone by now.
type position struct {
	uploadedAt time.Time
	id         uuid.UUID
}

func positionOf(doc *Document) position { return position{doc.UploadedAt, doc.ID} }

// String is the position as a cursor.
func (p position) String() string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(p.uploadedAt.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(raw, p.id[:]...))
}

func parsePosition(cursor string) (position, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) != 8+16 {
		return position{}, ErrCursor
	}
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(raw))).UTC()
	p := position{at, uuid.UUID(raw[8:])}
	// The database's times end where these do not. And only the one spelling is
	// taken: the decoder overlooks line ends.
	if at.Year() < 1 || at.Year() > 9999 || p.String() != cursor {
		return position{}, ErrCursor
	}

	return p, nil
}
