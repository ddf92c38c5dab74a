package web

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"inlet/db"
	"inlet/link"
	"inlet/upload"
	"inlet/web/intake"
)

// excess is how many times the limit a body may be, so that a request with some
// files too many or too large still gets an answer for each.
const excess = 4

// maxSums is how many sums one check may have.
const maxSums = 1000

// grant opens the request's link, once, as the request starts.
func (s *Server) grant(r *http.Request) (link.Grant, error) { return s.Gate.Open(param(r, "token")) }

// upload takes the files of one request. Without scripts, the form of the upload
// page gets a page for an answer.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) error {
	results, err := s.receive(w, r)
	page := preferred(r, typeJSON, typeHTML) == typeHTML
	w.Header().Add("Vary", "Accept")
	switch {
	case len(results) == 0 && page:
		return s.refusedPage(w, r, err)
	case len(results) == 0:
		return err
	case page:
		return s.resultsPage(w, r, results)
	}

	return s.answer(w, r, results)
}

// receive reads the files of one request, and fails where there are none.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) ([]upload.Result, error) {
	boundary, isForm, malformed := intake.Boundary(r.Header.Get("Content-Type"))
	limit := s.bodyLimit(isForm)
	body := intake.NewBody(w, r, limit)
	files := &intake.Files{Max: s.MaxFiles, Buffers: &s.buffers, CodeOf: db.CodeOf, Reject: s.Uploads.Reject}
	err := s.admit(w, r, files, limit)
	if err == nil {
		err = malformed
	}

	switch name := r.URL.Query().Get("filename"); {
	case err != nil:
	case isForm:
		err = files.Form(body, boundary)
	case r.ContentLength > s.MaxFileBytes:
		files.Refuse(name, upload.ErrTooLarge)
	default:
		files.File(name, body)
	}
	if r.ContentLength <= limit {
		body.Discard(r) // a sender of more gets the answer at once
	}

	return files.Results, err
}

// admit refuses a request before its body is read, or lets its files through.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, files *intake.Files, limit int64) error {
	grant, err := s.grant(r)
	switch {
	case err != nil:
		return err
	case isEncoded(r):
		return errEncoding
	case r.ContentLength > limit:
		return intake.ErrTooLarge
	}
	from := upload.Sender{Grant: grant, Client: s.client(r)}
	count := func() error { return s.rates.File(r.Context(), w.Header(), from.Client, grant.ID) }
	if err := count(); err != nil { // for the first file
		return err
	}
	files.Accept = func(filename string, file io.Reader) upload.Result {
		if len(files.Results) > 0 {
			if err := count(); err != nil {
				return s.Uploads.Reject(filename, err)
			}
		}
		return s.Uploads.Accept(r.Context(), from, filename, file)
	}
	return nil
}

// isEncoded tells whether a body's bytes differ from those of the files.
func isEncoded(r *http.Request) bool {
	encoding := r.Header.Get("Content-Encoding")

	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// bodyLimit is the largest body that is read, in bytes.
func (s *Server) bodyLimit(isForm bool) int64 {
	files := int64(1)
	if isForm {
		files = int64(s.MaxFiles)
	}
	if s.MaxFileBytes > math.MaxInt64/excess/files {
		return math.MaxInt64
	}

	return excess * files * s.MaxFileBytes
}

// answer reports the outcome of all files: with success if anything was
// accepted, else as the problem of the first.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, results []upload.Result) error {
	entries := make([]entry, len(results))
	for i, result := range results {
		entries[i] = s.entry(result)
	}
	s.noteRefused(w, r, results)

	if status := statusOf(results); status < 300 {
		return writeJSON(w, status, map[string]any{"results": entries})
	}
	if err := results[0].Err; gone(r, err) {
		return err
	}

	first := *entries[0].Error
	first.Results = entries
	writeProblem(w, first)

	return nil
}

// statusOf is 201 if anything was stored, else 200 if anything was accepted, else
// that of the first refusal.
func statusOf(results []upload.Result) int {
	status := kindOf(results[0].Err).status
	for _, result := range results {
		switch result.Status {
		case upload.Stored:
			return http.StatusCreated
		case upload.Duplicate:
			status = http.StatusOK
		}
	}

	return status
}

// noteRefused counts the refused files, and logs those that the service failed.
// It goes on without the client: a refused file counts in any case.
func (s *Server) noteRefused(w http.ResponseWriter, r *http.Request, results []upload.Result) {
	ctx := context.WithoutCancel(r.Context())
	id := slog.String("request", w.Header().Get("X-Request-Id"))
	for _, result := range results {
		if result.Err == nil || gone(r, result.Err) {
			continue
		}
		if kindOf(result.Err).status >= 500 {
			s.Log.LogAttrs(ctx, slog.LevelError, "file refused", id, slog.String("error", redact(r, result.Err)))
		}
	}

	if err := s.Uploads.Refused(ctx, results); err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "refused files were not counted", id, slog.String("error", err.Error()))
	}
}

// check answers which files need not be sent.
func (s *Server) check(w http.ResponseWriter, r *http.Request) error {
	grant, err := s.grant(r)
	if err != nil {
		return err
	}
	var asked struct {
		SHA256 []string `json:"sha256"`
		IDs    bool     `json:"ids"` // tell also under which ids
	}
	if err := intake.ReadJSON(w, r, 2*intake.MaxJSON, &asked); err != nil {
		return err
	}

	sums, err := parseSums(asked.SHA256)
	if err != nil {
		return err
	}
	known, err := s.Uploads.Known(r.Context(), upload.Sender{Grant: grant, Client: s.client(r)}, sums)
	if err != nil {
		return err
	}

	answer := map[string]any{"known": inOrder(sums, known)}
	if asked.IDs {
		answer["ids"] = known
	}
	return writeJSON(w, http.StatusOK, answer)
}

func parseSums(asked []string) ([][]byte, error) {
	if asked == nil {
		return nil, fmt.Errorf("%w: sha256 is an array of sums in hexadecimal", errBadRequest)
	}
	if len(asked) > maxSums {
		return nil, fmt.Errorf("%w: at most %d sums at once", errBadRequest, maxSums)
	}

	sums := make([][]byte, len(asked))
	for i, text := range asked {
		sum, err := hex.DecodeString(text)
		if err != nil || len(sum) != 32 {
			return nil, fmt.Errorf("%w: sha256[%d] is not 64 hexadecimal digits", errBadRequest, i)
		}
		sums[i] = sum
	}

	return sums, nil
}

// inOrder lists those of sums that are known, each once, in the order asked.
func inOrder(sums [][]byte, known map[string]uuid.UUID) []string {
	list, listed := []string{}, map[string]bool{}
	for _, sum := range sums {
		text := hex.EncodeToString(sum)
		if _, is := known[text]; is && !listed[text] {
			list = append(list, text)
			listed[text] = true
		}
	}

	return list
}
