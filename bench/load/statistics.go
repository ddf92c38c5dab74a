package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"inlet/catalog"
	"inlet/db"
	"inlet/stats"
)

// document is the service's statistics.
type document = stats.Document

// statistics asks the service for its counters.
func (l *load) statistics(ctx context.Context) (doc document, err error) {
	var text bytes.Buffer
	if _, err := get(ctx, l.client, l.target.base()+"/v1/stats", l.target.token, &text); err != nil {
		return doc, fmt.Errorf("statistics: %w", err)
	}

	return doc, json.Unmarshal(text.Bytes(), &doc)
}

// eventually repeats check until it passes or the time is over.
func (l *load) eventually(ctx context.Context, check func() error) error {
	deadline := time.Now().Add(l.settling)
	for {
		err := check()
		if err == nil || time.Now().After(deadline) || !pause(ctx, 200*time.Millisecond) {
			return err
		}
	}
}

// compareStatistics compares the rise of the counters with the acknowledged files.
func (l *load) compareStatistics(ctx context.Context, before document) error {
	return l.eventually(ctx, func() error {
		now, err := l.statistics(ctx)
		if err != nil {
			return err
		}

		return l.known.compare(before, now)
	})
}

// compare returns what is wrong with the difference of two documents. The service
// may have accepted requests whose answers were lost, and merged copies.
func (t totals) compare(before, now document) error {
	var errs []error
	between := func(what string, got, least, most int64) {
		if got < least || got > most {
			errs = append(errs, fmt.Errorf("statistics: %s rose by %d, want %d to %d", what, got, least, most))
		}
	}

	up, was := now.Uploads, before.Uploads
	between("uploads.accepted", up.Accepted-was.Accepted, t.Accepted, t.Accepted+t.Lost)
	between("uploads.stored", up.Stored-was.Stored, t.Stored-t.Mergeable, t.Stored+t.Lost)
	between("uploads.rejected", up.Rejected-was.Rejected, 0, t.Rejected+t.Lost)
	between("images.stored", now.Images.Stored-before.Images.Stored, t.Stored-t.Mergeable, t.Stored+t.Lost)
	between("images.bytes", now.Images.Bytes-before.Images.Bytes, t.StoredBytes-t.MergeableBytes, t.StoredBytes+t.LostBytes)
	nowDays, beforeDays := days(now), days(before)
	between("accepted files of all days", nowDays.Accepted-beforeDays.Accepted, t.Accepted, t.Accepted+t.Lost)
	between("bytes of all days", nowDays.Bytes-beforeDays.Bytes, t.Bytes, t.Bytes+t.LostBytes)
	if up.Accepted != up.Stored+up.Duplicates {
		errs = append(errs, fmt.Errorf("statistics: %d accepted are not %d stored and %d duplicates", up.Accepted, up.Stored, up.Duplicates))
	}

	formats := int64(0)
	for _, f := range now.Formats {
		formats += f.Images
	}

	if formats != now.Images.Stored {
		errs = append(errs, fmt.Errorf("statistics: the formats add up to %d images of %d", formats, now.Images.Stored))
	}

	return errors.Join(errs...)
}

func days(d document) (sum stats.DayCount) {
	for _, day := range d.UploadsPerDay {
		sum.Accepted += day.Accepted
		sum.Bytes += day.Bytes
	}

	return sum
}

// compareRecount compares every counter with a count in SQL.
func (l *load) compareRecount(ctx context.Context) error {
	pool, err := db.Open(ctx, l.target.database, db.Options{MaxConns: 2, StatementTimeout: time.Minute})
	if err != nil {
		return err
	}
	defer pool.Close()
	counter := stats.New(stats.Options{Truth: catalog.Counts{}, Pool: pool})

	return l.eventually(ctx, func() error {
		counted, err := counter.Recount(ctx)
		if err != nil {
			return err
		}

		shown, err := l.statistics(ctx)
		if err != nil {
			return err
		}

		a, b := counters(shown), counters(counted)
		if !bytes.Equal(a, b) {
			return fmt.Errorf("statistics differ from SQL:\n  shown   %s\n  counted %s", a, b)
		}

		return nil
	})
}

// counters encodes a document without its time and its estimates.
func counters(d document) []byte {
	d.AsOf = time.Time{}
	for i := range d.UploadsPerDay {
		d.UploadsPerDay[i].Uploaders = 0
	}

	text, _ := json.Marshal(d) // our own types always encode

	return text
}
