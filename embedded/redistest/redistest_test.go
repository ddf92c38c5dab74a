package redistest

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	opts, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	opts.DialerRetries = 1
	c := redis.NewClient(opts)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestEach(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, url string) {
		ctx, c := t.Context(), client(t, url)
		if n, err := c.DBSize(ctx).Result(); n != 0 || err != nil {
			t.Fatalf("%d keys at the start, %v", n, err)
		}
		// The server's clock runs by itself.
		if err := c.Set(ctx, "short", 1, time.Millisecond).Err(); err != nil {
			t.Fatal(err)
		}
		until(t, func() bool { return c.Exists(ctx, "short").Val() == 0 })
	})
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
	}
}

func TestRestarts(t *testing.T) {
	t.Parallel()
	EachServer(t, func(t *testing.T, s *Server) {
		ctx, c := t.Context(), client(t, s.URL)
		script := redis.NewScript(`return redis.call('GET', KEYS[1])`)
		write := func(value string) {
			t.Helper()
			if err := c.Set(ctx, "k", value, time.Hour).Err(); err != nil {
				t.Fatal(err)
			}
			if err := c.PFAdd(ctx, "hll", value).Err(); err != nil {
				t.Fatal(err)
			}
			if err := script.Load(ctx, c).Err(); err != nil {
				t.Fatal(err)
			}
		}
		holds := func(want string, distinct int64) {
			t.Helper()
			if got := c.Get(ctx, "k").Val(); got != want {
				t.Errorf("k is %q, want %q", got, want)
			}
			if n, err := c.PFCount(ctx, "hll").Result(); n != distinct || err != nil {
				t.Errorf("%d distinct (%v), want %d", n, err, distinct)
			}
		}
		write("old")
		s.Save()
		write("new")
		holds("new", 2)

		s.Stop()
		if err := c.Ping(ctx).Err(); err == nil {
			t.Error("a stopped server answers")
		}
		s.RestartSaved()
		holds("old", 1)
		if ttl := c.TTL(ctx, "k").Val(); ttl <= 0 {
			t.Errorf("the expiry was lost: %v", ttl)
		}
		if known := script.Exists(ctx, c).Val(); len(known) != 1 || known[0] {
			t.Errorf("scripts are known after a restart: %v", known)
		}
		write("newer")
		s.Flush()
		holds("", 0)
		write("newest")
		s.Restart()
		holds("", 0)
	})
}

func TestStartIsIsolated(t *testing.T) {
	t.Parallel()
	a, b := client(t, URL(t)), client(t, Start(t).URL)
	if err := a.Set(t.Context(), "k", "a", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := b.Exists(t.Context(), "k").Val(); n != 0 {
		t.Error("two servers share their keys")
	}
}

// Keys expire by the machine's clock, also after a restart.
func TestExpiry(t *testing.T) {
	t.Parallel()
	EachServer(t, func(t *testing.T, s *Server) {
		c := client(t, s.URL)
		for range 2 {
			if err := c.Set(t.Context(), "k", "v", 300*time.Millisecond).Err(); err != nil {
				t.Fatal(err)
			}
			if err := c.Set(t.Context(), "kept", "v", time.Hour).Err(); err != nil {
				t.Fatal(err)
			}
			until(t, func() bool { return c.Exists(t.Context(), "k").Val() == 0 })
			if ttl := c.TTL(t.Context(), "kept").Val(); ttl <= 0 || ttl > time.Hour {
				t.Errorf("the other key expires in %v", ttl)
			}
			s.Restart()
		}
	})
}
