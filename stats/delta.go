package stats

import (
	"time"

	"github.com/google/uuid"

	"inlet/link"
)

// Delta is what one commit changes in the counters. Its JSON is an event in the
// outbox. Deletions carry negative numbers.
type Delta struct {
	Version int `json:"v,omitempty"` // set by Queue

	Formats map[string]int64 `json:"formats,omitempty"` // stored images by format
	Cameras map[string]int64 `json:"cameras,omitempty"` // stored images by camera name
	Images  int64            `json:"images,omitempty"`  // stored images
	Bytes   int64            `json:"bytes,omitempty"`   // of stored images

	Accepted   int64 `json:"accepted,omitempty"` // files
	Stored     int64 `json:"stored,omitempty"`
	Duplicates int64 `json:"duplicates,omitempty"`
	Rejected   int64 `json:"rejected,omitempty"`

	Days  []Day  `json:"days,omitempty"`
	Links []Link `json:"links,omitempty"`

	// Recent is what changes in minutes and hours. The events of earlier releases,
	// whose version is 0, lack it.
	Recent []Recent `json:"recent,omitempty"`

	// Live goes to the live feed when the relay applies the delta.
	Live *Upload `json:"live,omitempty"`
}

// totals are the counters without a day, by their names in Redis.
func (d *Delta) totals() map[string]*int64 {
	return map[string]*int64{
		"images": &d.Images, "bytes": &d.Bytes,
		"accepted": &d.Accepted, "stored": &d.Stored, "duplicates": &d.Duplicates, "rejected": &d.Rejected,
	}
}

// Day is what changes in one UTC day.
type Day struct {
	Date       string `json:"date,omitempty"` // 2006-01-02
	Accepted   int64  `json:"accepted,omitempty"`
	Stored     int64  `json:"stored,omitempty"`
	Duplicates int64  `json:"duplicates,omitempty"`
	Bytes      int64  `json:"bytes,omitempty"`  // of accepted files
	Client     string `json:"client,omitempty"` // keyed hash of the sender's address, hex

	Uploaders int64 `json:"-"` // distinct clients; set by Truth alone
}

// Link is what changes of one link.
type Link struct {
	ID         link.ID   `json:"id"`
	Files      int64     `json:"files,omitempty"` // accepted
	Bytes      int64     `json:"bytes,omitempty"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// Upload is an accepted file in the live feed. Rows of the outbox and messages in
// Redis hold this JSON and outlive the version that wrote them: a new version may
// add a field, and never renames or redefines one. (The first version also wrote a
// member url.)
type Upload struct {
	Filename string    `json:"filename"`
	Status   string    `json:"status"`
	ID       uuid.UUID `json:"id"`
	Match    string    `json:"match,omitempty"`
	Distance *int      `json:"distance,omitempty"`
	SHA256   string    `json:"sha256"` // hex
	Format   string    `json:"format"`
	Width    int       `json:"width"`
	Height   int       `json:"height"`
	Bytes    int64     `json:"bytes"`
	LinkID   link.ID   `json:"link_id"`
	Label    string    `json:"label"`
}
