package web

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"inlet/catalog"
	"inlet/web/intake"
)

// batch asks to change many pictures: those of the ids, or all that match.
type batch struct {
	IDs          []string      `json:"ids"`
	Filter       filterMembers `json:"filter"`
	AddLabels    []string      `json:"add_labels"`
	RemoveLabels []string      `json:"remove_labels"`
	Delete       bool          `json:"delete"`
}

// maxBatchBody fits a thousand ids and a hundred labels.
const maxBatchBody = 256 << 10

// changeImages labels or deletes many pictures. It commits a thousand at a time:
// after a failure some of them are changed, and the same request does the rest.
func (s *Server) changeImages(w http.ResponseWriter, r *http.Request) error {
	var asked batch
	if err := intake.ReadJSON(w, r, maxBatchBody, &asked); err != nil {
		return err
	}
	if err := asked.check(); err != nil {
		return err
	}

	changed := 0
	change := func(ids []uuid.UUID) error {
		var n int
		var err error
		if asked.Delete {
			n, err = s.Catalog.Remove(r.Context(), ids)
		} else {
			n, err = s.Catalog.ChangeLabels(r.Context(), ids, asked.AddLabels, asked.RemoveLabels)
		}
		changed += n
		return err
	}
	if err := s.chosen(r, asked, change); err != nil {
		return err
	}

	return writeJSON(w, http.StatusOK, map[string]int{"changed": changed})
}

func (b batch) check() error {
	labels := len(b.AddLabels) + len(b.RemoveLabels)
	switch {
	case (b.IDs == nil) == (b.Filter == nil):
		return fmt.Errorf("%w: give either ids or filter", errBadRequest)
	case len(b.IDs) > catalog.MaxBatch:
		return fmt.Errorf("%w: at most %d ids", errBadRequest, catalog.MaxBatch)
	case b.Delete && b.Filter != nil && len(b.Filter) == 0:
		return fmt.Errorf("%w: an empty filter selects every picture: to delete, name at least one filter", errBadRequest)
	case b.Delete == (labels > 0):
		return fmt.Errorf(`%w: give either add_labels and remove_labels, or "delete":true`, errBadRequest)
	}

	return nil
}

// chosen calls change with the pictures that a batch names.
func (s *Server) chosen(r *http.Request, b batch, change func([]uuid.UUID) error) error {
	if b.Filter != nil {
		filter, _, err := b.Filter.parse()
		if err != nil {
			return err
		}

		return s.Catalog.EachBatch(r.Context(), filter, change)
	}

	var ids []uuid.UUID
	for _, text := range b.IDs {
		// An id that is none names no picture.
		if id, err := uuid.Parse(text); err == nil && id.String() == text {
			ids = append(ids, id)
		}
	}

	return change(ids)
}
