package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"inlet/blob"
	"inlet/catalog"
	"inlet/imaging"
	"inlet/vault"
)

// maxRanges is how many ranges of one request are served; a longer list is
// ignored, which a server may do, so that a header cannot cost more than a file.
const maxRanges = 16

// image answers with the stored bytes of a picture, or a smaller JPEG of it.
func (s *Server) image(w http.ResponseWriter, r *http.Request) error {
	id, err := imageID(r)
	if err != nil {
		return err
	}
	if err := s.mayView(r, id); err != nil {
		return err
	}
	width, err := askedWidth(r)
	if err != nil {
		return err
	}
	err = s.show(w, r, id, width)
	if errors.Is(err, errNotBegun) && errors.Is(err, blob.ErrNotFound) {
		// It was there when it was opened: it has been deleted or merged since.
		err = s.show(w, r, id, width)
	}
	return err
}

// show answers with a picture, or with the address where it is.
func (s *Server) show(w http.ResponseWriter, r *http.Request, id uuid.UUID, width int) error {
	img, content, err := s.Catalog.Fetch(r.Context(), id, width)
	if err != nil {
		return fmt.Errorf("picture %s: %w", id, err)
	}
	defer content.Close()
	k := blob.ContentKey(img.SHA256)
	f := file{
		contentType: img.Format.ContentType(),
		etag:        fmt.Sprintf(`"%x"`, img.SHA256),
		name:        fmt.Sprintf("%s.%s", img.ID, extension(img.Format)),
	}
	if width != 0 {
		k = blob.VariantKey(k, width)
		f = file{
			contentType: imaging.JPEG.ContentType(),
			// A variant that was lost is made again, perhaps by a later version of
			// the service; its size tells most such files apart.
			etag: fmt.Sprintf(`"%x-w%d-%d"`, img.SHA256, width, content.Size()),
			name: fmt.Sprintf("%s-%d.jpg", img.ID, width),
		}
	}
	if s.Bucket != nil && mayRedirect(r, f.etag) {
		return s.redirect(w, r, k, f)
	}
	return serve(w, r, content, f)
}

// imageID reads the id in the path. Only its one spelling is taken: ids are
// opaque, and caches compare addresses by their letters.
func imageID(r *http.Request) (uuid.UUID, error) {
	given := param(r, "id")
	id, err := uuid.Parse(given)
	if err != nil || id.String() != given {
		return uuid.Nil, catalog.ErrNotFound
	}
	return id, nil
}

// mayView lets pass who has the id, or, where access is signed, who has a
// signed address or the operator's token.
func (s *Server) mayView(r *http.Request, id uuid.UUID) error {
	if s.Signer == nil || s.Signer.Verify(id, r.URL.Query()) || s.authorize(r) == nil {
		return nil
	}
	return fmt.Errorf("%w: the address needs a valid, unexpired signature", errForbidden)
}

// askedWidth is 0 when the stored bytes are wanted.
func askedWidth(r *http.Request) (int, error) {
	query := r.URL.Query()
	if !query.Has("width") {
		return 0, nil
	}
	width, err := strconv.Atoi(query.Get("width"))
	if err != nil || !slices.Contains(vault.Widths(), width) {
		return 0, vault.ErrWidth
	}
	return width, nil
}

func extension(f imaging.Format) string {
	if f == imaging.JPEG {
		return "jpg"
	}
	return string(f)
}

// file is what a blob is presented as.
type file struct {
	contentType, etag, name string
}

func (f file) disposition() string { return fmt.Sprintf("inline; filename=%q", f.name) }

// serve answers with content or the ranges of it that were asked for.
func serve(w http.ResponseWriter, r *http.Request, content blob.Blob, f file) error {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("ETag", f.etag)
	h.Set("Content-Disposition", f.disposition())
	// The bytes are somebody else's: they are shown as the picture that they
	// are or not at all, and run nothing.
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	// Who has the address may show the picture on any page. Copies are asked
	// for anew each time (a 304 costs one look-up), since a picture can be
	// deleted, an address expire, and an id be merged into another picture.
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "private, no-cache")

	ranges := r.Header.Get("Range")
	if !strings.HasPrefix(ranges, "bytes=") || strings.Count(ranges, ",") >= maxRanges {
		r.Header.Del("Range")
	}
	out := &refusing{paced: newPaced(w)}
	in := &watched{Blob: content}
	http.ServeContent(out, r, "", time.Time{}, in)
	switch out.refused {
	case 0:
		return out.end(in.failure())
	case http.StatusRequestedRangeNotSatisfiable:
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", content.Size()))
		return fmt.Errorf("%w: the picture has %d bytes", errRange, content.Size())
	case http.StatusPreconditionFailed:
		p := problemOf(fmt.Errorf("%w: the picture has another ETag than If-Match asks for", errBadRequest))
		p.Status, p.Title = http.StatusPreconditionFailed, "Precondition failed"
		writeProblem(w, p)
		return nil
	}
	return errors.Join(fmt.Errorf("serving a picture ended with status %d", out.refused), in.failure())
}

// errNotBegun says that nothing of the answer has been sent.
var errNotBegun = errors.New("nothing could be read of it")

// refusing keeps the refusals of http.ServeContent back, which are plain text,
// and the beginning of other answers until there is something to send: a store
// may open what it then cannot read.
type refusing struct {
	paced
	refused int
	status  int // to be sent yet
}

func (w *refusing) WriteHeader(status int) {
	if status >= 400 {
		w.refused = status
		return
	}
	w.status = status
}

func (w *refusing) Write(p []byte) (int, error) {
	if w.refused != 0 {
		return len(p), nil
	}
	w.begin()
	return w.paced.Write(p)
}

func (w *refusing) begin() {
	if w.status != 0 {
		w.paced.WriteHeader(w.status)
		w.status = 0
	}
}

// end sends what was kept back, unless reading failed before there was anything.
func (w *refusing) end(failed error) error {
	if failed == nil {
		w.begin()
		return nil
	}
	if w.status == 0 {
		return failed
	}
	w.Header().Del("Content-Range")
	w.Header().Del("Accept-Ranges")
	return fmt.Errorf("%w: %w", errNotBegun, failed)
}

// watched keeps the first failure of reading, which http.ServeContent drops.
// Several ranges are read by another goroutine.
type watched struct {
	blob.Blob
	failed atomic.Pointer[error]
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.Blob.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (b *watched) failure() error {
	if err := b.failed.Load(); err != nil {
		return fmt.Errorf("read a picture: %w", *err)
	}
	return nil
}

// deleteImage removes a picture and all that came of it.
func (s *Server) deleteImage(w http.ResponseWriter, r *http.Request) error {
	id, err := imageID(r)
	if err != nil {
		return err
	}
	if err := s.Catalog.Delete(r.Context(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// imageMetadata answers with all that is known of a picture.
func (s *Server) imageMetadata(w http.ResponseWriter, r *http.Request) error {
	id, err := imageID(r)
	if err != nil {
		return err
	}
	doc, err := s.Catalog.Metadata(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, doc)
}
