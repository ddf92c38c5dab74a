package stats

import (
	"time"

	"github.com/google/uuid"

	"inlet/link"
)

// Delta is what one commit changes in the counters. Its JSON is the outbox's
// event. Deletions carry negative numbers.
type Delta struct {
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

	// Live goes to the live feed as an upload event when the delta is applied.
	Live *Upload `json:"live,omitempty"`
}

// Day is what changes in one UTC day.
type Day struct {
	Date       string `json:"date"` // 2006-01-02
	Accepted   int64  `json:"accepted,omitempty"`
	Stored     int64  `json:"stored,omitempty"`
	Duplicates int64  `json:"duplicates,omitempty"`
	Bytes      int64  `json:"bytes,omitempty"`  // of accepted files
	Client     string `json:"client,omitempty"` // keyed hash of the sender's address, hex

	Uploaders int64 `json:"-"` // distinct clients, where Truth counted them
}

// Link is what changes of one link.
type Link struct {
	ID         link.ID   `json:"id"`
	Files      int64     `json:"files,omitempty"` // accepted
	Bytes      int64     `json:"bytes,omitempty"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// Upload is an accepted file as the live feed tells it. Rows of the outbox and
// messages in Redis hold this JSON, and outlive the version that wrote them: a
// field may be added, and none changes its meaning or its name. (The first
// version wrote a member url as well.)
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
