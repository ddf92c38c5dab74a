package stats

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"inlet/embedded/redistest"
)

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
			if e.Name == name {
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
		var doc Document
		if err := json.Unmarshal(next(t, feed, statsEvent).Data, &doc); err != nil {
			t.Fatal(err)
		}
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
			var upload map[string]any
			e := next(t, feed, uploadEvent)
			if err := json.Unmarshal(e.Data, &upload); err != nil || upload["filename"] != "heic" || upload["link_id"] != "L7" {
				t.Errorf("%s: %v", e.Data, err)
			}
		}
		w.store(file{})
		one.Wake()
		for _, feed := range feeds {
			nextAccepted(t, feed, 2)
		}
		// The day ends.
		w.clock.set(w.clock.Now().AddDate(0, 0, 1))
		if e := next(t, feeds[0], statsEvent); !strings.Contains(string(e.Data), `"date":"2026-10-26"`) {
			t.Errorf("%s", e.Data)
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
		for !strings.Contains(string(next(t, feed, uploadEvent).Data), "gif") {
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
		h.send(Event{Name: uploadEvent, Data: json.RawMessage(fmt.Sprint(i))})
		h.send(Event{Name: statsEvent, Data: json.RawMessage(fmt.Sprint(i))})
	}
	if n := len(sub.uploads); n != uploadBuffer {
		t.Errorf("%d upload events wait", n)
	}
	if e := <-sub.uploads; string(e.Data) != "0" {
		t.Errorf("the first one is %s", e.Data)
	}
	if e := <-sub.stats; string(e.Data) != fmt.Sprint(3*uploadBuffer-1) {
		t.Errorf("the numbers are the %s", e.Data)
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
	s.hub.send(Event{Name: statsEvent, key: "changed"})
	for i := range 100 {
		s.hub.send(Event{Name: uploadEvent, Data: json.RawMessage(fmt.Sprint(i))})
		if e := <-feed; e.Name != uploadEvent || string(e.Data) != fmt.Sprint(i) {
			t.Fatalf("event %d is %s %s", i, e.Name, e.Data)
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
