package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"sync"

	"inlet/problem"
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

// form splits a body into its parts.
type form struct {
	reader *multipart.Reader
	body   *repaired
	part   io.Reader // the current one
}

func newForm(buffer *bufio.Reader, boundary string) *form {
	body := &repaired{body: buffer, dashes: []byte("--" + boundary)}
	return &form{reader: multipart.NewReader(body, boundary), body: body, part: strings.NewReader("")}
}

// next skips the rest of the current part. It returns the next one and its
// filename, "" for a field that is no file, and io.EOF after the last part.
func (f *form) next() (filename string, part io.Reader, err error) {
	if _, err := io.Copy(io.Discard, f.part); err != nil {
		return "", nil, broken(err)
	}

	f.body.heads = true
	p, err := f.reader.NextRawPart()
	f.body.heads = false
	switch {
	case err == io.EOF: //nolint:errorlint // the reader wraps the io.EOF of a body that breaks off
		return "", nil, err
	case err != nil:
		return "", nil, broken(err)
	}
	f.part = p

	return f.body.filename, p, nil
}

// repaired is a form's body with an empty header in place of each part's own:
// multipart.Reader gives the whole form up for a bad one. Each Read ends with a
// line that may be a boundary's. So when multipart.Reader looks for a part and
// reads on behind such a line, it reads a header.
type repaired struct {
	body     *bufio.Reader
	dashes   []byte // two hyphens and the boundary
	begun    bool   // the first boundary has come
	heads    bool   // multipart.Reader looks for a part
	line     bool   // the bytes before the next Read end with a line that has dashes
	filename string // of the last header
	written  []byte // comes before the bytes of body
	ready    int    // bytes in the buffer that may be read
	err      error  // comes after them
}

// Read implements io.Reader.
func (r *repaired) Read(p []byte) (int, error) {
	if len(r.written) == 0 && r.ready == 0 && r.err == nil {
		switch {
		case !r.begun:
			r.err = r.preamble()
		case r.heads && r.line:
			r.err = r.header()
		default:
			r.scan()
		}
	}

	switch {
	case len(r.written) > 0:
		n := copy(p, r.written)
		r.written = r.written[n:]
		return n, nil
	case r.ready == 0:
		return 0, r.err
	}
	n, err := r.body.Read(p[:min(len(p), r.ready)])
	r.ready -= n

	return n, err
}

// preamble skips what stands before the first boundary.
func (r *repaired) preamble() error {
	for budget := MaxHeader; budget > 0; {
		line, err := r.body.ReadSlice('\n')
		budget -= len(line)
		rest, found := bytes.CutPrefix(line, r.dashes)
		rest, closes := bytes.CutPrefix(rest, []byte("--"))
		end := string(bytes.TrimLeft(rest, " \t"))
		if found && (end == "\r\n" || end == "\n" && !closes || end == "" && closes) {
			r.begun, r.line, r.written = true, !closes, bytes.Clone(line)
			return nil
		}
		if err != nil {
			return broken(err)
		}
	}

	return fmt.Errorf("%w: its boundary does not come", errForm)
}

// scan makes the bytes up to the next line with dashes ready, and that line. It
// holds back what may be the beginning of dashes until more has come.
func (r *repaired) scan() {
	r.line = false
	for r.ready == 0 && r.err == nil {
		buffered, _ := r.body.Peek(r.body.Buffered())
		if i := bytes.Index(buffered, r.dashes); i >= 0 {
			end := bytes.IndexByte(buffered[i:], '\n') + 1
			r.ready, r.line = i+end, end > 0
		} else {
			r.ready = max(0, len(buffered)-len(r.dashes)+1)
			if i = bytes.IndexByte(buffered[r.ready:], '-'); i < 0 {
				i = len(buffered) - r.ready
			}
			r.ready += i
		}
		if r.ready > 0 {
			return
		}

		if _, r.err = r.body.Peek(len(buffered) + 1); r.err != nil {
			r.ready = len(buffered)
		}
		if errors.Is(r.err, bufio.ErrBufferFull) { // a line with dashes and no end
			r.err = nil
		}
	}
}

// header reads a part's header and replaces it by an empty one. A line without a
// colon continues the one before: names may hold line breaks.
func (r *repaired) header() error {
	r.line = false
	var disposition strings.Builder
	inside, found := false, false
	for budget := MaxHeader; ; {
		line, err := r.body.ReadSlice('\n')
		if err != nil {
			return broken(err)
		}
		if budget -= len(line); budget < 0 {
			return fmt.Errorf("%w: the header of a part is too long", errForm)
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
		if text == "" {
			r.filename, r.written = filename(disposition.String()), []byte("\r\n")
			return nil
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

// broken is the error of a body that ends too early, is no form, or cannot be
// read.
func broken(err error) error {
	switch {
	case problem.CodeOf(err) != problem.Internal:
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it breaks off", errForm)
	}

	return errForm
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
