package main

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// entry is what the service says of one file.
type entry struct {
	Status string `json:"status"`
	Match  string `json:"match"`
	ID     string `json:"id"`
	SHA256 string `json:"sha256"`
	Error  struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	} `json:"error"`
}

// outcome is the entry's kind, by which latencies are told apart.
func (e entry) outcome() string {
	switch e.Status {
	case "duplicate":
		return "duplicate, " + e.Match
	case "rejected":
		return "rejected, " + e.Error.Code
	}

	return e.Status
}

// totals are what the statistics must come to.
type totals struct {
	Accepted, Stored, Rejected int64
	Bytes, StoredBytes         int64
	// Foldable are stored files that may be folded into another one later, since
	// they are, or may be, copies of it.
	Foldable, FoldableBytes int64
	// Lost are requests of which it is not known whether they were accepted.
	Lost, LostBytes int64
}

// ledger is what has been acknowledged. It is safe for concurrent use.
type ledger struct {
	mu    sync.Mutex
	works []work
	sums  map[[32]byte]bool
	ids   map[string]kept
	files map[work][][32]byte // the sums of each work's files, its copies included
	totals
}

// kept is what an id must serve.
type kept struct {
	sum  [32]byte
	work work
}

func newLedger() *ledger {
	return &ledger{sums: map[[32]byte]bool{}, ids: map[string]kept{}, files: map[work][][32]byte{}}
}

// any is a work that was acknowledged.
func (l *ledger) any(rnd *rand.Rand) (work, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.works) == 0 {
		return work{}, false
	}

	return l.works[rnd.IntN(len(l.works))], true
}

// has tells whether these bytes were acknowledged.
func (l *ledger) has(sum [32]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sums[sum]
}

// lost notes a request of which it is not known what became of it.
func (l *ledger) lost(f file) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Lost++
	l.LostBytes += f.size
}

// refused notes a file that was refused.
func (l *ledger) refused() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Rejected++
}

// acknowledge notes an accepted file. What the answer says must be possible.
func (l *ledger) acknowledge(f file, e entry) error {
	sum, err := hex.DecodeString(e.SHA256)
	if err != nil || len(sum) != 32 || e.ID == "" {
		return fmt.Errorf("an answer without id or sum: %+v", e)
	}

	served := [32]byte(sum)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Accepted++
	l.Bytes += f.size
	if e.Status == "stored" {
		l.Stored++
		l.StoredBytes += f.size
		if f.work.recoded || f.work.album < 0 {
			l.Foldable++
			l.FoldableBytes += f.size
		}
	}

	err = l.judge(f, e, served)
	if before, found := l.ids[e.ID]; found && before.sum != served && f.work.album >= 0 {
		err = fmt.Errorf("%s is said to be %x, and was said to be %x", e.ID, served, before.sum)
	}

	l.ids[e.ID] = kept{served, f.work}
	if !l.sums[f.sum] {
		l.sums[f.sum] = true
		l.works = append(l.works, f.work)
		l.files[f.work.same()] = append(l.files[f.work.same()], f.sum)
	}

	return err
}

// judge tells whether the answer is right.
func (l *ledger) judge(f file, e entry, served [32]byte) error {
	switch {
	case e.Status == "stored" && served != f.sum:
		return fmt.Errorf("%x was stored as %x", f.sum, served)
	case e.Status == "stored" && f.again:
		return fmt.Errorf("%x was stored again", f.sum)
	case e.Match == "exact" && served != f.sum:
		return fmt.Errorf("%x was taken for the same bytes as %x", f.sum, served)
	case e.Status == "duplicate" && e.Match != "exact" && !l.related(f.work, served):
		return fmt.Errorf("%x was taken for a copy of %x, which is another picture", f.sum, served)
	}

	return nil
}

// related tells whether a sum is that of a file of the same work.
func (l *ledger) related(w work, sum [32]byte) bool {
	return w.album < 0 || slices.Contains(l.files[w.same()], sum)
}
