package stats

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Event is one message of the live feed. One of its two fields is set.
type Event struct {
	Document *Document // the statistics
	Upload   *Upload   // an accepted file

	key string // of a document: its JSON without the time
}

// uploadBuffer is how many upload events wait for a slow subscriber; send drops
// further ones.
const uploadBuffer = 64

// hub hands events to the subscribers in this process.
type hub struct {
	mu          sync.Mutex // guards subscribers
	subscribers map[*subscriber]struct{}

	once sync.Once
	over chan struct{} // closed when Run ends
}

type subscriber struct {
	uploads chan Event
	stats   chan Event // the newest only
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

func (h *hub) close() { h.once.Do(func() { close(h.over) }) }

// send never blocks: an upload event is dropped when a subscriber is slow, a
// stats event takes the place of the one that it has not taken yet.
func (h *hub) send(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for sub := range h.subscribers {
		if e.Upload != nil {
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

// Subscribe returns the live feed: a stats event at once, later ones when the
// numbers changed and at most once a second, and upload events as they are
// counted. The channel is closed when ctx or Run ends. A subscriber that does
// not keep up misses upload events, and sees the newest numbers only.
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
	stats := sub.stats // nil for a second after each
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
			stats = sub.stats
			continue
		case e = <-stats:
			if e.key == told {
				continue
			}
			told, stats = e.key, nil
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

// listen is this process's one subscription in Redis. The client connects
// again by itself.
func (s *Service) listen(ctx context.Context, changed chan<- struct{}) {
	feed := s.rdb.Subscribe(ctx, liveChannel)
	defer func() { _ = feed.Close() }()
	messages := feed.Channel(redis.WithChannelSize(1000))
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-messages:
			switch {
			case !ok:
				return
			case m.Payload == "":
				offer(changed, struct{}{})
			default:
				var u Upload
				if json.Unmarshal([]byte(m.Payload), &u) == nil {
					s.hub.send(Event{Upload: &u})
				}
			}
		}
	}
}

// announce reads the document when something has changed, and once a second
// besides: a message may be lost, Redis may be away, and a day may end. It
// reads nothing while nobody listens.
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
				continue // the tick will see it
			}
		}
		if s.hub.empty() {
			continue
		}
		e, err := s.statsNow(ctx)
		if err != nil {
			continue // both stores are away: the relay says so
		}
		if e.key != last.key {
			last, told = e, time.Now()
		}
		s.hub.send(e)
	}
}
