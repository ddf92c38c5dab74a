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

// maxOwner bounds what is read of the object that says whose the store is.
const maxOwner = 1 << 10

// Lingers tells that a server may carry out a deletion after nobody waits for
// its answer any more.
func (s *Store) Lingers() bool { return true }

// Delete removes what is kept under k, with its variants if k is a content's
// key. That there is nothing is fine. Where a request was not answered, even if
// a later one was, the error is blob.ErrUnsettled too: what is kept under k
// afterwards may be removed by it.
func (s *Store) Delete(ctx context.Context, k blob.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name, err := s.name(k)
	if err != nil {
		return err
	}
	within, dog := watch(ctx)
	defer dog.end()
	if k.IsContent() {
		// The variants go first: they are found again as long as the content is.
		for o := range s.list(within, name+".") {
			err := o.Err
			if err == nil {
				err = s.remove(within, o.Key)
			}
			if err != nil {
				return failed(ctx, "delete", err)
			}
		}
	}
	within, unanswered := tally(within)
	err = failed(ctx, "delete", s.remove(within, name))
	if unanswered() {
		err = errors.Join(blob.ErrUnsettled, cmp.Or(err, blob.ErrUnavailable))
	}
	return err
}

// tally counts the requests that are made in a context, retries included, and
// tells whether one of them went out and was not answered.
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

// list lists the objects under a prefix by name. An error is the last it gives.
func (s *Store) list(ctx context.Context, prefix string) iter.Seq[minio.ObjectInfo] {
	return s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{
		Prefix: prefix, Recursive: true, FetchOwner: new(bool),
	})
}

// Walk calls fn with the key of every content of which nothing, neither its
// bytes nor a variant, is younger than olderThan; also where only variants are
// left. It holds the names of one page at a time. fn may delete. An error of fn
// ends the walk and is returned.
//
// Ages are by the server's clock. It refuses the requests of who is a quarter of
// an hour ahead of it or behind, so olderThan should leave as much.
func (s *Store) Walk(ctx context.Context, olderThan time.Time, fn func(blob.Key) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
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

// listed gives all files of the store by name.
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

// SweepStaging removes what was staged on this machine before olderThan and
// neither kept nor discarded, and the parts of large files that were begun
// before it and never completed, by any replica: the debris of processes that
// died. It returns how many files.
func (s *Store) SweepStaging(ctx context.Context, olderThan time.Time) (int, error) {
	removed, err := s.Staging.SweepStaging(ctx, olderThan)
	if err != nil {
		return removed, err
	}
	within, dog := watch(ctx)
	defer dog.end()
	aborted, err := s.sweepParts(within, olderThan, dog)
	return removed + aborted, failed(ctx, "sweep staging", err)
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

// Claim makes the store the owner's, for good. It returns ErrOwner if it is
// somebody else's already. On a server without conditional requests the last of
// several that do so at the same moment has it.
func (s *Store) Claim(ctx context.Context, owner string) error {
	within, dog := watch(ctx)
	defer dog.end()
	name := s.prefix + "owner"
	got, err := s.readOwner(within, name)
	if isCode(err, minio.NoSuchKey) {
		if err = s.writeOwner(within, name, owner, dog); err == nil {
			got, err = s.readOwner(within, name) // another process may have been first
		}
	}
	if err != nil {
		return failed(ctx, "read the store's owner", err)
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

// writeOwner puts the object in its place, unless there is one.
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
