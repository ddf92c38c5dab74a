package upload

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"inlet/link"
)

func someone(name string) tenant { return tenant{link: link.ID(name)} }

// queueUp lets n of a tenant wait, one after the other, and returns when they do.
// Each that gets a slot says so to got, and gives it back; others say so to
// refused.
func queueUp(ctx context.Context, p *fairQueue, who string, n int, got, refused func(name string)) {
	for i := range n {
		go func() {
			release, err := p.take(ctx, someone(who))
			if err != nil {
				refused(fmt.Sprint(who, i+1, " ", err))
				return
			}
			got(fmt.Sprint(who, i+1))
			release()
		}()
		synctest.Wait()
	}
}

// record is a list that many write.
type record struct {
	mu    sync.Mutex
	names []string
}

func (r *record) add(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, name)
}

func TestTenantsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFairQueue(1, 1000, time.Minute)
		release, err := p.take(t.Context(), someone("x"))
		if err != nil {
			t.Fatal(err)
		}
		var got, refused record
		queueUp(t.Context(), p, "a", 500, got.add, refused.add)
		queueUp(t.Context(), p, "b", 2, got.add, refused.add)
		queueUp(t.Context(), p, "c", 1, got.add, refused.add)
		if n := p.queued(); n != 503 {
			t.Errorf("%d wait", n)
		}
		release()
		synctest.Wait()
		// First come, first served would have b wait for all five hundred.
		if first := fmt.Sprint(got.names[:7]); first != "[a1 b1 c1 a2 b2 a3 a4]" {
			t.Errorf("slots went to %s", first)
		}
		if len(got.names) != 503 || len(refused.names) != 0 || p.queued() != 0 || p.taken() != 0 {
			t.Errorf("%d got a place, %d did not; %d wait, %d are taken", len(got.names), len(refused.names), p.queued(), p.taken())
		}
	})
}

// A queue that one tenant has filled still takes others.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFairQueue(1, 4, time.Minute)
		release, err := p.take(t.Context(), someone("x"))
		if err != nil {
			t.Fatal(err)
		}
		var got, refused record
		queueUp(t.Context(), p, "a", 5, got.add, refused.add) // the fifth finds it full
		queueUp(t.Context(), p, "b", 1, got.add, refused.add) // a4 makes room
		queueUp(t.Context(), p, "c", 1, got.add, refused.add) // a3
		queueUp(t.Context(), p, "b", 1, got.add, refused.add) // has as many as a would have
		synctest.Wait()
		if n := p.queued(); n != 4 {
			t.Errorf("%d wait", n)
		}
		release()
		synctest.Wait()
		if all := fmt.Sprint(got.names); all != "[a1 b1 c1 a2]" {
			t.Errorf("slots went to %s", all)
		}
		if len(refused.names) != 4 {
			t.Errorf("refused: %v", refused.names)
		}
	})
}

func TestWhoGivesUpWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFairQueue(1, 10, time.Second)
		release, err := p.take(t.Context(), someone("x"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		var got, refused record
		queueUp(ctx, p, "gone", 1, got.add, refused.add)
		leave()
		synctest.Wait()
		if _, err := p.take(t.Context(), someone("late")); !errors.Is(err, ErrOverloaded) {
			t.Errorf("after a second: %v", err)
		}
		if p.queued() != 0 || len(p.next) != 0 || len(refused.names) != 1 {
			t.Errorf("%d wait, turns %v, refused %v", p.queued(), p.next, refused.names)
		}
		release()
		if release, err = p.take(t.Context(), someone("next")); err != nil {
			t.Fatal(err)
		}
		release()
		release() // twice is once
		if p.taken() != 0 || p.free != 1 {
			t.Errorf("%d are taken, %d free", p.taken(), p.free)
		}
	})
}

// No place is lost or taken twice, whatever comes together.
func TestSlotsAreCounted(t *testing.T) {
	t.Parallel()
	const slots = 3
	p := newFairQueue(slots, 20, 200*time.Microsecond)
	var inside record
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for range 50 {
				release, err := p.take(t.Context(), someone(fmt.Sprint(i%5)))
				if err != nil {
					continue
				}
				if n := p.taken(); n > slots {
					inside.add(fmt.Sprint(n))
				}
				release()
			}
		})
	}
	all.Wait()
	if len(inside.names) > 0 || p.taken() != 0 || p.free != slots || p.queued() != 0 || len(p.next)+len(p.lines) != 0 {
		t.Errorf("%d too many; %d taken, %d free, %d wait", len(inside.names), p.taken(), p.free, p.queued())
	}
}

func TestPartyOf(t *testing.T) {
	t.Parallel()
	of := func(id, addr string) tenant {
		return tenantOf(Sender{Grant: link.Grant{ID: link.ID(id)}, Client: netip.MustParseAddr(addr)})
	}
	cases := []struct {
		a, b tenant
		same bool
	}{
		{of("l", "192.0.2.1"), of("l", "192.0.2.1"), true},
		{of("l", "192.0.2.1"), of("l", "192.0.2.2"), false},
		{of("l", "192.0.2.1"), of("m", "192.0.2.1"), false},
		{of("l", "2001:db8::1"), of("l", "2001:db8::ffff:1"), true},
		{of("l", "2001:db8::1"), of("l", "2001:db8:0:1::1"), false},
	}
	for _, c := range cases {
		if (c.a == c.b) != c.same {
			t.Errorf("%v and %v", c.a, c.b)
		}
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{"192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::"} {
		if got := Network(netip.MustParseAddr(addr)).Addr().String(); got != want {
			t.Errorf("%s: got %s", addr, got)
		}
	}
}
