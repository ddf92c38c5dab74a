package upload

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"inlet/link"
)

// tenant takes turns with others when there are more files than slots. A link
// alone is not enough: a whole company may share one. An address alone is not
// either: it costs nothing to have many.
type tenant struct {
	link   link.ID
	client netip.Prefix
}

// tenantOf is the sender's tenant. An IPv6 client usually has a /64 to itself.
func tenantOf(from Sender) tenant {
	return tenant{from.Grant.ID, Network(from.Client)}
}

// Network is the part of a client's address that its owner cannot choose.
func Network(client netip.Addr) netip.Prefix {
	bits := client.BitLen()
	if client.Is6() {
		bits = 64
	}
	p, _ := client.Prefix(bits) // these lengths fit

	return p
}

// fairQueue is a semaphore with a bounded queue, in which tenants take turns: one
// that sends five hundred files at once delays no other by more than one file.
type fairQueue struct {
	queue int
	wait  time.Duration

	mu      sync.Mutex
	free    int
	used    int
	waiting int
	next    []tenant             // tenants with a file that waits, in the order of their turns
	lines   map[tenant][]*waiter // of the waiting files; never empty
}

// waiter is a file that waits for a slot. It gets one answer, under the lock, when
// it leaves its line: nil for a slot, ErrOverloaded for none.
type waiter struct{ answer chan error }

func newFairQueue(slots, queue int, wait time.Duration) *fairQueue {
	return &fairQueue{queue: queue, wait: wait, free: slots, lines: map[tenant][]*waiter{}}
}

// take waits for a slot. It returns ErrOverloaded when the queue is full or the
// wait too long, and the context's error when the sender has gone.
func (q *fairQueue) take(ctx context.Context, t tenant) (release func(), err error) {
	w, err := q.enter(t)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(q.wait)
	defer timer.Stop()
	select {
	case err = <-w.answer:
	case <-ctx.Done():
		err = q.leave(t, w, ctx.Err())
	case <-timer.C:
		err = q.leave(t, w, ErrOverloaded)
	}
	if err == nil && ctx.Err() != nil {
		q.release()
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}

	return sync.OnceFunc(q.release), nil
}

// enter takes a slot, or a position in the tenant's line. When the queue is full
// the last file of the longest line is refused, unless that is the newcomer.
func (q *fairQueue) enter(t tenant) (*waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := &waiter{make(chan error, 1)}
	switch {
	case q.free > 0: // then nobody waits
		q.free--
		q.used++
		w.answer <- nil
		return w, nil
	case q.queue <= 0:
		return nil, ErrOverloaded
	case q.waiting >= q.queue:
		longest := q.longest()
		if len(q.lines[longest]) <= len(q.lines[t])+1 {
			return nil, ErrOverloaded
		}
		line := q.lines[longest]
		q.remove(longest, len(line)-1).answer <- ErrOverloaded
	}
	if len(q.lines[t]) == 0 {
		q.next = append(q.next, t)
	}
	q.lines[t] = append(q.lines[t], w)
	q.waiting++

	return w, nil
}

// leave gives up waiting for the reason err. It returns nil when a slot came at
// the same moment.
func (q *fairQueue) leave(t tenant, w *waiter, err error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.lines[t] {
		if other == w {
			q.remove(t, i)
			return err
		}
	}

	return <-w.answer
}

// release gives the slot to the first file of the tenant whose turn it is; that
// tenant then comes last.
func (q *fairQueue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.next) == 0 {
		q.free++
		q.used--
		return
	}
	t := q.next[0]
	w := q.remove(t, 0)
	if len(q.lines[t]) > 0 {
		q.next = append(q.next[1:], t)
	}
	w.answer <- nil
}

// remove takes a file out of its line, and with the last one the tenant out of the
// turns.
func (q *fairQueue) remove(t tenant, i int) *waiter {
	line := q.lines[t]
	w := line[i]
	q.waiting--
	if len(line) > 1 {
		q.lines[t] = slices.Delete(line, i, i+1)
		return w
	}
	delete(q.lines, t)
	q.next = slices.DeleteFunc(q.next, func(other tenant) bool { return other == t })

	return w
}

// longest is the tenant with the longest line.
func (q *fairQueue) longest() (longest tenant) {
	for t, line := range q.lines {
		if len(line) > len(q.lines[longest]) {
			longest = t
		}
	}

	return longest
}

func (q *fairQueue) taken() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.used
}

func (q *fairQueue) queued() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}
