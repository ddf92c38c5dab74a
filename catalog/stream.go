package catalog

import (
	"context"
	"time"
)

const (
	streamPage = 1000
	// streamWait bounds the reading of one page.
	streamWait = 70 * time.Second
)

// Stream calls fn with every image that matches, newest first and without all
// tags. It reads page by page and holds no connection while fn runs: receivers may
// be slow, and lists long. It leaves out images that arrive meanwhile. fn must not
// hold on to the document; its error ends the stream.
func (s *Service) Stream(ctx context.Context, f Filter, fn func(*Document) error) error {
	c, err := s.conditions(ctx, f)
	if err != nil {
		return err
	}
	var after *position
	for {
		docs, err := s.streamPage(ctx, c.after(after))
		if err != nil {
			return err
		}
		for i := range docs {
			if err := fn(&docs[i]); err != nil {
				return err
			}
		}
		if len(docs) < streamPage {
			return nil
		}
		last := positionOf(&docs[len(docs)-1])
		after = &last
	}
}

func (s *Service) streamPage(ctx context.Context, c conditions) ([]Document, error) {
	ctx, cancel := context.WithTimeout(ctx, streamWait)
	defer cancel()
	return s.page(ctx, c, streamPage)
}
