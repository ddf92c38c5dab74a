package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// heartbeat keeps proxies from closing a live feed in quiet times, and tells
// the service of clients that are gone.
const heartbeat = 15 * time.Second

// live answers with server-sent events until the client goes, or the service
// stops.
func (s *Server) live(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	events := s.Stats.Subscribe(ctx)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	out := newPaced(w)
	_, err := fmt.Fprint(out, "retry: 2000\n\n")
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for err == nil {
		if err = out.flush(); err != nil {
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.done:
			return nil
		case <-beat.C:
			_, err = fmt.Fprint(out, ":\n\n")
		case e, open := <-events:
			if !open {
				return nil
			}
			if e.Upload != nil {
				err = writeEvent(out, "upload", liveUpload{e.Upload, s.imageURL(e.Upload.ID)})
			} else {
				err = writeEvent(out, "stats", e.Document)
			}
		}
	}
	return fmt.Errorf("send an event: %w", err) // the client has gone, or stalls
}

// writeEvent writes one server-sent event. JSON has no line ends inside.
func writeEvent(w io.Writer, name string, v any) error {
	_, err := fmt.Fprintf(w, "event: %s\ndata: %s\n", name, encode(v))
	if err == nil {
		_, err = io.WriteString(w, "\n")
	}

	return err
}

// Stop ends the answers that have no end of their own. HTTPServer calls it when
// it shuts down, which would wait for them otherwise.
func (s *Server) Stop() { s.stop() }
