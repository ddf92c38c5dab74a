package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"inlet/client"
)

// failedStatus is that of a file of which nothing is known on the server.
const failedStatus = "failed"

// outcome is a line of --json.
type outcome struct {
	Path string `json:"path"`
	client.Result
}

// summary is the last line of --json.
type summary struct {
	Stored     int     `json:"stored"`
	Duplicates int     `json:"duplicates"`
	Known      int     `json:"known"`
	Rejected   int     `json:"rejected"`
	Failed     int     `json:"failed"`
	NotSent    int     `json:"not_sent"` // it ended before their turn
	Hidden     int     `json:"skipped_hidden"`
	Others     int     `json:"skipped_not_pictures"`
	BytesSent  int64   `json:"bytes_sent"` // of files, repeated ones included
	Seconds    float64 `json:"seconds"`
}

// report prints what becomes of each file, and adds up. It is safe for
// concurrent use.
type report struct {
	sent atomic.Int64 // bytes

	mu       sync.Mutex // guards what follows
	out      io.Writer  // results
	side     io.Writer  // all else
	paint    painter
	json     bool
	terse    bool // bars show the rest
	began    time.Time
	sum      summary
	writeErr error // the first
}

func newReport(cmd *cobra.Command, b *bars, asJSON bool) *report {
	r := &report{
		out: cmd.OutOrStdout(), side: cmd.ErrOrStderr(), paint: paints(cmd.OutOrStdout()), json: asJSON, began: time.Now(),
	}
	if b != nil {
		r.out, r.side, r.terse = b, b, true
	}
	return r
}

// done reports a file, and those with the same bytes.
func (r *report) done(f *file, result client.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line(outcome{f.path, result})
	for _, twin := range f.twins {
		same := result
		if same.Filename = twin.name; same.Status == client.Stored || same.Status == client.Duplicate {
			same.Status, same.Match, same.Distance = client.Known, "", nil
		}
		r.line(outcome{twin.path, same})
	}
}

// failed reports a file that could not be sent.
func (r *report) failed(f *file, err error) {
	problem := &client.ProblemError{}
	if !errors.As(err, &problem) {
		problem = &client.ProblemError{Detail: err.Error()}
	}
	r.done(f, client.Result{Filename: f.name, Status: failedStatus, Error: problem})
}

func (r *report) line(o outcome) {
	colours := map[string]colour{
		client.Stored: green, client.Duplicate: dim, client.Known: dim, client.Rejected: yellow, failedStatus: red,
	}
	r.sum.count(o.Status)
	r.sum.NotSent = max(0, r.sum.NotSent-1)
	if r.json {
		r.write(writeJSON(r.out, o))
		return
	}
	status := r.paint.paint(colours[o.Status], fmt.Sprintf("%-9s", o.Status))
	if o.Error != nil {
		_, err := fmt.Fprintf(r.out, "%s  %s: %s\n", status, plain(o.Path), plain(reason(o.Error)))
		r.write(err)
	} else if !r.terse {
		_, err := fmt.Fprintln(r.out, strings.TrimRight(status+"  "+plain(o.Path)+"  "+plain(o.ID), " "))
		r.write(err)
	}
}

// reason is a problem in words alone.
func reason(p *client.ProblemError) string {
	if p.Code == "" && p.Status == 0 {
		return p.Detail
	}
	return p.Error()
}

func (r *report) write(err error) {
	if r.writeErr == nil {
		r.writeErr = err
	}
}

func (s *summary) count(status string) {
	switch status {
	case client.Stored:
		s.Stored++
	case client.Duplicate:
		s.Duplicates++
	case client.Known:
		s.Known++
	case client.Rejected:
		s.Rejected++
	default:
		s.Failed++
	}
}

// plan notes how many files are to be sent.
func (r *report) plan(files []*file) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range files {
		r.sum.NotSent += 1 + len(f.twins)
	}
}

// skipped notes what a walk left out.
func (r *report) skipped(hidden, others int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Hidden, r.sum.Others = hidden, others
}

// note tells something besides the results.
func (r *report) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(r.side, plain(text))
}

func (r *report) retrying(err error, pause time.Duration) {
	r.note(fmt.Sprintf("%v; trying again in %s", err, pause.Round(100*time.Millisecond)))
}

// end prints the summary and returns it, with the first failure to print.
func (r *report) end() (summary, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.sum
	took := time.Since(r.began)
	s.BytesSent, s.Seconds = r.sent.Load(), took.Seconds()
	if r.json {
		r.write(writeJSON(r.out, map[string]*summary{"summary": s}))
		return *s, r.writeErr
	}
	_, err := fmt.Fprintf(r.out, "%d stored, %d duplicates, %d already there, %d rejected, %d failed%s; %s sent in %s\n",
		s.Stored, s.Duplicates, s.Known, s.Rejected, s.Failed, s.leftOut(), bytesText(s.BytesSent), took.Round(100*time.Millisecond))
	r.write(err)
	return *s, r.writeErr
}

// leftOut lists what is worth a word only where there is some.
func (s *summary) leftOut() (text string) {
	for _, part := range []struct {
		n    int
		what string
	}{{s.NotSent, "not sent"}, {s.Others, "skipped as no pictures"}, {s.Hidden, "skipped as hidden"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

// wouldSend prints what a run would send.
func (r *report) wouldSend(files []*file) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range files {
		if r.json {
			r.write(writeJSON(r.out, map[string]any{"path": f.path, "status": "new", "bytes": f.size}))
			continue
		}
		_, err := fmt.Fprintf(r.out, "%-9s  %s  %s\n", "new", plain(f.path), bytesText(f.size))
		r.write(err)
	}
}
