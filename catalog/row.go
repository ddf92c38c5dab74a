package catalog

import (
	"time"

	"github.com/google/uuid"

	"inlet/imaging"
	"inlet/imaging/exif"
)

// image is a row of images, but for its tags. A new column is a line here and
// one in a migration.
type image struct {
	ID         uuid.UUID      `db:"id"`
	Scope      string         `db:"scope"`
	SHA256     []byte         `db:"sha256"`
	Payload    []byte         `db:"payload"`
	Format     imaging.Format `db:"format"`
	Width      int            `db:"width"`
	Height     int            `db:"height"`
	Frames     int            `db:"frames"`
	DurationMS int64          `db:"duration_ms"`
	Bytes      int64          `db:"bytes"`
	UploadedAt time.Time      `db:"uploaded_at"`
	PHash      *int64         `db:"phash"` // the first 64 bits of the perceptual hash
	Flags      []string       `db:"flags"`
	measured
	metadata
}

// measured is the part of the row that package imaging/quality fills; NULL where
// nobody has measured the picture.
type measured struct {
	Sharpness     *float32 `db:"sharpness"`
	Exposure      *float32 `db:"exposure"`
	Contrast      *float32 `db:"contrast"`
	Clipped       *float32 `db:"clipped"`
	Colourfulness *float32 `db:"colourfulness"`
	Flat          *float32 `db:"flat"`
	Kind          *string  `db:"kind"`
}

func measuredOf(q imaging.Quality) measured {
	if !q.Measured {
		return measured{}
	}

	return measured{
		&q.Sharpness, &q.Exposure, &q.Contrast, &q.Clipped, &q.Colourfulness, &q.Flat, orNull(string(q.Kind)),
	}
}

// metadata is the part of the row that a file's metadata fill, from group to
// group; what the file does not say is NULL.
type metadata struct {
	Camera           *string    `db:"camera"`
	Make             *string    `db:"make"`
	Model            *string    `db:"model"`
	Lens             *string    `db:"lens"`
	Software         *string    `db:"software"`
	CapturedAt       *time.Time `db:"captured_at"`
	CapturedAtOffset *string    `db:"captured_at_offset"`
	Latitude         *float64   `db:"latitude"`
	Longitude        *float64   `db:"longitude"`
	Altitude         *float64   `db:"altitude"`
	ISO              *int       `db:"iso"`
	FNumber          *float64   `db:"f_number"`
	ExposureTime     *float64   `db:"exposure_time"`
	FocalLength      *float64   `db:"focal_length"`
	Orientation      *int       `db:"orientation"`
}

// tagged is a whole row of images.
type tagged struct {
	image
	Exif map[string]any `db:"exif"`
}

// described is the metadata of a row with all tags.
type described struct {
	metadata
	Exif map[string]any `db:"exif"`
}

func describe(m exif.Metadata) described {
	d := described{
		metadata: metadata{
			Camera: orNull(m.CameraName), Make: orNull(m.Make), Model: orNull(m.Model), Lens: orNull(m.Lens),
			Software: orNull(m.Software), CapturedAtOffset: orNull(m.CapturedAtOffset),
			ISO: m.ISO, FNumber: m.FNumber, ExposureTime: m.ExposureTime, FocalLength: m.FocalLength,
			Orientation: orNull(m.Orientation),
		},
		Exif: m.Tags,
	}
	if d.Exif == nil {
		d.Exif = map[string]any{}
	}
	if !m.CapturedAt.IsZero() {
		d.CapturedAt = &m.CapturedAt
	}
	if m.Location != nil {
		d.Latitude, d.Longitude, d.Altitude = &m.Location.Latitude, &m.Location.Longitude, m.Location.Altitude
	}

	return d
}

// orNull is nil for a zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}

	return &v
}

// Picture is a picture that is about to be stored.
type Picture struct {
	ID         uuid.UUID
	Scope      string // "" or the link's id, by INLET_DEDUP_SCOPE
	SHA256     [32]byte
	Bytes      int64
	UploadedAt time.Time
	Info       imaging.Info
}

func (p Picture) row() tagged {
	d := describe(p.Info.Meta)
	row := tagged{
		image: image{
			ID: p.ID, Scope: p.Scope, SHA256: p.SHA256[:], Format: p.Info.Format,
			Width: p.Info.Width, Height: p.Info.Height, Frames: p.Info.Frames, DurationMS: p.Info.Duration.Milliseconds(),
			Bytes: p.Bytes, UploadedAt: p.UploadedAt, Flags: append([]string{}, p.Info.Quality.Flags...), measured: measuredOf(p.Info.Quality), metadata: d.metadata,
		},
		Exif: d.Exif,
	}
	if p.Info.Payload != nil {
		row.Payload = p.Info.Payload[:]
	}
	if p.Info.Fingerprint != nil {
		row.PHash = phashOf(p.Info.Fingerprint.Hash)
	}

	return row
}

// Stored is what a comparison has to know of a stored picture.
type Stored struct {
	ID         uuid.UUID      `db:"id"`
	SHA256     []byte         `db:"sha256"`
	Format     imaging.Format `db:"format"`
	Width      int            `db:"width"`
	Height     int            `db:"height"`
	Frames     int            `db:"frames"`
	DurationMS int64          `db:"duration_ms"`
	Bytes      int64          `db:"bytes"`
	UploadedAt time.Time      `db:"uploaded_at"`
}

// StoredColumns are the columns of Stored, of the table that StoredJoin joins.
// Statements of other packages use the two, so that only this one names the
// table.
const (
	StoredColumns = `i.id, i.sha256, i.format, i.width, i.height, i.frames, i.duration_ms, i.bytes, i.uploaded_at`
	StoredJoin    = `JOIN images i ON i.id = `
)

// Duration is how long an animation runs once.
func (s Stored) Duration() time.Duration { return time.Duration(s.DurationMS) * time.Millisecond }

// Sum is the content's SHA-256.
func (s Stored) Sum() [32]byte { return [32]byte(s.SHA256) }
