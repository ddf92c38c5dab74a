package catalog

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/imaging"
)

// Document describes an image; its JSON is the contract's. null stands for what
// nobody knows.
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
	// Near are the near-duplicates, the nearest first, at most 100: pages of one
	// form are near to thousands of others.
	Near    []Near  `json:"near"`
	Quality Quality `json:"quality"`
	// Predictions are what the serving model finds likeliest, at most five; empty
	// where there is none, or where it has not seen the picture yet.
	Predictions []Prediction `json:"predictions"`
}

// Prediction is a label that a model finds likely.
type Prediction struct {
	Label       string  `json:"label"`
	Probability float32 `json:"probability"` // 0 to 1
	Model       Version `json:"model"`
}

// Version of a model; people write it as v3.
type Version int

// String is the version as people write it.
func (v Version) String() string { return "v" + strconv.Itoa(int(v)) }

// MarshalText implements encoding.TextMarshaler.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Near is a near-duplicate. Distance is the number of bits in which the
// perceptual hashes differ.
type Near struct {
	ID       uuid.UUID `json:"id"`
	Distance int       `json:"distance"`
}

// Quality tells how good a picture is, in the numbers of imaging/quality.Quality,
// and its kind; they are nil where nobody has measured it.
type Quality struct {
	Sharpness *float64 `json:"sharpness"`
	Exposure  *float64 `json:"exposure"`
	Contrast  *float64 `json:"contrast"`
	Clipped   *float64 `json:"clipped"`
	Kind      *string  `json:"kind"`
	// Flags name what is wrong with it, of quality.Flags; empty where nothing is.
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

// documentRow is a row of images with what belongs to it in other tables.
type documentRow struct {
	image
	Uploads     int64           `db:"uploads"`
	Labels      []string        `db:"labels"`
	Near        []Near          `db:"near"`
	Predictions []Prediction    `db:"predictions"`
	Exif        json.RawMessage `db:"exif"`
}

// documentTables gathers from other tables by an index for each image, so that a
// page costs the same however many images there are. A pair is in near both ways:
// the look-up comes from the other's side, where the index has the distance.
const documentTables = `
	(SELECT count(*) FROM uploads u WHERE u.image_id = i.id) AS uploads,
	ARRAY(SELECT l.label FROM labels l WHERE l.image_id = i.id ORDER BY l.label COLLATE "C") AS labels,
	ARRAY(SELECT (n.image_id, n.distance) FROM near n WHERE n.other_id = i.id ORDER BY n.distance, n.image_id LIMIT 100) AS near`

// Metadata returns an image's whole document, with all tags; for a merged id that
// of the image that stays.
func (s *Service) Metadata(ctx context.Context, id uuid.UUID) (Document, error) {
	query := `SELECT ` + s.columns + `, i.exif FROM images i WHERE i.id = ` + mergedInto
	rows, err := s.Pool.Query(ctx, query, id)
	if err != nil {
		return Document{}, fmt.Errorf("read an image's metadata: %w", err)
	}
	row, err := pgx.CollectOneRow(rows, pgx.RowToStructByName[documentRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return Document{}, ErrNotFound
	}
	if err != nil {
		return Document{}, fmt.Errorf("read an image's metadata: %w", err)
	}

	return row.document(), nil
}

func (r documentRow) document() Document {
	doc := Document{
		ID: r.ID, SHA256: hex.EncodeToString(r.SHA256), Format: r.Format, Width: r.Width, Height: r.Height, Bytes: r.Bytes,
		UploadedAt: r.UploadedAt.UTC(), Uploads: r.Uploads,
		Camera:     Camera{r.Camera, r.Make, r.Model, r.Lens},
		CapturedAt: r.CapturedAt, CapturedAtOffset: r.CapturedAtOffset,
		Exposure:    Exposure{r.ISO, finite(r.FNumber), finite(r.ExposureTime), finite(r.FocalLength)},
		Orientation: r.Orientation, Software: r.Software, Exif: r.Exif, Labels: r.Labels, Near: r.Near,
		Quality:     Quality{rounded(r.Sharpness), rounded(r.Exposure), rounded(r.Contrast), rounded(r.Clipped), r.Kind, r.Flags},
		Predictions: r.Predictions,
	}
	if r.PHash != nil {
		hash := fmt.Sprintf("%016x", uint64(*r.PHash))
		doc.PHash = &hash
	}
	if doc.CapturedAt != nil {
		*doc.CapturedAt = doc.CapturedAt.UTC()
	}
	if finite(r.Latitude) != nil && finite(r.Longitude) != nil {
		doc.Location = &Location{*r.Latitude, *r.Longitude, finite(r.Altitude)}
	}

	return doc
}

// rounded has four digits: more would say nothing.
func rounded(v *float32) *float64 {
	if v == nil {
		return nil
	}
	four := math.Round(float64(*v)*1e4) / 1e4
	return finite(&four)
}

// finite drops the numbers that JSON does not have, so that one odd file cannot
// spoil a list.
func finite(v *float64) *float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return nil
	}
	return v
}
