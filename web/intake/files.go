package intake

import (
	"errors"
	"fmt"
	"io"

	"inlet/problem"
	"inlet/upload"
)

// Bounds of one form.
const (
	// MaxExcess is how many files beyond Files.Max the results still list.
	MaxExcess = 1000
	// MaxFields and MaxFieldBytes bound the parts without a filename, which Form
	// skips.
	MaxFields     = 1000
	MaxFieldBytes = 10 << 20
)

// ErrTooManyFiles refuses the files beyond Files.Max.
var ErrTooManyFiles = problem.New(problem.TooManyFiles, "the request has more files than the service takes at once")

var (
	errNoFile = fmt.Errorf("%w: it has no file: send one part with a filename for each picture, or one picture as the body", upload.ErrIntake)
	errFields = fmt.Errorf("%w: too many bytes or parts without a filename", upload.ErrIntake)
	errExcess = fmt.Errorf("%w: no more than %d are listed", ErrTooManyFiles, MaxExcess)
)

// Files hands the files of one request on, one by one.
type Files struct {
	Accept  func(filename string, file io.Reader) upload.Result
	Reject  func(filename string, err error) upload.Result
	CodeOf  func(error) problem.Code
	Max     int // files of one request
	Buffers *Buffers

	// Results has one result a file, in the order sent.
	Results []upload.Result

	away error // why this request's further files are refused at once
}

// Form hands every part with a filename on, whatever its field's name. When it
// fails, Results still has every file before the failure, and then the failure.
func (f *Files) Form(body io.Reader, boundary string) error {
	buffer := f.Buffers.take(body)
	defer f.Buffers.put(buffer)

	err := f.parts(newForm(buffer, boundary))
	switch {
	case len(f.Results) == 0 && err == nil:
		return errNoFile
	case len(f.Results) == 0 || err == nil || errors.Is(err, errExcess):
		return err
	}
	if last := f.Results[len(f.Results)-1]; last.Err == nil || f.CodeOf(last.Err) != f.CodeOf(err) {
		f.Refuse("", err)
	}

	return err
}

func (f *Files) parts(form *form) error {
	fields, fieldBytes := 0, int64(0)
	for {
		name, part, err := form.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case name != "" && len(f.Results) == f.Max+MaxExcess:
			return errExcess
		case name != "":
			f.File(name, part)
			continue
		}

		n, _ := io.CopyN(io.Discard, part, MaxFieldBytes-fieldBytes+1)
		fields, fieldBytes = fields+1, fieldBytes+n
		if fields > MaxFields || fieldBytes > MaxFieldBytes {
			return errFields
		}
	}
}

// File hands one file on. It refuses those beyond Max, and all that follow one
// that was refused for a time: a request must not wait a hundred times for the
// same store.
func (f *Files) File(name string, file io.Reader) {
	switch {
	case len(f.Results) >= f.Max:
		f.Refuse(name, ErrTooManyFiles)
		return
	case f.away != nil:
		f.Refuse(name, f.away)
		return
	}

	result := f.Accept(name, file)
	f.Results = append(f.Results, result)
	if result.Err == nil {
		return
	}
	switch f.CodeOf(result.Err) {
	case problem.Unavailable, problem.Overloaded, problem.NotReady, problem.RateLimited:
		f.away = result.Err
	}
}

// Refuse adds a result for a file that is not read.
func (f *Files) Refuse(name string, err error) {
	f.Results = append(f.Results, f.Reject(name, err))
}
