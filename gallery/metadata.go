package gallery

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/imaging"
)

// Document is what is known of an image; its JSON is the contract's. What is not
// known is null.
type Document struct {
	ID               uuid.UUID      `json:"id"`
	SHA256           string         `json:"sha256"`
	Format           imaging.Format `json:"format"`
	Width            int            `json:"width"`
	Height           int            `json:"height"`
	Bytes            int64          `json:"bytes"`
	UploadedAt       time.Time      `json:"uploaded_at"`
	Uploads          int64          `json:"uploads"`
	Camera           Camera         `json:"camera"`
	CapturedAt       *time.Time     `json:"captured_at"`
	CapturedAtOffset *string        `json:"captured_at_offset"`
	Location         *Location      `json:"location"`
	Exposure         Exposure       `json:"exposure"`
	Orientation      *int           `json:"orientation"`
	Software         *string        `json:"software"`
	// Exif holds all tags; nil, and no part of the JSON, in lists.
	Exif   json.RawMessage `json:"exif,omitempty"`
	Labels []string        `json:"labels"`
	// PHash is the beginning of the perceptual hash in hexadecimal.
	PHash *string `json:"phash"`
	// Near are the pictures that look alike and are no copies, the nearest first,
	// at most 100: pages of one form are near to thousands of others.
	Near []Near `json:"near"`
	// Quality is nil where there is nothing to be said of it.
	Quality *Quality `json:"quality"`
	// Predictions is empty: there are none yet.
	Predictions []struct{} `json:"predictions"`
}

// Near is a picture that looks alike. Distance is the number of bits in which the
// perceptual hashes differ.
type Near struct {
	ID       uuid.UUID `json:"id"`
	Distance int       `json:"distance"`
}

// Quality is what can be said of how good a picture is.
type Quality struct {
	// Flags name what is wrong with it: "undecodable".
	Flags []string `json:"flags"`
}

// Camera that took the picture. Name is what the statistics call it.
type Camera struct {
	Name  *string `json:"name"`
	Make  *string `json:"make"`
	Model *string `json:"model"`
	Lens  *string `json:"lens"`
}

// Location where the picture was taken.
type Location struct {
	Latitude  float64  `json:"latitude"`
	Longitude float64  `json:"longitude"`
	Altitude  *float64 `json:"altitude"`
}

// Exposure of the picture.
type Exposure struct {
	ISO     *int     `json:"iso"`
	FNumber *float64 `json:"f_number"`
	TimeS   *float64 `json:"time_s"`
	FocalMM *float64 `json:"focal_mm"`
}

// documentColumns are what a Document is made of, in the order in which
// scanDocument takes them; i is the image. What is gathered from other tables is
// gathered by an index for each image, so that a page costs the same however many
// images there are. A pair is in near both ways: it is looked up from the other's
// side, where the index may have the distance.
const documentColumns = `
	i.id, i.sha256, i.format, i.width, i.height, i.bytes, i.uploaded_at,
	(SELECT count(*) FROM uploads u WHERE u.image_id = i.id),
	i.camera, i.make, i.model, i.lens, i.captured_at, i.captured_at_offset,
	i.latitude, i.longitude, i.altitude,
	i.iso, i.f_number, i.exposure_time, i.focal_length, i.orientation, i.software,
	ARRAY(SELECT l.label FROM labels l WHERE l.image_id = i.id ORDER BY l.label COLLATE "C"),
	(SELECT lpad(to_hex(f.hash::bit(64)::bigint), 16, '0') FROM fingerprints f WHERE f.image_id = i.id),
	ARRAY(SELECT (n.image_id, n.distance) FROM near n WHERE n.other_id = i.id ORDER BY n.distance, n.image_id LIMIT 100),
	i.flags`

const metadataQuery = `SELECT ` + documentColumns + `, i.exif FROM images i WHERE i.id = ` + keptAs

// Metadata returns an image's whole document, with all tags; for a folded id that
// of the image that is kept.
func (s *Service) Metadata(ctx context.Context, id uuid.UUID) (Document, error) {
	var exif []byte
	doc, err := scanDocument(s.Pool.QueryRow(ctx, metadataQuery, id), &exif)
	if errors.Is(err, pgx.ErrNoRows) {
		return Document{}, ErrNotFound
	}
	if err != nil {
		return Document{}, fmt.Errorf("read an image's metadata: %w", err)
	}
	doc.Exif = exif
	return doc, nil
}

// scanDocument reads documentColumns, and into more what the query has besides.
func scanDocument(row pgx.Row, more ...any) (Document, error) {
	doc := Document{Predictions: []struct{}{}}
	var sum []byte
	var flags []string
	var latitude, longitude, altitude *float64
	err := row.Scan(append([]any{
		&doc.ID, &sum, &doc.Format, &doc.Width, &doc.Height, &doc.Bytes, &doc.UploadedAt, &doc.Uploads,
		&doc.Camera.Name, &doc.Camera.Make, &doc.Camera.Model, &doc.Camera.Lens, &doc.CapturedAt, &doc.CapturedAtOffset,
		&latitude, &longitude, &altitude,
		&doc.Exposure.ISO, &doc.Exposure.FNumber, &doc.Exposure.TimeS, &doc.Exposure.FocalMM, &doc.Orientation, &doc.Software,
		&doc.Labels, &doc.PHash, &doc.Near, &flags,
	}, more...)...)
	if err != nil {
		return Document{}, err
	}
	doc.SHA256 = hex.EncodeToString(sum)
	if len(flags) > 0 {
		doc.Quality = &Quality{Flags: flags}
	}
	doc.UploadedAt = doc.UploadedAt.UTC()
	if doc.CapturedAt != nil {
		*doc.CapturedAt = doc.CapturedAt.UTC()
	}
	doc.Exposure.FNumber = finite(doc.Exposure.FNumber)
	doc.Exposure.TimeS = finite(doc.Exposure.TimeS)
	doc.Exposure.FocalMM = finite(doc.Exposure.FocalMM)
	if finite(latitude) != nil && finite(longitude) != nil {
		doc.Location = &Location{*latitude, *longitude, finite(altitude)}
	}
	return doc, nil
}

// finite drops the numbers that JSON does not have, so that one odd file cannot
// spoil a list.
func finite(v *float64) *float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return nil
	}
	return v
}
