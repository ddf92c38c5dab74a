package intake

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
	// MaxHeader bounds the header of one part, and what stands before the first.
	MaxHeader = 64 << 10

	// bufferSize is how many bytes are searched for a boundary at once.
	bufferSize = 64 << 10
	// maxBoundary is more than the 70 characters that RFC 2046 allows.
	maxBoundary = 200
)

// errForm refuses a body that is not what its Content-Type says.
var errForm = fmt.Errorf("%w: not well-formed multipart/form-data", upload.ErrIntake)

// Buffers is a pool of the buffers that forms are read through. The zero value is
// ready. Without it, a request with a small picture allocates mostly its buffer.
type Buffers struct{ pool sync.Pool }

func (b *Buffers) take(body io.Reader) *bufio.Reader {
	buffer, ok := b.pool.Get().(*bufio.Reader)
	if !ok {
		return bufio.NewReaderSize(body, bufferSize)
	}
	buffer.Reset(body)

	return buffer
}

func (b *Buffers) put(buffer *bufio.Reader) {
	buffer.Reset(nil)
	b.pool.Put(buffer)
}

// Boundary reads the boundary of a form's Content-Type. isForm is false for any
// other type.
func Boundary(contentType string) (boundary string, isForm bool, err error) {
	media, params, err := mime.ParseMediaType(contentType)
	if media == "" {
		media, _, _ = strings.Cut(contentType, ";")
	}
	if !strings.EqualFold(strings.TrimSpace(media), "multipart/form-data") {
		return "", false, nil
	}

	boundary = params["boundary"]
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	if err != nil || boundary == "" || len(boundary) > maxBoundary || strings.ContainsFunc(boundary, control) {
		return "", true, fmt.Errorf("%w: the Content-Type names no usable boundary", errForm)
	}

	return boundary, true, nil
}

// form splits a body into its parts (RFC 2046). It takes what mime/multipart takes
// at half the cost, and goes on where that gives up: a bad header spoils its own
// part only (docs/adr/0008).
type form struct {
	body    *bufio.Reader
	nl      []byte // CR LF; some senders write LF alone
	dashes  []byte // two hyphens and the boundary
	delim   []byte // nl and dashes: the end of a part
	started bool   // the first boundary has come
	current *part
	err     error // sticky
}

// newForm splits what buffer reads.
func newForm(buffer *bufio.Reader, boundary string) *form {
	delim := []byte("\r\n--" + boundary)

	return &form{body: buffer, nl: delim[:2], dashes: delim[2:], delim: delim}
}

// next skips the rest of the current part. It returns the next one and its
// filename, "" for a field that is no file, and io.EOF after the last part.
func (f *form) next() (name string, _ io.Reader, err error) {
	if f.err == nil && f.current != nil {
		_, f.err = io.Copy(io.Discard, f.current)
	}
	if f.err == nil {
		f.err = f.skipToPart()
	}
	if f.err == nil {
		f.started, f.current = true, &part{form: f}
		name, f.err = f.header()
	}
	if f.err != nil {
		return "", nil, f.err
	}

	return name, f.current, nil
}

// skipToPart reads up to the end of the next boundary's line.
func (f *form) skipToPart() error {
	for budget, blank := MaxHeader, false; ; {
		line, err := f.line()
		kind := f.kindOf(line)
		switch {
		case kind == closing && (err == nil || errors.Is(err, io.EOF)):
			return io.EOF
		case err != nil:
			return broken(err)
		case kind == opening:
			return nil
		case f.started && (blank || !bytes.Equal(line, f.nl)):
			return fmt.Errorf("%w: something stands between two parts", errForm)
		}

		blank = f.started
		if budget -= len(line); budget < 0 {
			return fmt.Errorf("%w: its boundary does not come", errForm)
		}
	}
}

// lineKind is what a line means to a form.
type lineKind int

const (
	other   lineKind = iota
	opening          // a part follows
	closing          // nothing follows
)

// kindOf tells what a line means. The first boundary's line decides how all lines
// end.
func (f *form) kindOf(line []byte) lineKind {
	rest, found := bytes.CutPrefix(line, f.dashes)
	if !found {
		return other
	}
	if last, closes := bytes.CutPrefix(rest, []byte("--")); closes {
		if last = bytes.TrimLeft(last, " \t"); len(last) == 0 || bytes.Equal(last, f.nl) {
			return closing
		}
		return other
	}

	rest = bytes.TrimLeft(rest, " \t")
	if !f.started && string(rest) == "\n" {
		f.nl, f.delim = f.nl[len(f.nl)-1:], f.delim[len(f.delim)-len(f.dashes)-1:]
	}
	if bytes.Equal(rest, f.nl) {
		return opening
	}

	return other
}

// line reads a line with its end. It is valid until the next read.
func (f *form) line() ([]byte, error) {
	line, err := f.body.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		err = fmt.Errorf("%w: a line is too long", errForm)
	}

	return line, err
}

// header reads a part's header and returns its filename. A line without a colon
// continues the one before: names may hold line breaks.
func (f *form) header() (string, error) {
	var disposition strings.Builder
	inside, found := false, false
	for budget := MaxHeader; ; {
		line, err := f.line()
		if err != nil {
			return "", broken(err)
		}
		if budget -= len(line); budget < 0 {
			return "", fmt.Errorf("%w: the header of a part is too long", errForm)
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
		if text == "" {
			return filename(disposition.String()), nil
		}

		name, value, isField := strings.Cut(text, ":")
		if !isField || text[0] == ' ' || text[0] == '\t' {
			value = " " + strings.Trim(text, " \t")
		} else {
			inside = !found && strings.EqualFold(name, "Content-Disposition")
			found = found || inside
			value = strings.Trim(value, " \t")
		}
		if inside {
			disposition.WriteString(value)
		}
	}
}

// broken is the error of a body that ends too early or cannot be read.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it breaks off", errForm)
	}

	return err
}

// filename reads a Content-Disposition as browsers and others write it. It takes
// what it finds in one that is not well formed, such as a name with blanks and no
// quotes: that must not lose a picture.
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
