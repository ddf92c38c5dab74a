package resume

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"inlet/imaging"
	"inlet/problem"
	"inlet/upload"
)

// resultVersion is the version of the form that this code writes.
const resultVersion = 1

// Result is the outcome of a file as its session's row holds it. A row outlives the
// code that wrote it, so it says its form's version, and code reads all earlier ones:
//
//	0  the entry of the contract, without a version; its url and its error's type,
//	   title and status are derived anew
//	1  this form
type Result struct {
	Version  int            `json:"version"`
	Filename string         `json:"filename"`
	Status   upload.Status  `json:"status"`
	ID       uuid.UUID      `json:"id,omitzero"`
	Match    string         `json:"match,omitempty"`
	Distance *int           `json:"distance,omitempty"`
	SHA256   string         `json:"sha256,omitempty"` // in hexadecimal
	Format   imaging.Format `json:"format,omitempty"`
	Width    int            `json:"width,omitempty"`
	Height   int            `json:"height,omitempty"`
	Bytes    int64          `json:"bytes,omitempty"`
	Error    *Refusal       `json:"error,omitempty"`
}

// Refusal is why a file was rejected.
type Refusal struct {
	Code   problem.Code `json:"code"`
	Detail string       `json:"detail"`
}

// UnmarshalJSON refuses a form that only later code can read.
func (r *Result) UnmarshalJSON(text []byte) error {
	type form Result
	if err := json.Unmarshal(text, (*form)(r)); err != nil {
		return err
	}
	if r.Version > resultVersion {
		return fmt.Errorf("resume: a result of version %d, newer than %d", r.Version, resultVersion)
	}

	return nil
}

// resultOf is the form of a settled outcome.
func resultOf(o upload.Result) *Result {
	r := &Result{Version: resultVersion, Filename: o.Filename, Status: o.Status}
	if o.Err != nil {
		r.Error = &Refusal{problem.CodeOf(o.Err), o.Err.Error()}
		return r
	}

	r.ID, r.Match, r.Distance, r.SHA256 = o.ID, o.Match, o.Distance, hex.EncodeToString(o.SHA256[:])
	r.Format, r.Width, r.Height, r.Bytes = o.Format, o.Width, o.Height, o.Bytes

	return r
}

// outcome is what the form stands for. Its Err has the code and the text of the
// error that refused the file.
func (r *Result) outcome() upload.Result {
	o := upload.Result{
		Filename: r.Filename, Status: r.Status, ID: r.ID, Match: r.Match, Distance: r.Distance,
		Format: r.Format, Width: r.Width, Height: r.Height, Bytes: r.Bytes,
	}
	if r.Error != nil {
		o.Err = problem.New(r.Error.Code, r.Error.Detail)
	}
	sum, _ := hex.DecodeString(r.SHA256) // resultOf wrote it
	copy(o.SHA256[:], sum)

	return o
}
