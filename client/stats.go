package client

import "time"

// Stats is the document of the counters.
type Stats struct {
	AsOf              time.Time `json:"as_of"`
	MostPopularFormat *string   `json:"most_popular_format"` // nil while there are no pictures
	Formats           []struct {
		Format string `json:"format"`
		Images int64  `json:"images"`
	} `json:"formats"`
	Cameras []struct {
		Model  string `json:"model"`
		Images int64  `json:"images"`
	} `json:"cameras"`
	Images struct {
		Stored int64 `json:"stored"`
		Bytes  int64 `json:"bytes"`
	} `json:"images"`
	Uploads struct {
		Accepted   int64 `json:"accepted"`
		Stored     int64 `json:"stored"`
		Duplicates int64 `json:"duplicates"`
		Rejected   int64 `json:"rejected"`
	} `json:"uploads"`
	Days []Day `json:"uploads_per_day"` // the last 30, today last
}

// Day is one UTC day.
type Day struct {
	Date       string `json:"date"`
	Accepted   int64  `json:"accepted"`
	Stored     int64  `json:"stored"`
	Duplicates int64  `json:"duplicates"`
	Bytes      int64  `json:"bytes"`
	Uploaders  int64  `json:"uploaders"` // an estimate
}
