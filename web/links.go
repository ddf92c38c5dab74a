package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"inlet/imaging"
	"inlet/link"
	"inlet/web/intake"
)

// newLink is a link as its maker gets it, the only answer that has the token.
type newLink struct {
	ID        link.ID   `json:"id"`
	URL       string    `json:"url"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
	Label     *string   `json:"label"`
	MaxFiles  *int64    `json:"max_files"`
	MaxBytes  *int64    `json:"max_bytes"`
}

// createLink signs a link. It needs no store.
func (s *Server) createLink(w http.ResponseWriter, r *http.Request) error {
	var spec link.Spec
	if err := intake.ReadJSON(w, r, intake.MaxJSON, &spec); err != nil {
		return err
	}
	g, err := spec.Grant(s.Now())
	if err != nil {
		return err
	}
	token, err := s.Gate.Keys.Mint(g)
	if err != nil {
		return err
	}
	url := s.linkURL(token)
	w.Header().Set("Location", url)
	return writeJSON(w, http.StatusCreated, newLink{
		ID: g.ID, URL: url, Token: token, ExpiresAt: g.ExpiresAt,
		Label: orNull(g.Label), MaxFiles: orNull(g.MaxFiles), MaxBytes: orNull(g.MaxBytes),
	})
}

func (s *Server) linkURL(token string) string { return s.PublicURL + "/u/" + token }

// listLinks lists the links that have been used or revoked.
func (s *Server) listLinks(w http.ResponseWriter, r *http.Request) error {
	limit, cursor, err := page(r)
	if err != nil {
		return err
	}
	links, following, err := s.Gate.Store.List(r.Context(), limit, cursor)
	if err != nil {
		return err
	}
	if links == nil {
		links = []link.Used{}
	}
	return writeJSON(w, http.StatusOK, map[string]any{"links": links, "next": orNull(following)})
}

// revokeLink refuses a link from now on, and may erase what came through it.
func (s *Server) revokeLink(w http.ResponseWriter, r *http.Request) error {
	id := param(r, "id")
	images := r.URL.Query().Get("images")
	if images != "" && images != "erase" {
		return fmt.Errorf("%w: images can only be erase", errBadRequest)
	}
	if !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		w.WriteHeader(http.StatusNoContent) // as any id that no link has
		return nil
	}
	if err := s.Gate.Revocations.Revoke(r.Context(), link.ID(id)); err != nil {
		return err
	}
	if images == "erase" {
		if _, err := s.Catalog.EraseLink(r.Context(), link.ID(id)); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// linkState is what a link's holder may know of it.
type linkState struct {
	ID           link.ID          `json:"id"`
	Label        *string          `json:"label"`
	ExpiresAt    time.Time        `json:"expires_at"`
	MaxFiles     *int64           `json:"max_files"`
	MaxBytes     *int64           `json:"max_bytes"`
	FilesLeft    *int64           `json:"files_left"`
	BytesLeft    *int64           `json:"bytes_left"`
	MaxFileBytes int64            `json:"max_file_bytes"`
	Formats      []imaging.Format `json:"formats"`
}

// linkState tells what the link still allows; zeros when it is used up.
func (s *Server) linkState(w http.ResponseWriter, r *http.Request) error {
	g, err := s.grant(r)
	if err != nil {
		return err
	}
	state, err := s.stateOf(r.Context(), g)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, state)
}

// stateOf looks up what of a link is left. When that fails, all else is in the
// state that it returns.
func (s *Server) stateOf(ctx context.Context, g link.Grant) (linkState, error) {
	state := linkState{
		ID: g.ID, Label: orNull(g.Label), ExpiresAt: g.ExpiresAt,
		MaxFiles: orNull(g.MaxFiles), MaxBytes: orNull(g.MaxBytes),
		MaxFileBytes: s.MaxFileBytes, Formats: imaging.Formats,
	}
	if g.MaxFiles == 0 && g.MaxBytes == 0 {
		return state, nil
	}
	used, err := s.Gate.Store.Usage(ctx, g)
	if err != nil {
		return state, err
	}
	state.FilesLeft, state.BytesLeft = left(g.MaxFiles, used.Files), left(g.MaxBytes, used.Bytes)
	return state, nil
}

// left is what remains of a limit, null where there is none.
func left(limit, used int64) *int64 {
	if limit == 0 {
		return nil
	}
	n := max(0, limit-used)
	return &n
}
