package blobtest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"inlet/blob"
)

func walk(t *testing.T, s Store) {
	want := map[blob.Key]bool{}
	for range 50 {
		k := Keep(t, s, Random(20))
		must(t, s.Put(t.Context(), blob.VariantKey(k, 160), bytes.NewReader(Random(10))))
		want[k] = true
	}
	orphaned := blob.ContentKey(sha256.Sum256([]byte("only a variant is left")))
	must(t, s.Put(t.Context(), blob.VariantKey(orphaned, 640), bytes.NewReader(Random(10))))
	want[orphaned] = true

	for _, k := range walked(t, s, time.Now().Add(-time.Hour)) {
		t.Errorf("%s is young, but was given", k)
	}
	got := walked(t, s, time.Now().Add(time.Hour))
	for _, k := range got {
		if !want[k] {
			t.Errorf("%s was given, which is not there or was given before", k)
		}
		delete(want, k)
	}
	if len(want) > 0 {
		t.Errorf("%d keys were not given", len(want))
	}
	must(t, s.Walk(t.Context(), time.Now().Add(time.Hour), func(k blob.Key) error { return s.Delete(t.Context(), k) }))
	if left := walked(t, s, time.Now().Add(time.Hour)); len(left) > 0 {
		t.Errorf("%d keys left after each was deleted", len(left))
	}
}

func walkEnds(t *testing.T, s Store) {
	for range 5 {
		Keep(t, s, Random(20))
	}
	enough, calls := errors.New("enough"), 0
	err := s.Walk(t.Context(), time.Now().Add(time.Hour), func(blob.Key) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Fatalf("err = %v after %d calls, want fn's after 1", err, calls)
	}
}

func sweep(t *testing.T, s Store) {
	data := Random(100)
	st := Stage(t, s, data)
	if n, err := s.SweepStaging(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Fatalf("swept %d, %v; want none, all are young", n, err)
	}
	k := Keep(t, s, Random(30))
	// A store that stages in memory has nothing to sweep.
	if n, err := s.SweepStaging(t.Context(), time.Now().Add(time.Hour)); n > 1 || err != nil {
		t.Fatalf("swept %d, %v; want the staged file alone", n, err)
	}
	if ok, err := s.Exists(t.Context(), k); !ok || err != nil {
		t.Fatal("the sweep removed a kept file")
	}
	// The holder of a swept file loses nothing.
	must(t, s.Keep(t.Context(), st, blob.ContentKey(st.Sum())))
	equal(t, s, blob.ContentKey(st.Sum()), data)
	must(t, s.Ping(t.Context()))
}

// Contents lists the keys of the store's contents, in order.
func Contents(t testing.TB, s Store) (keys []blob.Key) {
	t.Helper()
	must(t, s.Walk(t.Context(), time.Now().Add(time.Hour), func(k blob.Key) error { keys = append(keys, k); return nil }))
	return keys
}

// claim lets one owner claim the store several times at once, then others.
func claim(t *testing.T, s Store) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := s.Claim(t.Context(), "me"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, other := range []string{"we", "somebody"} {
		if err := s.Claim(t.Context(), other); !errors.Is(err, blob.ErrOwner) {
			t.Errorf("got %v", err)
		}
	}
	must(t, s.Claim(t.Context(), "me"))
	if keys := Contents(t, s); len(keys) > 0 {
		t.Errorf("the owner is taken for contents: %v", keys)
	}
}
