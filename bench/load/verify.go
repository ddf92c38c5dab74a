package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// verifiers fetch files concurrently.
const verifiers = 16

// verification is the result of fetching and counting everything again.
type verification struct {
	Fetched int64 `json:"fetched"`
	Bytes   int64 `json:"bytes"`
	// Merged ids serve another file of the same picture.
	Merged     int64    `json:"merged"`
	Statistics string   `json:"statistics"`
	Recount    string   `json:"recount"`
	Wrong      int64    `json:"wrong"`
	Examples   []string `json:"examples"`

	mu sync.Mutex
}

func (v *verification) wrong(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Wrong++
	if len(v.Examples) < maxExamples {
		v.Examples = append(v.Examples, err.Error())
	}
}

// check fetches every acknowledged file, and compares the statistics with those
// before the run and with a count in SQL.
func (l *load) check(ctx context.Context, before *document) *verification {
	v := &verification{Statistics: notCompared, Recount: notCompared, Examples: []string{}}
	l.fetchAll(ctx, v)
	if before != nil {
		if err := l.compareStatistics(ctx, *before); err != nil {
			v.wrong(err)
			v.Statistics = "WRONG"
		} else {
			v.Statistics = exact(l.known.Lost)
		}
	}

	if l.target.database != "" && l.target.token != "" {
		if err := l.compareRecount(ctx); err != nil {
			v.wrong(err)
			v.Recount = "WRONG"
		} else {
			v.Recount = "equal"
		}
	}

	return v
}

const notCompared = "not compared"

func exact(lost int64) string {
	if lost == 0 {
		return "exact"
	}

	return fmt.Sprintf("right, within the %d requests whose answers were lost", lost)
}

// fetchAll fetches every acknowledged id.
func (l *load) fetchAll(ctx context.Context, v *verification) {
	ids := make(chan string)
	var fetchers sync.WaitGroup
	for range verifiers {
		fetchers.Go(func() {
			for id := range ids {
				if err := l.fetch(ctx, v, id); err != nil {
					v.wrong(fmt.Errorf("picture %s: %w", id, err))
				}
			}
		})
	}

	for _, id := range slices.Sorted(maps.Keys(l.known.ids)) {
		ids <- id
	}

	close(ids)
	fetchers.Wait()
}

// maxDownloads bounds the attempts to fetch a picture with -reconnect.
const maxDownloads = 5

// download returns the length and the SHA-256 of the file that an id serves.
func (l *load) download(ctx context.Context, id string) (n int64, sum [32]byte, err error) {
	for attempt := range maxDownloads {
		h := sha256.New()
		n, err = get(ctx, l.client, l.target.base()+"/v1/images/"+id, l.target.token, h)
		var lost *lostError
		if err == nil || !l.reconnect || !errors.As(err, &lost) || !pause(ctx, backoff(attempt)) {
			return n, [32]byte(h.Sum(nil)), err
		}
	}

	return n, sum, err
}

// fetch compares the file that an id serves with the acknowledged one.
func (l *load) fetch(ctx context.Context, v *verification, id string) error {
	n, got, err := l.download(ctx, id)
	if err != nil {
		return err
	}

	want := l.known.ids[id]
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Fetched++
	v.Bytes += n
	switch {
	case got == want.sum:
		return nil
	case want.work.album < 0 && l.known.sums[got], want.work.album >= 0 && l.known.related(want.work, got):
		v.Merged++
		return nil
	}

	return fmt.Errorf("serves %x (%d bytes), and %x was acknowledged", got, n, want.sum)
}
