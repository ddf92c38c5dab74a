package web

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"sync"

	"inlet/upload"
)

const (
	// window is how many bytes are searched for a boundary at once. The standard
	// library takes 4 KB at a time, which costs more than hashing them.
	window = 64 << 10
	// maxHeader bounds the header of one part, and what stands before the first.
	maxHeader = 64 << 10
	// maxBoundary is more than the 70 characters that RFC 2046 allows.
	maxBoundary = 200
)

// errMultipart says that a body is not what its Content-Type says.
var errMultipart = fmt.Errorf("%w: not well-formed multipart/form-data", upload.ErrIntake)

// parts splits a multipart body (RFC 2046) into its parts. It takes what
// mime/multipart takes, and goes on where that gives up: a header that is not
// well formed spoils its own part only.
type parts struct {
	r       *bufio.Reader
	nl      []byte // CR LF; some senders write LF alone
	dash    []byte // two hyphens and the boundary
	delim   []byte // nl and dash: what ends a part
	started bool
	current *part
	err     error // sticky
}

// newParts splits what r reads; its buffer is the window.
func newParts(r *bufio.Reader, boundary string) *parts {
	delim := []byte("\r\n--" + boundary)
	return &parts{r: r, nl: delim[:2], dash: delim[2:], delim: delim}
}

// windows are buffers that one request after the other uses: each is larger than
// all else that a request with a small picture allocates.
type windows struct{ free sync.Pool }

func (w *windows) take(body io.Reader) *bufio.Reader {
	r, ok := w.free.Get().(*bufio.Reader)
	if !ok {
		return bufio.NewReaderSize(body, window)
	}
	r.Reset(body)
	return r
}

func (w *windows) giveBack(r *bufio.Reader) {
	r.Reset(nil)
	w.free.Put(r)
}

// boundaryOf reads the parameter of a multipart Content-Type.
func boundaryOf(contentType string) (_ string, multipart bool, err error) {
	media, params, err := mime.ParseMediaType(contentType)
	if media == "" {
		media, _, _ = strings.Cut(contentType, ";")
	}
	if !strings.EqualFold(strings.TrimSpace(media), "multipart/form-data") {
		return "", false, nil
	}
	b := params["boundary"]
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	if err != nil || b == "" || len(b) > maxBoundary || strings.ContainsFunc(b, control) {
		return "", true, fmt.Errorf("%w: the Content-Type names no usable boundary", errMultipart)
	}
	return b, true, nil
}

// next skips what is left of the part before and returns the next one, io.EOF
// after the last.
func (p *parts) next() (*part, error) {
	if p.err == nil && p.current != nil {
		_, p.err = io.Copy(io.Discard, p.current)
	}
	if p.err == nil {
		p.err = p.toNext()
	}
	if p.err != nil {
		return nil, p.err
	}
	p.started, p.current = true, &part{p: p}
	p.current.disposition, p.err = p.header()
	if p.err != nil {
		return nil, p.err
	}
	return p.current, nil
}

// toNext reads up to the end of the next boundary's line.
func (p *parts) toNext() error {
	for budget, blank := maxHeader, false; ; {
		line, err := p.line()
		kind := p.boundaryLine(line)
		switch {
		case kind == closing && (err == nil || errors.Is(err, io.EOF)):
			return io.EOF
		case err != nil:
			return broken(err)
		case kind == opening:
			return nil
		case p.started && (blank || !bytes.Equal(line, p.nl)):
			return fmt.Errorf("%w: something stands between two parts", errMultipart)
		}
		blank = p.started
		if budget -= len(line); budget < 0 {
			return fmt.Errorf("%w: its boundary does not come", errMultipart)
		}
	}
}

// What a line is to the parts.
type lineKind int

const (
	other   lineKind = iota
	opening          // a part follows
	closing          // nothing follows
)

// boundaryLine tells what a line is. The first boundary's line decides how all
// lines end.
func (p *parts) boundaryLine(line []byte) lineKind {
	rest, found := bytes.CutPrefix(line, p.dash)
	if !found {
		return other
	}
	if last, ends := bytes.CutPrefix(rest, []byte("--")); ends {
		if last = bytes.TrimLeft(last, " \t"); len(last) == 0 || bytes.Equal(last, p.nl) {
			return closing
		}
		return other
	}
	rest = bytes.TrimLeft(rest, " \t")
	if !p.started && string(rest) == "\n" {
		p.nl, p.delim = p.nl[len(p.nl)-1:], p.delim[len(p.delim)-len(p.dash)-1:]
	}
	if bytes.Equal(rest, p.nl) {
		return opening
	}
	return other
}

