package exif

import "time"

// Metadata is what a file says of its making. What it does not say is the zero
// value.
type Metadata struct {
	// CameraName is the name as people say it, "Canon EOS 40D"; Make and Model
	// are as written, trimmed.
	CameraName, Make, Model, Lens, Software string

	// CapturedAt is DateTimeOriginal. With an offset it is that moment in UTC;
	// without one it is the camera's clock, written as UTC, and
	// CapturedAtOffset is empty. Otherwise the offset is as written, "+02:00".
	CapturedAt       time.Time
	CapturedAtOffset string

	Location *Location

	// Some files say 0, which is passed on: nil is what is not said.
	ISO          *int     // ISO speed
	FNumber      *float64 // aperture
	ExposureTime *float64 // seconds
	FocalLength  *float64 // millimetres

	// Orientation is 1 to 8 as in EXIF, 0 when the file does not say.
	Orientation int

	// Tags holds every tag by its name, in values that encode as JSON: strings,
	// numbers, and lists of numbers, in which nil is one that is divided by 0.
	// Binary data are left out, and it is 64 KB of JSON at most.
	Tags map[string]any
}

// Location is where a picture was taken.
type Location struct {
	Latitude, Longitude float64  // degrees, north and east positive
	Altitude            *float64 // metres above sea level, nil when not said
}
