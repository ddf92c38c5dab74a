package intake

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"inlet/problem"
	"inlet/upload"
)

// piece is a part as a reader saw it.
type piece struct {
	name string
	data string
}

// What one request leaves in a buffer is nothing to the next.
func TestBuffersAreUsedAgain(t *testing.T) {
	t.Parallel()
	var free Buffers
	for i := range 5 {
		buffer := free.take(iotest.ErrReader(errors.New("broken")))
		if i%2 == 0 {
			buffer.Reset(strings.NewReader("left over"))
		}
		_, _ = buffer.Peek(1)
		free.put(buffer)
		buffer = free.take(strings.NewReader("fresh"))
		if got, err := io.ReadAll(buffer); string(got) != "fresh" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		free.put(buffer)
	}
}

// split reads a body with our own reader.
func split(body io.Reader, boundary string) (pieces []piece, err error) {
	for form := newForm(new(Buffers).take(body), boundary); ; {
		name, part, err := form.next()
		if errors.Is(err, io.EOF) {
			return pieces, nil
		}
		if err != nil {
			return pieces, err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return pieces, err
		}
		pieces = append(pieces, piece{name, string(data)})
	}
}

// splitByTheBook reads a body with the standard library.
func splitByTheBook(body io.Reader, boundary string) (pieces []piece, err error) {
	for r := multipart.NewReader(body, boundary); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "NextPart") {
			return pieces, nil
		}
		if err != nil {
			return pieces, err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return pieces, err
		}
		pieces = append(pieces, piece{filename(part.Header.Get("Content-Disposition")), string(data)})
	}
}

// FuzzIntake holds our reader to the standard library's: what that reads whole
// must come out the same, however the bytes arrive; and whatever comes, each file
// gets one result and the bounds hold.
func FuzzIntake(f *testing.F) {
	for _, seed := range []string{
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\r\ndata\r\n--b--\r\n",
		"preamble\r\n--b\r\nContent-Disposition: form-data; filename*=UTF-8''%41\r\n\r\n\r\n--b--",
		"--b\nContent-Disposition: form-data; filename=x\n\nda\r\n--bta\n--b \t\nX: y\n z\n\n--b--\nepilogue",
		"--b\r\n\r\n--b\r\n\r\n\r\n--bb\r\n--b-\r\n--b--",
		"--b\r\ncontent-disposition: form-data; filename=\"a\x00\r\nb\"\r\n\r\n\r\n\r\n--b\r\n\r\nx\r\n--b--",
		"--b--", "--b", "", "\r\n--b\r\n\r\n\r\n--b", "--b\r\nContent-Disposition: ",
	} {
		f.Add([]byte(seed), "b")
	}
	f.Fuzz(func(t *testing.T, body []byte, boundary string) {
		if _, _, err := Boundary(`multipart/form-data; boundary="` + boundary + `"`); err != nil {
			return
		}
		want, wantErr := splitByTheBook(bytes.NewReader(body), boundary)
		got, err := split(bytes.NewReader(body), boundary)
		// To the library a body that breaks off inside a header has ended well.
		ended := strings.Contains("\n"+string(body), "\n--"+boundary+"--")
		if wantErr == nil && ended && (err != nil || !slices.Equal(got, want)) {
			t.Fatalf("boundary %q: got %q, %v; the standard library %q", boundary, got, err, want)
		}
		slow, slowErr := split(iotest.OneByteReader(bytes.NewReader(body)), boundary)
		if !slices.Equal(got, slow) || (err == nil) != (slowErr == nil) {
			t.Fatalf("boundary %q: at once %q, %v; byte by byte %q, %v", boundary, got, err, slow, slowErr)
		}
		files := 0
		in := &Files{Max: 2, Buffers: new(Buffers), CodeOf: problem.CodeOf, Reject: refused, Accept: func(name string, file io.Reader) upload.Result {
			files++
			n, err := io.Copy(io.Discard, file)
			if err != nil {
				return upload.Result{Filename: name, Status: upload.Rejected, Err: fmt.Errorf("%w: %w", upload.ErrIntake, err)}
			}
			return upload.Result{Filename: name, Status: upload.Stored, Bytes: n}
		}}
		_ = in.Form(bytes.NewReader(body), boundary)
		named := slices.DeleteFunc(slices.Clone(got), func(p piece) bool { return p.name == "" })
		if files > 2 || len(in.Results) < min(len(named), 2) {
			t.Fatalf("%d files were taken, %d results for %d files", files, len(in.Results), len(named))
		}
	})
}

// TestSplit reads random bodies with every trap near the edges of the buffer.
func TestSplit(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		boundary := strings.Repeat("-", random.IntN(20)) + fmt.Sprintf("%x", random.Uint64())
		var body bytes.Buffer
		var want []piece
		for range random.IntN(4) {
			size := random.IntN(3 * bufferSize)
			if random.IntN(2) == 0 {
				size = bufferSize - len(boundary) - 90 + random.IntN(180)
			}
			data := make([]byte, size)
			for i := range data {
				data[i] = "\r\n-x"[random.IntN(4)]
			}
			if size > 100 {
				copy(data[random.IntN(size-80):], "\r\n--"+boundary+"-x")
			}
			name := fmt.Sprintf("%d.png", round)
			want = append(want, piece{name, string(data)})
			fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; filename=%s\r\n\r\n%s\r\n", boundary, name, data)
		}
		fmt.Fprintf(&body, "--%s--\r\n", boundary)
		for _, reader := range []io.Reader{bytes.NewReader(body.Bytes()), iotest.HalfReader(bytes.NewReader(body.Bytes()))} {
			got, err := split(reader, boundary)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("round %d: %d of %d parts, %v", round, len(got), len(want), err)
			}
		}
	}
}