// line reads a line with its end. It is valid until the next read.
func (p *parts) line() ([]byte, error) {
	line, err := p.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		err = fmt.Errorf("%w: a line is too long", errMultipart)
	}
	return line, err
}

// header reads a part's header and returns its Content-Disposition. Lines
// without a colon are taken to the one before: names may hold line breaks.
func (p *parts) header() (disposition string, err error) {
	var value strings.Builder
	inside, found := false, false
	for budget := maxHeader; ; {
		line, err := p.line()
		if err != nil {
			return "", broken(err)
		}
		if budget -= len(line); budget < 0 {
			return "", fmt.Errorf("%w: the header of a part is too long", errMultipart)
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
		if text == "" {
			return value.String(), nil
		}
		name, rest, isField := strings.Cut(text, ":")
		switch {
		case !isField || text[0] == ' ' || text[0] == '\t':
			rest = " " + strings.Trim(text, " \t")
		default:
			inside = !found && strings.EqualFold(name, "Content-Disposition")
			found = found || inside
			rest = strings.Trim(rest, " \t")
		}
		if inside {
			value.WriteString(rest)
		}
	}
}

// broken tells of a body that ends too early or cannot be read.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it breaks off", errMultipart)
	}
	return err
}

// part is one part of a body. It reads what stands between header and boundary.
type part struct {
	p           *parts
	disposition string
	ready       int  // bytes in the buffer that are known to be the part's
	begun       bool // something was read: an empty part's boundary needs no line break
	end         bool // the boundary follows the ready bytes
}

func (pt *part) Read(d []byte) (int, error) {
	for pt.ready == 0 {
		if pt.end {
			return 0, io.EOF
		}
		if pt.p.err != nil {
			return 0, pt.p.err
		}
		pt.search()
	}
	n, _ := pt.p.r.Read(d[:min(len(d), pt.ready)])
	pt.ready -= n
	pt.begun = pt.begun || n > 0
	return n, nil
}

// search looks through the buffer, and fills it if that tells nothing.
func (pt *part) search() {
	r := pt.p.r
	buf, _ := r.Peek(r.Buffered())
	pt.ready, pt.end = pt.scan(buf)
	if pt.ready == 0 && !pt.end {
		if _, err := r.Peek(len(buf) + 1); err != nil {
			pt.p.err = broken(err)
		}
	}
}

// scan returns how many bytes at the beginning of buf are the part's, and
// whether the boundary follows them. What could be the beginning of a boundary
// waits for more.
func (pt *part) scan(buf []byte) (n int, end bool) {
	delim, dash, from := pt.p.delim, pt.p.dash, 0
	if !pt.begun {
		switch {
		case bytes.HasPrefix(buf, dash):
			switch after(buf[len(dash):]) {
			case delimits:
				return 0, true
			case unknown:
				return 0, false
			}
			from = len(dash)
		case bytes.HasPrefix(dash, buf):
			return 0, false
		}
	}
	for {
		i := bytes.Index(buf[from:], delim)
		if i < 0 {
			break
		}
		i += from
		switch after(buf[i+len(delim):]) {
		case delimits:
			return i, true
		case unknown:
			return i, false
		}
		from = i + len(delim)
	}
	if i := bytes.LastIndexByte(buf[from:], delim[0]); i >= 0 && bytes.HasPrefix(delim, buf[from+i:]) {
		return from + i, false
	}
	return len(buf), false
}

// What the bytes after a boundary make of it.
type verdict int

const (
	unknown verdict = iota // too few of them
	delimits
	data // it was the beginning of something longer
)

func after(rest []byte) verdict {
	switch {
	case len(rest) == 0:
		return unknown
	case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
		return delimits
	case rest[0] != '-':
		return data
	case len(rest) == 1:
		return unknown
	case rest[1] == '-':
		return delimits
	}
	return data
}

// filename reads a Content-Disposition as browsers and others write it. One that
// is not well formed, such as a name with blanks without quotes, is read for what
// stands there: the picture must not be lost for it.
func filename(disposition string) string {
	if _, params, err := mime.ParseMediaType(disposition); err == nil {
		return params["filename"]
	}
	quoted := false
	param := func(r rune) bool {
		quoted = quoted != (r == '"')
		return r == ';' && !quoted
	}
	for _, field := range strings.FieldsFunc(disposition, param) {
		name, value, _ := strings.Cut(field, "=")
		if strings.EqualFold(strings.TrimSpace(name), "filename") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}
