package web

import (
	"fmt"
	"net/http"

	"inlet/catalog"
	"inlet/web/intake"
)

// maxImport is the largest table of labels, in bytes.
const maxImport = 16 << 20

// labels is both request and answer.
type labels struct {
	Labels []string `json:"labels"`
}

// setLabels replaces the labels of a picture.
func (s *Server) setLabels(w http.ResponseWriter, r *http.Request) error {
	id, err := imageID(r)
	if err != nil {
		return err
	}
	var asked labels
	if err := intake.ReadJSON(w, r, intake.MaxJSON, &asked); err != nil {
		return err
	}
	if asked.Labels == nil {
		return fmt.Errorf(`%w: the body must be {"labels":[…]}`, errBadRequest)
	}

	set, err := s.Catalog.SetLabels(r.Context(), id, asked.Labels)
	if err != nil {
		return err
	}

	return writeJSON(w, http.StatusOK, labels{set})
}

// listLabels answers with every label and how many pictures bear it.
func (s *Server) listLabels(w http.ResponseWriter, r *http.Request) error {
	counts, err := s.Catalog.Labels(r.Context())
	if err != nil {
		return err
	}
	if counts == nil {
		counts = []catalog.LabelCount{}
	}

	return writeJSON(w, http.StatusOK, map[string][]catalog.LabelCount{"labels": counts})
}

// importLabels adds labels from a table, and reads it as it arrives.
func (s *Server) importLabels(w http.ResponseWriter, r *http.Request) error {
	result, err := s.Catalog.ImportLabels(r.Context(), intake.NewBody(w, r, maxImport))
	if err != nil {
		return err
	}

	return writeJSON(w, http.StatusOK, result)
}
