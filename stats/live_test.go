package stats

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"inlet/embedded/redistest"
)

// The two kinds of events.
const (
	statsEvent  = "stats"
	uploadEvent = "upload"
)

func nameOf(e Event) string {
	if e.Upload != nil {
		return uploadEvent
	}
	return statsEvent
}

// next is the next event of that name.
func next(t *testing.T, feed <-chan Event, name string) Event {
	t.Helper()
	deadline := time.After(limit)
	for {
		select {
		case e, ok := <-feed:
			if !ok {
				t.Fatal("the feed is closed")
			}
			if nameOf(e) == name {
				return e
			}
		case <-deadline:
			t.Fatalf("no %s event", name)
		}
	}
}

// nextAccepted reads stats events until one says that so many files were accepted.
func nextAccepted(t *testing.T, feed <-chan Event, n int64) {
	t.Helper()
	for {
		doc := next(t, feed, statsEvent).Document
		if doc.Uploads.Accepted == n {
			return
		}
	}
}

// Every replica's subscribers see what any replica counts.
func TestSubscribe(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		one, two := w.running(), w.running()
		feeds := []<-chan Event{one.Subscribe(t.Context()), one.Subscribe(t.Context()), two.Subscribe(t.Context())}
		for _, feed := range feeds {
			nextAccepted(t, feed, 0)
		}
		w.eventually(func() string {
			// Both services listen, and nothing is built anew any more.
			if n := one.rdb.PubSubNumSub(t.Context(), liveChannel).Val()[liveChannel]; n != 2 {
				return fmt.Sprintf("%d services listen", n)
			}
			return w.difference(one, true)
		})
		w.store(file{format: "heic", link: "L7"})
		one.Wake()
		for _, feed := range feeds {
			if e := next(t, feed, uploadEvent); e.Upload.Filename != "heic" || e.Upload.LinkID != "L7" {
				t.Errorf("%+v", e.Upload)
			}
		}
		w.store(file{})
		one.Wake()
		for _, feed := range feeds {
			nextAccepted(t, feed, 2)
		}
		// The day ends.
		w.clock.set(w.clock.Now().AddDate(0, 0, 1))
		if e := next(t, feeds[0], statsEvent); e.Document.UploadsPerDay[shownDays-1].Date != "2026-10-26" {
			t.Errorf("%+v", e.Document)
		}
	})
}

// Without Redis the feed shows what Postgres has.
func TestSubscribeWithoutRedis(t *testing.T) {
	t.Parallel()
	redistest.EachServer(t, func(t *testing.T, server *redistest.Server) {
		w := newWorld(t, server.URL)
		server.Stop()
		s := w.running()
		feed := s.Subscribe(t.Context())
		nextAccepted(t, feed, 0)
		w.store(file{})
		nextAccepted(t, feed, 1)
		server.Restart()
		w.store(file{})
		nextAccepted(t, feed, 2)
		w.eventually(func() string { return w.difference(s, true) })
		w.store(file{format: "gif"})
		s.Wake()
		// What was counted by a rebuild is announced as well, so look for ours.
		for next(t, feed, uploadEvent).Upload.Filename != "gif" {
			continue
		}
	})
}

// A rebuild announces the uploads that it finds in the outbox.
func TestRebuildAnnounces(t *testing.T) {
	t.Parallel()
	eachWorld(t, func(t *testing.T, w *world) {
		s := w.service()
		w.drained(s)
		w.store(file{format: "one"})
		w.store(file{format: "two"})
		heard := s.rdb.Subscribe(t.Context(), liveChannel)
		defer heard.Close()
		_, err := heard.Receive(t.Context())
		w.must(err)
		w.must(s.Rebuild(t.Context()))
		for _, want := range []string{"", "one", "two"} {
			m, err := heard.ReceiveMessage(t.Context())
			w.must(err)
			if want == "" && m.Payload != "" || !strings.Contains(m.Payload, want) {
				t.Errorf("heard %q, want %q", m.Payload, want)
			}
		}
	})
}

// A subscriber that does not read holds up nobody: upload events are dropped,
// and of the numbers it sees the newest.
func TestSlowSubscriber(t *testing.T) {
	t.Parallel()
	h := hub{subscribers: map[*subscriber]struct{}{}, over: make(chan struct{})}
	if !h.empty() {
		t.Error("a new hub has subscribers")
	}
	sub := h.join()
	for i := range 3 * uploadBuffer {
		h.send(Event{Upload: &Upload{Bytes: int64(i)}})
		h.send(Event{Document: &Document{Images: ImageTotals{Bytes: int64(i)}}})
	}
	if n := len(sub.uploads); n != uploadBuffer {
		t.Errorf("%d upload events wait", n)
	}
	if e := <-sub.uploads; e.Upload.Bytes != 0 {
		t.Errorf("the first one is %d", e.Upload.Bytes)
	}
	if e := <-sub.stats; e.Document.Images.Bytes != 3*uploadBuffer-1 {
		t.Errorf("the numbers are the %d", e.Document.Images.Bytes)
	}
	h.leave(sub)
	if !h.empty() {
		t.Error("it did not leave")
	}
}

// A subscriber is told the numbers when they have changed, and not more often
// than allowed.
func TestFeedIsPaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	s := w.service()
	s.every = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	feed := s.Subscribe(ctx)
	nextAccepted(t, feed, 0)
	s.hub.send(Event{Document: &Document{}, key: "changed"})
	for i := range 100 {
		s.hub.send(Event{Upload: &Upload{Bytes: int64(i)}})
		if e := <-feed; e.Upload == nil || e.Upload.Bytes != int64(i) {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
	cancel()
	for range feed {
		t.Error("an event after the end")
	}
}

// The feed ends with its context and with Run.
func TestFeedEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	s := w.service()
	mine, leave := context.WithCancel(t.Context())
	first, second, unread := s.Subscribe(mine), s.Subscribe(t.Context()), s.Subscribe(mine)
	nextAccepted(t, first, 0)
	nextAccepted(t, second, 0)
	leave()
	for _, feed := range []<-chan Event{first, unread} {
		w.eventually(func() string {
			select {
			case _, open := <-feed:
				if !open {
					return ""
				}
			default:
			}
			return "the feed goes on"
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	w.must(s.Run(ctx))
	for range second {
		continue
	}
	w.eventually(func() string {
		if !s.hub.empty() {
			return "there are subscribers still"
		}
		return ""
	})
}
