package exif

import "time"

// Metadata is what a file records of its making; absent values are zero.
type Metadata struct {
	// CameraName is the name as people say it, "Canon EOS 40D"; Make and Model
	// are as written, trimmed. None of these has a control character.
	CameraName, Make, Model, Lens, Software string

	// CapturedAt is DateTimeOriginal. With an offset, as written ("+02:00"), it is that
	// moment in UTC; without one it is the camera's clock, written as UTC.
	CapturedAt       time.Time
	CapturedAtOffset string
	// TimeSuspect says that Clean removed a time.
	TimeSuspect bool

	Location *Location
	// PlaceSuspect says that the file gives a position that is nowhere: 0, 0, beyond
	// the globe, or no number. Tags have it as written.
	PlaceSuspect bool

	// nil if absent; some files say 0.
	ISO          *int     // ISO speed
	FNumber      *float64 // aperture
	ExposureTime *float64 // seconds
	FocalLength  *float64 // millimetres

	Orientation int // 1 to 8 as in EXIF, 0 if absent

	// Tags holds every tag by its name, as values that encode as JSON: strings,
	// numbers, and lists of numbers, with nil for a division by 0. It leaves out
	// binary data, and is 64 KB of JSON at most. Texts are as written, also where the
	// fields above are cleaned.
	Tags map[string]any
}

// Location is where a picture was taken.
type Location struct {
	Latitude, Longitude float64  // degrees, north and east positive
	Altitude            *float64 // metres above sea level, nil if absent
}
