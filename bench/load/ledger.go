package main

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// entry is the service's answer to one file.
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

// outcome is the kind of the answer; each has its own latencies.
func (e entry) outcome() string {
	switch e.Status {
	case "duplicate":
		return "duplicate, " + e.Match
	case "rejected":
		return "rejected, " + e.Error.Code
	}

	return e.Status
}

// totals are the expected rise of the statistics.
type totals struct {
	Accepted, Stored, Rejected int64
	Bytes, StoredBytes         int64
	// Mergeable are stored files that Inlet may merge later, because they may be
	// copies of another one.
	Mergeable, MergeableBytes int64
	// Lost are requests that the service may or may not have accepted.
	Lost, LostBytes int64
}

// ledger records all acknowledged files. It is safe for concurrent use.
type ledger struct {
	mu    sync.Mutex
	works []work
	sums  map[[32]byte]bool
	ids   map[string]record
	files map[work][][32]byte // the sums of each work's files, its copies included
	totals
}

// record is the file that an id must serve.
type record struct {
	sum  [32]byte
	work work
}

func newLedger() *ledger {
	return &ledger{sums: map[[32]byte]bool{}, ids: map[string]record{}, files: map[work][][32]byte{}}
}

// any is an acknowledged work.
func (l *ledger) any(rnd *rand.Rand) (work, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.works) == 0 {
		return work{}, false
	}

	return l.works[rnd.IntN(len(l.works))], true
}

// has tells whether the service acknowledged these bytes.
func (l *ledger) has(sum [32]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sums[sum]
}

// lost records a request that the service may or may not have accepted.
func (l *ledger) lost(f file) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Lost++
	l.LostBytes += f.size
}

// refused records a rejected file.
func (l *ledger) refused() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Rejected++
}

// acknowledge records an accepted file. Its error is an answer that cannot be true.
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
			l.Mergeable++
			l.MergeableBytes += f.size
		}
	}

	err = l.judge(f, e, served)
	if before, found := l.ids[e.ID]; found && before.sum != served && f.work.album >= 0 {
		err = fmt.Errorf("%s has the sum %x, and had %x before", e.ID, served, before.sum)
	}

	l.ids[e.ID] = record{served, f.work}
	if !l.sums[f.sum] {
		l.sums[f.sum] = true
		l.works = append(l.works, f.work)
		l.files[f.work.same()] = append(l.files[f.work.same()], f.sum)
	}

	return err
}

// judge returns what is wrong with an answer.
func (l *ledger) judge(f file, e entry, served [32]byte) error {
	switch {
	case e.Status == "stored" && served != f.sum:
		return fmt.Errorf("%x was stored as %x", f.sum, served)
	case e.Status == "stored" && f.again:
		return fmt.Errorf("%x was stored again", f.sum)
	case e.Match == "exact" && served != f.sum:
		return fmt.Errorf("%x was matched exactly with %x", f.sum, served)
	case e.Status == "duplicate" && e.Match != "exact" && !l.related(f.work, served):
		return fmt.Errorf("%x was matched with %x, which is another picture", f.sum, served)
	}

	return nil
}

// related tells whether a sum is of a file of the same work.
func (l *ledger) related(w work, sum [32]byte) bool {
	return w.album < 0 || slices.Contains(l.files[w.same()], sum)
}
