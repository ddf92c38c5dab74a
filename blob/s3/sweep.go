package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http/httptrace"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"

	"inlet/blob"
)

// maxOwner bounds the bytes read of the owner's name.
const maxOwner = 1 << 10

// Lingers tells whether the store may carry out a deletion after Delete failed. A
// server may, once a request has reached it.
func (s *Store) Lingers() bool { return true }

// Delete removes the object k and, if it is a content, its variants. It does not
// fail if there is none. If a request got no answer, even if a later one did, the
// error is blob.ErrUnsettled too: that request may still remove the next object k.
func (s *Store) Delete(ctx context.Context, k blob.Key) error {
	name, err := s.name(k)
	if err != nil {
		return err
	}

	if k.IsContent() {
		// The variants go first: Walk finds them as long as the content exists.
		if err := s.deleteVariants(ctx, name); err != nil {
			return err
		}
	}

	counted, unanswered := tally(ctx)
	err = attempt(counted, "delete", func(ctx context.Context, _ *watchdog) error { return s.remove(ctx, name) })
	if unanswered() {
		err = errors.Join(blob.ErrUnsettled, cmp.Or(err, blob.ErrUnavailable))
	}
	return err
}

func (s *Store) deleteVariants(ctx context.Context, content string) error {
	return attempt(ctx, "delete", func(ctx context.Context, _ *watchdog) error {
		for o := range s.list(ctx, content+".") {
			if o.Err != nil {
				return o.Err
			}
			if err := s.remove(ctx, o.Key); err != nil {
				return err
			}
		}
		return nil
	})
}

// tally counts the requests of a context, retries included, and tells whether one
// of them was sent and not answered.
func tally(ctx context.Context) (_ context.Context, unanswered func() bool) {
	var open atomic.Int64
	trace := &httptrace.ClientTrace{
		WroteHeaders:         func() { open.Add(1) },
		GotFirstResponseByte: func() { open.Add(-1) },
	}
	return httptrace.WithClientTrace(ctx, trace), func() bool { return open.Load() > 0 }
}

func (s *Store) remove(ctx context.Context, name string) error {
	err := s.client.RemoveObject(ctx, s.bucket, name, minio.RemoveObjectOptions{})
	if isCode(err, minio.NoSuchKey) {
		return nil
	}
	return err
}

// list lists the objects under a prefix by name. It ends with the first error and
// yields it.
func (s *Store) list(ctx context.Context, prefix string) iter.Seq[minio.ObjectInfo] {
	return s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{
		Prefix: prefix, Recursive: true, FetchOwner: new(bool),
	})
}

// Walk calls fn with the key of every content whose files, its bytes and its
// variants, are all older than olderThan, even if only variants are left. It
// holds the names of one page at a time. fn may delete. Walk ends with the first
// error of fn and returns it.
//
// The server's clock decides the ages. It may differ from this machine's by a
// quarter of an hour, beyond which the server refuses all requests: olderThan
// should allow for that.
func (s *Store) Walk(ctx context.Context, olderThan time.Time, fn func(blob.Key) error) error {
	within, dog := watch(ctx)
	defer dog.end()

	for k, err := range blob.Old(s.listed(within, dog), olderThan) {
		if err != nil {
			return failed(ctx, "walk", err)
		}

		dog.pause()
		if err := fn(k); err != nil {
			return err
		}
		dog.progress()
	}
	return failed(ctx, "walk", within.Err())
}

// listed lists all files of the store by name.
func (s *Store) listed(ctx context.Context, dog *watchdog) iter.Seq2[blob.Listed, error] {
	return func(yield func(blob.Listed, error) bool) {
		for o := range s.list(ctx, s.blobs()) {
			dog.progress()
			if !yield(blob.Listed{Name: path.Base(o.Key), Modified: o.LastModified}, o.Err) || o.Err != nil {
				return
			}
		}
	}
}

// SweepStaging removes files that were staged on this machine before olderThan and
// neither kept nor discarded, and large files that any replica began before it and
// never completed, because their processes died. It returns their number.
func (s *Store) SweepStaging(ctx context.Context, olderThan time.Time) (int, error) {
	removed, err := s.Staging.SweepStaging(ctx, olderThan)
	if err != nil {
		return removed, err
	}

	err = attempt(ctx, "sweep staging", func(ctx context.Context, dog *watchdog) error {
		aborted, err := s.sweepParts(ctx, olderThan, dog)
		removed += aborted
		return err
	})
	return removed, err
}

func (s *Store) sweepParts(ctx context.Context, olderThan time.Time, dog *watchdog) (removed int, err error) {
	var page minio.ListMultipartUploadsResult
	for {
		page, err = s.client.ListMultipartUploads(ctx, s.bucket, s.blobs(), page.NextKeyMarker, page.NextUploadIDMarker, "", 0)
		if isUnsupported(err) {
			return removed, nil
		}
		if err != nil {
			return removed, err
		}

		for _, up := range page.Uploads {
			dog.progress()
			if !up.Initiated.Before(olderThan) {
				continue
			}

			err := s.client.AbortMultipartUpload(ctx, s.bucket, up.Key, up.UploadID)
			if isCode(err, minio.NoSuchUpload) { // another replica sweeps too
				continue
			}
			if err != nil {
				return removed, err
			}
			removed++
		}

		if !page.IsTruncated {
			return removed, nil
		}
	}
}

// Claim makes owner the store's owner for good, or returns blob.ErrOwner if the
// store has another one. On a server without conditional requests the last of
// several concurrent claims wins.
func (s *Store) Claim(ctx context.Context, owner string) error {
	var got string
	err := attempt(ctx, "claim the store", func(ctx context.Context, dog *watchdog) (err error) {
		name := s.prefix + "owner"
		got, err = s.readOwner(ctx, name)
		if isCode(err, minio.NoSuchKey) {
			if err = s.writeOwner(ctx, name, owner, dog); err == nil {
				got, err = s.readOwner(ctx, name) // another process may have been first
			}
		}
		return err
	})
	if err != nil {
		return err
	}

	if got != owner {
		return fmt.Errorf("%w: %s/%s is %s's, not %s's", blob.ErrOwner, s.bucket, s.prefix, got, owner)
	}
	return nil
}

func (s *Store) readOwner(ctx context.Context, name string) (string, error) {
	got, _, _, err := s.client.GetObject(ctx, s.bucket, name, minio.GetObjectOptions{})
	if err != nil {
		return "", err
	}
	defer got.Close()

	text, err := io.ReadAll(io.LimitReader(got, maxOwner))
	return strings.TrimSpace(string(text)), err
}

// writeOwner creates the object, unless it exists.
func (s *Store) writeOwner(ctx context.Context, name, owner string, dog *watchdog) error {
	st, err := s.Stage(ctx)
	if err != nil {
		return err
	}
	defer st.Discard()

	if _, err := io.WriteString(st, owner+"\n"); err != nil {
		return err
	}

	err = s.put(ctx, st, name, true, dog)
	if isTaken(err) {
		return nil
	}
	return err
}
