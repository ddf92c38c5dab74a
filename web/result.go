package web

import (
	"bytes"
	"encoding/hex"
	"log/slog"

	"github.com/google/uuid"

	"inlet/imaging"
	"inlet/stats"
	"inlet/upload"
)

// entry is the outcome of one file as answers list it.
type entry struct {
	Filename string         `json:"filename"`
	Status   upload.Status  `json:"status"`
	ID       uuid.UUID      `json:"id,omitzero"`
	URL      string         `json:"url,omitempty"`
	Match    string         `json:"match,omitempty"`
	Distance *int           `json:"distance,omitempty"`
	SHA256   string         `json:"sha256,omitempty"`
	Format   imaging.Format `json:"format,omitempty"`
	Width    int            `json:"width,omitempty"`
	Height   int            `json:"height,omitempty"`
	Bytes    int64          `json:"bytes,omitempty"`
	Error    *Problem       `json:"error,omitempty"`
}

// entry gives a result its address, or its problem.
func (s *Server) entry(r upload.Result) entry {
	e := entry{Filename: r.Filename, Status: r.Status}
	if r.Status == upload.Rejected {
		p := problemOf(r.Err)
		e.Error = &p
		return e
	}

	e.ID, e.URL, e.Match, e.Distance = r.ID, s.imageURL(r.ID), r.Match, r.Distance
	e.SHA256, e.Format, e.Width, e.Height, e.Bytes = hex.EncodeToString(r.SHA256[:]), r.Format, r.Width, r.Height, r.Bytes

	return e
}

// document is the entry of a result as compact JSON, in which package resume
// stores it.
func (s *Server) document(r upload.Result) []byte {
	text, err := encode(s.entry(r))
	if err != nil {
		s.Log.Error("a result was not encoded", slog.String("error", err.Error()))
	}

	return bytes.TrimSpace(text)
}

// liveUpload is an upload event of the live feed.
type liveUpload struct {
	*stats.Upload
	URL string `json:"url"`
}

// imageURL is the address of a picture, signed where access is.
func (s *Server) imageURL(id uuid.UUID) string {
	address := s.PublicURL + "/v1/images/" + id.String()
	if s.Signer != nil {
		address += "?" + s.Signer.Query(id).Encode()
	}

	return address
}
