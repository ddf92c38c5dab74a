package stats

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// Event is one message of the live feed. One of its members is set.
type Event struct {
	Document   *Document   // the statistics
	Upload     *Upload     // an accepted file
	Prediction *Prediction // what the model says of a new picture

	key string // the document's JSON without the time
}

// Prediction is what the serving model says of a new picture, the likeliest label
// first. Messages in Redis hold this JSON.
type Prediction struct {
	ID          uuid.UUID        `json:"id"`
	Predictions []PredictedLabel `json:"predictions"`
}

// PredictedLabel is a label with its probability, from 0 to 1, and the model's
// version.
type PredictedLabel struct {
	Label       string  `json:"label"`
	Probability float32 `json:"probability"`
	Model       string  `json:"model"`
}

// Predicted tells the live feeds of all processes. Nothing depends on it: a message
// may get lost.
func (s *Service) Predicted(ctx context.Context, p Prediction) {
	if text, err := json.Marshal(p); err == nil {
		s.rdb.Publish(ctx, predictionChannel, text)
	}
}

// uploadBuffer is how many upload events wait for a slow subscriber; send drops
// further ones.
const uploadBuffer = 64

// hub hands events to the subscribers in this process.
type hub struct {
	mu          sync.Mutex // guards subscribers
	subscribers map[*subscriber]struct{}

	over chan struct{} // closed when Run ends
}

type subscriber struct {
	uploads chan Event
	stats   chan Event // holds the newest document
}

func (h *hub) join() *subscriber {
	sub := &subscriber{uploads: make(chan Event, uploadBuffer), stats: make(chan Event, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[sub] = struct{}{}
	return sub
}

func (h *hub) leave(sub *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subscribers, sub)
}

func (h *hub) empty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subscribers) == 0
}

// send never blocks. It drops an upload event for a slow subscriber, and replaces a
// stats event that the subscriber has not taken.
func (h *hub) send(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for sub := range h.subscribers {
		if e.Document == nil {
			offer(sub.uploads, e)
			continue
		}
		select {
		case <-sub.stats:
		default:
		}
		offer(sub.stats, e)
	}
}

func offer[T any](to chan<- T, v T) {
	select {
	case to <- v:
	default:
	}
}

// Subscribe returns the live feed: a stats event at once, further ones when the
// numbers change, at most one a second, and an upload event for each counted file.
// The channel closes when ctx or Run ends. A slow subscriber misses upload events
// and gets only the newest numbers.
func (s *Service) Subscribe(ctx context.Context) <-chan Event {
	out := make(chan Event)
	sub := s.hub.join()
	go func() {
		defer close(out)
		defer s.hub.leave(sub)
		s.feed(ctx, sub, out)
	}()
	return out
}

func (s *Service) feed(ctx context.Context, sub *subscriber, out chan<- Event) {
	if first, err := s.statsNow(ctx); err == nil {
		s.hub.mu.Lock()
		offer(sub.stats, first)
		s.hub.mu.Unlock()
	}

	var told string
	numbers := sub.stats // nil for a second after each document
	rested := time.NewTimer(0)
	defer rested.Stop()
	for {
		var e Event
		select {
		case <-ctx.Done():
			return
		case <-s.hub.over:
			return
		case <-rested.C:
			numbers = sub.stats
			continue
		case e = <-numbers:
			if e.key == told {
				continue
			}
			told, numbers = e.key, nil
			rested.Reset(s.every)
		case e = <-sub.uploads:
		}

		select {
		case <-ctx.Done():
			return
		case <-s.hub.over:
			return
		case out <- e:
		}
	}
}

// statsNow makes a stats event.
func (s *Service) statsNow(ctx context.Context) (Event, error) {
	doc, err := s.Read(ctx)
	if err != nil {
		return Event{}, err
	}
	timeless := doc
	timeless.AsOf = time.Time{}
	key, err := json.Marshal(timeless)

	return Event{Document: &doc, key: string(key)}, err
}

// listen takes the messages of this process's one subscription in Redis. The client
// reconnects by itself.
func (s *Service) listen(ctx context.Context, changed chan<- struct{}) {
	feed := s.rdb.Subscribe(ctx, liveChannel, predictionChannel)
	defer func() { _ = feed.Close() }()
	messages := feed.Channel(redis.WithChannelSize(1000))

	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-messages:
			var u Upload
			var p Prediction
			switch {
			case !ok:
				return
			case m.Channel == predictionChannel:
				if json.Unmarshal([]byte(m.Payload), &p) == nil {
					s.hub.send(Event{Prediction: &p})
				}
			case m.Payload == "":
				offer(changed, struct{}{})
			case json.Unmarshal([]byte(m.Payload), &u) == nil:
				s.hub.send(Event{Upload: &u})
			}
		}
	}
}

// announce reads the document after a change, and once a second: a message may get
// lost, Redis may be away, and a day may end. Without subscribers it reads nothing.
func (s *Service) announce(ctx context.Context, changed <-chan struct{}) {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	var last Event
	var told time.Time

	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-changed:
			if time.Since(told) < s.every {
				continue // the next tick announces it
			}
		}
		if s.hub.empty() {
			continue
		}

		e, err := s.statsNow(ctx)
		if err != nil {
			continue // both stores are away; the relay logs it
		}
		if e.key != last.key {
			last, told = e, time.Now()
		}
		s.hub.send(e)
	}
}
