package web

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"inlet/blob"
	"inlet/catalog"
)

// streamZIP sends the stored bytes of every picture that matches, as <id>.<ext>
// and uncompressed, then their documents as metadata.ndjson, and in missing.txt
// the pictures that went away meanwhile. In memory it holds one line a picture,
// for the directory at the archive's end.
func (s *Server) streamZIP(w http.ResponseWriter, r *http.Request, filter catalog.Filter) error {
	out := newStream(w, typeZIP, "images.zip")
	a := archive{Writer: zip.NewWriter(out), out: out, packed: map[uuid.UUID]struct{}{}}
	err := s.pack(r, filter, &a)
	if err == nil { // without its directory, a broken archive cannot look whole
		err = a.Close()
	}
	return out.end(err)
}

// archive is an unfinished ZIP.
type archive struct {
	*zip.Writer
	out     *stream
	packed  map[uuid.UUID]struct{}
	missing strings.Builder
}

func (s *Server) pack(r *http.Request, filter catalog.Filter, a *archive) error {
	err := s.each(r, filter, a.out, func(d *catalog.Document) error { return s.packPicture(r, a, d) })
	if err != nil {
		return err
	}
	if err := s.packDocuments(r, filter, a); err != nil || a.missing.Len() == 0 {
		return err
	}

	list, err := a.CreateHeader(&zip.FileHeader{Name: "missing.txt", Method: zip.Deflate, Modified: s.Now()})
	if err != nil {
		return err
	}
	_, err = io.WriteString(list, a.missing.String())

	return err
}

func (s *Server) packPicture(r *http.Request, a *archive, d *catalog.Document) error {
	img, content, err := s.Catalog.Fetch(r.Context(), d.ID, 0)
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		fmt.Fprintf(&a.missing, "%s deleted\n", d.ID)
		return nil
	case errors.Is(err, blob.ErrNotFound):
		fmt.Fprintf(&a.missing, "%s lost\n", d.ID)
		return nil
	case err != nil:
		return err
	}
	defer content.Close()

	if img.ID != d.ID {
		fmt.Fprintf(&a.missing, "%s merged into %s\n", d.ID, img.ID)
		return nil
	}

	entry, err := a.CreateHeader(&zip.FileHeader{
		Name: fmt.Sprintf("%s.%s", img.ID, extension(img.Format)), Method: zip.Store, Modified: img.UploadedAt,
	})
	if err != nil {
		return err
	}
	if _, err := io.Copy(entry, content); err != nil {
		return fmt.Errorf("pack picture %s: %w", img.ID, err)
	}
	a.packed[img.ID] = struct{}{}

	return nil
}

// packDocuments lists the pictures once more: the entries of an archive follow
// each other, and the documents of all pictures do not fit into memory. It leaves
// out what came or went between the two lists.
func (s *Server) packDocuments(r *http.Request, filter catalog.Filter, a *archive) error {
	entry, err := a.CreateHeader(&zip.FileHeader{Name: "metadata.ndjson", Method: zip.Deflate, Modified: s.Now()})
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(entry)

	return s.each(r, filter, a.out, func(d *catalog.Document) error {
		if _, there := a.packed[d.ID]; !there {
			return nil
		}
		return encoder.Encode(d)
	})
}
