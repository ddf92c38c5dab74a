package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// heartbeat keeps proxies from closing a live feed in quiet times, and lets the
// service notice clients that left.
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
			switch {
			case e.Upload != nil:
				err = writeEvent(out, "upload", liveUpload{e.Upload, s.imageURL(e.Upload.ID)})
			case e.Prediction != nil:
				err = writeEvent(out, "prediction", e.Prediction)
			default:
				err = writeEvent(out, "stats", e.Document)
			}
		}
	}
	return fmt.Errorf("send an event: %w", err) // the client has gone, or stalls
}

// writeEvent writes one server-sent event. JSON has one line end, its last byte.
func writeEvent(w io.Writer, name string, v any) error {
	data, err := encode(v)
	if err == nil {
		_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n", name, data)
	}

	return err
}

// Stop ends the answers that have no end of their own. A server of HTTPServer
// calls it on shutdown, and would wait for them otherwise.
func (s *Server) Stop() { s.stop() }
