package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"inlet/upload"
)

const (
	// maxExcess is how many files beyond the limit are still listed in the answer.
	maxExcess = 1000
	// maxFields and maxFieldBytes bound the parts that are no files, which are skipped.
	maxFields     = 1000
	maxFieldBytes = 10 << 20
)

var (
	errNoFile = fmt.Errorf("%w: it has no file: send one part with a filename for each picture, or one picture as the body", upload.ErrIntake)
	errFields = fmt.Errorf("%w: too much in it is no file", upload.ErrIntake)
	errExcess = fmt.Errorf("%w: no more than %d are listed", errTooManyFiles, maxExcess)
)

// intake takes the files out of one request's body and hands them on one by one.
type intake struct {
	accept   func(filename string, file io.Reader) upload.Result
	reject   func(filename string, err error) upload.Result
	maxFiles int
	windows  *windows

	results []upload.Result
	away    error // why no more files of this request are taken
}

// multipart takes every part that has a filename, whatever its field's name is.
// One result a file is in results afterwards, also when it returns an error:
// what was accepted before a body breaks off must be told.
func (in *intake) multipart(body io.Reader, boundary string) error {
	fields, fieldBytes := 0, int64(0)
	window := in.windows.take(body)
	defer in.windows.giveBack(window)
	for parts := newParts(window, boundary); ; {
		part, err := parts.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if name := filename(part.disposition); name != "" {
			if len(in.results) == in.maxFiles+maxExcess {
				return errExcess
			}
			in.file(name, part)
			continue
		}
		n, _ := io.CopyN(io.Discard, part, maxFieldBytes-fieldBytes+1)
		fields, fieldBytes = fields+1, fieldBytes+n
		if fields > maxFields || fieldBytes > maxFieldBytes {
			return errFields
		}
	}
}

// file hands one file on, unless the request has too many or the service is
// away: then waiting again for each of a hundred files would help nobody.
func (in *intake) file(name string, file io.Reader) {
	switch {
	case len(in.results) >= in.maxFiles:
		in.refuse(name, errTooManyFiles)
	case in.away != nil:
		in.refuse(name, in.away)
	default:
		result := in.accept(name, file)
		in.results = append(in.results, result)
		switch kindOf(result.Err).status {
		case http.StatusServiceUnavailable, http.StatusTooManyRequests:
			in.away = result.Err
		}
	}
}

func (in *intake) refuse(name string, err error) {
	in.results = append(in.results, in.reject(name, err))
}

// brokenOff adds that the request broke off after the last result, unless that
// is what the last result says.
func (in *intake) brokenOff(err error) {
	if err == nil || len(in.results) == 0 || errors.Is(err, errExcess) {
		return
	}
	if last := in.results[len(in.results)-1]; kindOf(last.Err) != kindOf(err) {
		in.refuse("", err)
	}
}
