package upload

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/imaging"
	"inlet/imaging/exif"
)

// imageRow is the row of a new picture, in the order of imageQuery.
func imageRow(id uuid.UUID, a arrival, info imaging.Info, now time.Time) []any {
	sum := a.staged.Sum()
	var payload []byte
	if info.Payload != nil {
		payload = info.Payload[:]
	}
	row := []any{
		id, a.scope, sum[:], payload, string(info.Format), info.Width, info.Height, info.Frames,
		info.Duration.Milliseconds(), a.staged.Size(), now,
	}
	return append(row, metadata(info.Meta)...)
}

// metadata is the part of a picture's row that the file's metadata fill, from
// camera to exif; what the file does not say is NULL.
func metadata(m exif.Metadata) []any {
	var latitude, longitude, altitude *float64
	if m.Location != nil {
		latitude, longitude, altitude = &m.Location.Latitude, &m.Location.Longitude, m.Location.Altitude
	}
	tags := m.Tags
	if tags == nil {
		tags = map[string]any{}
	}
	var captured *time.Time
	if !m.CapturedAt.IsZero() {
		captured = &m.CapturedAt
	}
	return []any{
		said(m.CameraName), said(m.Make), said(m.Model), said(m.Lens), said(m.Software),
		captured, said(m.CapturedAtOffset), latitude, longitude, altitude,
		m.ISO, m.FNumber, m.ExposureTime, m.FocalLength, said(m.Orientation), tags,
	}
}

// said is nil for what a file does not say.
func said[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Groups are filled as a whole, so that one camera's make never meets another's
// model. The first $1 is the picture, the rest are metadata's.
const enrichQuery = `
	UPDATE images SET
		camera = CASE WHEN no_camera THEN $2 ELSE camera END,
		make   = CASE WHEN no_camera THEN $3 ELSE make END,
		model  = CASE WHEN no_camera THEN $4 ELSE model END,
		lens = coalesce(lens, $5), software = coalesce(software, $6),
		captured_at        = coalesce(captured_at, $7),
		captured_at_offset = CASE WHEN captured_at IS NULL THEN $8 ELSE captured_at_offset END,
		latitude  = coalesce(latitude, $9),
		longitude = coalesce(longitude, $10),
		altitude  = CASE WHEN latitude IS NULL THEN $11 ELSE altitude END,
		iso = coalesce(iso, $12), f_number = coalesce(f_number, $13),
		exposure_time = coalesce(exposure_time, $14), focal_length = coalesce(focal_length, $15),
		orientation = coalesce(orientation, $16),
		exif = $17::jsonb || exif
	FROM (SELECT make IS NULL AND model IS NULL AS no_camera FROM images WHERE id = $1 FOR NO KEY UPDATE) AS was
	WHERE id = $1 AND ($17::jsonb || exif) IS DISTINCT FROM exif
	RETURNING CASE WHEN no_camera THEN coalesce($2, '') ELSE '' END`

// metaOf is what a copy's metadata say of the kept picture. How its own pixels
// lie says nothing of others.
func metaOf(info imaging.Info, match string) exif.Metadata {
	m := info.Meta
	if match == MatchPerceptual {
		m.Orientation = 0
		m.Tags = maps.Clone(m.Tags)
		delete(m.Tags, "Orientation")
	}
	return m
}

// enrich adds what a copy's metadata say and the kept picture's do not. It
// returns the camera's name if the picture had none before.
func enrich(ctx context.Context, tx pgx.Tx, id uuid.UUID, metadata []any) (camera string, err error) {
	err = tx.QueryRow(ctx, enrichQuery, append([]any{id}, metadata...)...).Scan(&camera)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("keep the richer metadata: %w", err)
	}
	return camera, nil
}
