package upload

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"inlet/link"
)

// party is who takes turns with others when there are more files than places.
// A link alone is not enough, since a whole company may share one; an address
// alone neither, since it costs nothing to have many.
type party struct {
	link   link.ID
	client netip.Prefix
}

// partyOf names the sender's: an IPv6 client usually has a /64 to itself.
func partyOf(from Sender) party {
	return party{from.Grant.ID, network(from.Client)}
}

// network is the part of an address that its owner cannot choose.
func network(client netip.Addr) netip.Prefix {
	bits := client.BitLen()
	if client.Is6() {
		bits = 64
	}
	p, _ := client.Prefix(bits) // these lengths fit
	return p
}

// places bounds how many files are worked on at once and how many wait. Those
// who wait take turns by party, so that somebody who sends five hundred files at
// once delays nobody else by more than one file.
type places struct {
	queue int
	wait  time.Duration

	mu      sync.Mutex
	free    int
	used    int
	waiting int
	turns   []party             // parties with somebody waiting; the first is the next
	lines   map[party][]*waiter // never empty ones
}

// waiter is a file that waits for a place. It is told once, under the lock, when
// it leaves its line: nil for a place, ErrOverloaded for none.
type waiter struct{ told chan error }

func newPlaces(slots, queue int, wait time.Duration) *places {
	return &places{queue: queue, wait: wait, free: slots, lines: map[party][]*waiter{}}
}

// take waits for a place. It returns ErrOverloaded when the queue is full or
// the wait too long, and the context's error when the sender has gone.
func (p *places) take(ctx context.Context, who party) (release func(), err error) {
	w, err := p.enter(who)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	select {
	case err = <-w.told:
	case <-ctx.Done():
		err = p.leave(who, w, ctx.Err())
	case <-timer.C:
		err = p.leave(who, w, ErrOverloaded)
	}
	if err == nil && ctx.Err() != nil {
		p.release()
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(p.release), nil
}

// enter takes a place or a position in the party's line. When the queue is full
// the last one of the longest line makes room, unless that is the newcomer.
func (p *places) enter(who party) (*waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &waiter{make(chan error, 1)}
	switch {
	case p.free > 0: // then nobody waits
		p.free--
		p.used++
		w.told <- nil
		return w, nil
	case p.queue <= 0:
		return nil, ErrOverloaded
	case p.waiting >= p.queue:
		longest := p.longest()
		if len(p.lines[longest]) <= len(p.lines[who])+1 {
			return nil, ErrOverloaded
		}
		line := p.lines[longest]
		p.remove(longest, len(line)-1).told <- ErrOverloaded
	}
	if len(p.lines[who]) == 0 {
		p.turns = append(p.turns, who)
	}
	p.lines[who] = append(p.lines[who], w)
	p.waiting++
	return w, nil
}

// leave gives up waiting for the reason err. It returns nil when a place came
// at the same moment.
func (p *places) leave(who party, w *waiter, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.lines[who] {
		if other == w {
			p.remove(who, i)
			return err
		}
	}
	return <-w.told
}

// release gives the place to the first of the party whose turn it is; that party
// then comes last.
func (p *places) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.turns) == 0 {
		p.free++
		p.used--
		return
	}
	who := p.turns[0]
	w := p.remove(who, 0)
	if len(p.lines[who]) > 0 {
		p.turns = append(p.turns[1:], who)
	}
	w.told <- nil
}

// remove takes one out of its line, and the party's turn away with the last one.
func (p *places) remove(who party, i int) *waiter {
	line := p.lines[who]
	w := line[i]
	p.waiting--
	if len(line) > 1 {
		p.lines[who] = slices.Delete(line, i, i+1)
		return w
	}
	delete(p.lines, who)
	p.turns = slices.DeleteFunc(p.turns, func(other party) bool { return other == who })
	return w
}

// longest is the party with the longest line.
func (p *places) longest() (longest party) {
	for who, line := range p.lines {
		if len(line) > len(p.lines[longest]) {
			longest = who
		}
	}
	return longest
}

func (p *places) taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used
}

func (p *places) queued() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}
