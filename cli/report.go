package cli

import (
	"bufio"
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

// failedStatus is the status of a file that did not reach the server.
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
	NotSent    int     `json:"not_sent"` // the upload ended before their turn
	Hidden     int     `json:"skipped_hidden"`
	Others     int     `json:"skipped_not_pictures"`
	BytesSent  int64   `json:"bytes_sent"` // of files, repeats included
	Seconds    float64 `json:"seconds"`
}

// report prints what becomes of each file, and counts. It is safe for concurrent
// use.
type report struct {
	sent  atomic.Int64 // bytes
	json  bool
	terse bool // print only rejected and failed files, since bars show the others
	hues  bool // colour the statuses
	began time.Time

	mu   sync.Mutex    // guards what follows
	out  *bufio.Writer // results; remembers its first error, which end returns
	side io.Writer     // everything else
	sum  summary
}

func newReport(cmd *cobra.Command, b *bars, asJSON bool) *report {
	r := &report{hues: coloured(cmd.OutOrStdout()), json: asJSON, began: time.Now()}
	if b != nil {
		r.out, r.side, r.terse = bufio.NewWriter(b), b, true
	} else {
		r.out, r.side = bufio.NewWriter(cmd.OutOrStdout()), cmd.ErrOrStderr()
	}
	return r
}

// done reports a file and its twins.
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
	_ = r.out.Flush()
}

// failed reports a file that could not be sent.
func (r *report) failed(f *file, err error) {
	problem, ok := errors.AsType[*client.ProblemError](err)
	if !ok {
		problem = &client.ProblemError{Detail: err.Error()}
	}
	r.done(f, client.Result{Filename: f.name, Status: failedStatus, Error: problem})
}

func (r *report) line(o outcome) {
	count, hue := r.sum.of(o.Status)
	*count++
	r.sum.NotSent = max(0, r.sum.NotSent-1)

	status := fmt.Sprintf("%-9s", o.Status)
	if r.hues {
		status = fmt.Sprintf("\x1b[%dm%s\x1b[0m", hue, status)
	}
	switch {
	case r.json:
		_ = writeJSON(r.out, o)
	case o.Error != nil:
		fmt.Fprintf(r.out, "%s  %s: %s\n", status, plain(o.Path), plain(o.Error.Error()))
	case !r.terse:
		fmt.Fprintln(r.out, strings.TrimRight(status+"  "+plain(o.Path)+"  "+plain(o.ID), " "))
	}
}

// of returns the counter of a status, and its colour as a terminal numbers it.
func (s *summary) of(status string) (counter *int, hue int) {
	const red, green, yellow, dim = 31, 32, 33, 2
	switch status {
	case client.Stored:
		return &s.Stored, green
	case client.Duplicate:
		return &s.Duplicates, dim
	case client.Known:
		return &s.Known, dim
	case client.Rejected:
		return &s.Rejected, yellow
	}
	return &s.Failed, red
}

// plan counts the files that the upload will send.
func (r *report) plan(files []*file) {
	r.mu.Lock()
	defer r.mu.Unlock()

	for _, f := range files {
		r.sum.NotSent += 1 + len(f.twins)
	}
}

// skipped counts the files that the search left out.
func (r *report) skipped(hidden, others int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Hidden, r.sum.Others = hidden, others
}

// note prints a line besides the results.
func (r *report) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(r.side, plain(text))
}

// end prints the summary, and returns it with the first error of printing.
func (r *report) end() (summary, error) {
	r.mu.Lock()
	defer r.mu.Unlock()

	took := time.Since(r.began)
	r.sum.BytesSent, r.sum.Seconds = r.sent.Load(), took.Seconds()
	if r.json {
		_ = writeJSON(r.out, map[string]summary{"summary": r.sum})
	} else {
		fmt.Fprintf(r.out, "%s; %s sent in %s\n", r.sum, bytesText(r.sum.BytesSent), took.Round(100*time.Millisecond))
	}
	return r.sum, r.out.Flush()
}

// String lists the counts; the last three only where they are not 0.
func (s summary) String() string {
	text := fmt.Sprintf("%d stored, %d duplicates, %d already there, %d rejected, %d failed",
		s.Stored, s.Duplicates, s.Known, s.Rejected, s.Failed)
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

// wouldSend prints the files that a run without --dry-run would send.
func (r *report) wouldSend(files []*file) {
	r.mu.Lock()
	defer r.mu.Unlock()

	for _, f := range files {
		if r.json {
			_ = writeJSON(r.out, map[string]any{"path": f.path, "status": "new", "bytes": f.size})
		} else {
			fmt.Fprintf(r.out, "%-9s  %s  %s\n", "new", plain(f.path), bytesText(f.size))
		}
	}
	_ = r.out.Flush()
}