func TestFilename(t *testing.T) {
	t.Parallel()
	for disposition, want := range map[string]string{
		`form-data; name="f"; filename="a b.jpg"`:                               "a b.jpg",
		`form-data; name=f; filename=a.jpg`:                                     "a.jpg",
		`form-data; name="f"; filename="ü.jpg"`:                                 "ü.jpg",
		`form-data; name="f"; filename="%22.jpg"`:                               "%22.jpg",
		`form-data; name="f"; filename="a\"b.jpg"`:                              `a"b.jpg`,
		`form-data; name="f"; filename="C:\dir\a.jpg"`:                          `C:\dir\a.jpg`,
		`form-data; name="f"; filename="x"; filename*=UTF-8''%e2%82%ac.jpg`:     "€.jpg",
		`attachment; filename="a.jpg"`:                                          "a.jpg",
		`form-data; name="f"; filename=""`:                                      "",
		`form-data; name="f"`:                                                   "",
		`form-data; name="filename=evil"`:                                       "",
		``:                                                                      "",
		`form-data; name="f"; filename=my holiday.jpg; x=y`:                     "my holiday.jpg",
		`form-data; name="f"; FileName=my holiday.jpg`:                          "my holiday.jpg",
		`form-data; name="f"; filename="unterminated.jpg`:                       "unterminated.jpg",
		`form-data; name="a; filename=no b"; filename=my holiday.jpg`:           "my holiday.jpg",
		"form-data; name=\"f\"; filename=\"nul\x00.jpg\"":                       "nul\x00.jpg",
		`form-data; name="f"; name="f"; filename="twice.jpg"`:                   "twice.jpg",
		`form-data; name="f"; filename*=UTF-16''%00; filename="plain name.jpg"`: "plain name.jpg",
	} {
		if got := filename(disposition); got != want {
			t.Errorf("filename(%s) = %q, want %q", disposition, got, want)
		}
	}
}

func TestBoundary(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]string{
		"multipart/form-data; boundary=x":            "x",
		`Multipart/Form-Data; boundary="a b"`:        "a b",
		"multipart/form-data":                        "error",
		"multipart/form-data; boundary=":             "error",
		`multipart/form-data; boundary=""`:           "error",
		"multipart/form-data; boundary=a b":          "error",
		"multipart/form-data;;; boundary":            "error",
		"multipart/form-data; boundary=" + long(201): "error",
		"image/jpeg":                           "raw",
		"":                                     "raw",
		"multipart/mixed; boundary=x":          "raw",
		"application/octet-stream; boundary=x": "raw",
		";;;":                                  "raw",
	} {
		got, isMultipart, err := Boundary(contentType)
		switch {
		case !isMultipart:
			got = "raw"
		case err != nil:
			got = "error"
		}
		if got != want {
			t.Errorf("Boundary(%q) = %q, %v; want %q", contentType, got, err, want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// BenchmarkForm sends 3 MB as a form over HTTP, and hashes what arrives.
func BenchmarkForm(b *testing.B) {
	data := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	for _, length := range []int{16, 60} {
		b.Run(fmt.Sprint(length), func(b *testing.B) {
			boundary := long(length)
			body := fmt.Appendf(nil, "--%[1]s\r\nContent-Disposition: form-data; filename=a\r\n\r\n%[2]s\r\n--%[1]s--\r\n", boundary, data)
			var buffers Buffers
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				files := &Files{Max: 1, Buffers: &buffers, CodeOf: problem.CodeOf, Reject: refused, Accept: func(_ string, file io.Reader) upload.Result {
					hash := sha256.New()
					_, _ = io.CopyBuffer(struct{ io.Writer }{hash}, file, make([]byte, 64<<10))
					return upload.Result{}
				}}
				if err := files.Form(NewBody(w, r, 4<<20), boundary); err != nil {
					http.Error(w, err.Error(), http.StatusBadRequest)
				}
			}))
			defer server.Close()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				response, err := http.Post(server.URL, "", bytes.NewReader(body))
				if err != nil || response.StatusCode != http.StatusOK {
					b.Fatal(err)
				}
				response.Body.Close()
			}
		})
	}
}

func refused(name string, err error) upload.Result {
	return upload.Result{Filename: name, Status: upload.Rejected, Err: err}
}

// BenchmarkSplit compares ours with the standard library (docs/adr/0008): the
// processor time of splitting a form with 3 MB, in microseconds.
func BenchmarkSplit(b *testing.B) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	p, err := w.CreateFormFile("file", "a.jpg")
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data) // never fails
	_, _ = p.Write(data)                          // never fails
	_ = w.Close()                                 // never fails
	buffer := bufio.NewReaderSize(nil, bufferSize)
	for name, first := range map[string]func() (io.Reader, error){
		"ours": func() (io.Reader, error) {
			_, part, err := newForm(buffer, w.Boundary()).next()
			return part, err
		},
		"standard": func() (io.Reader, error) { return multipart.NewReader(buffer, w.Boundary()).NextRawPart() },
	} {
		b.Run(name, func(b *testing.B) {
			began := processorTime()
			for b.Loop() {
				buffer.Reset(bytes.NewReader(body.Bytes()))
				part, err := first()
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, part); err != nil || n != int64(len(data)) {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64((processorTime()-began).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}

func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // fails for unknown arguments alone
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
