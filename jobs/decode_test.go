package jobs_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/blob"
	"inlet/vault"
)

// enqueue enqueues the decoding of a picture.
func (f *fixture) enqueue(id uuid.UUID) {
	f.t.Helper()
	f.inTx(func(ctx context.Context, tx pgx.Tx) error { return f.enqueuer.Decode(ctx, tx, id) })
}

// findable tells whether other pictures can be compared with this one.
func (f *fixture) findable(id uuid.UUID) bool {
	f.t.Helper()
	return f.count(`SELECT count(*) FROM fingerprints WHERE image_id = $1`, id) == 1
}

func (f *fixture) flags(id uuid.UUID) (flags []string) {
	f.t.Helper()
	must(f.t, f.Pool.QueryRow(context.Background(), `SELECT flags FROM images WHERE id = $1`, id).Scan(&flags))

	return flags
}

func TestDecodesWhatIsEnqueued(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	picture := f.stored("cmd/inlet/testdata/scene.heic")
	for range 3 { // the upload has enqueued it
		f.enqueue(picture.ID)
	}
	if n := f.jobs("decode", "available"); n != 1 {
		t.Errorf("%d jobs for one picture", n)
	}

	stop := f.start()
	f.eventually("the end of the job", func() bool { return f.jobs("decode", "completed") == 1 })
	for _, width := range vault.Widths() {
		if !f.has(blob.VariantKey(blob.ContentKey(picture.SHA256), width)) {
			t.Errorf("the variant of %d pixels is missing", width)
		}
	}
	if !f.findable(picture.ID) {
		t.Error("the decoded picture is not findable")
	}

	lost := blob.VariantKey(blob.ContentKey(picture.SHA256), 320)
	must(t, f.blobs.Delete(t.Context(), lost))
	f.enqueue(picture.ID)
	f.eventually("the second decoding", func() bool { return f.jobs("decode", "completed") == 2 && f.has(lost) })

	// A picture with an alpha channel is decoded, and that is all.
	alpha := f.stored("imaging/heif/testdata/alpha.heic")
	f.eventually("the third decoding", func() bool { return f.jobs("decode", "completed") == 3 })
	stop()
	if !f.has(blob.VariantKey(blob.ContentKey(alpha.SHA256), 320)) {
		t.Error("the picture with alpha has no variant")
	}
	if f.findable(alpha.ID) || slices.Contains(f.flags(alpha.ID), "undecodable") || f.jobs("merge", "completed") > 0 {
		t.Error("the picture with alpha is compared or given up")
	}
}

// A picture that takes too long is tried again, and given up in the end.
func TestSlowPicturesAreGivenUp(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{decoding: time.Nanosecond})
	picture := f.stored("imaging/heif/testdata/plain.avif")
	f.exec(`UPDATE river_job SET attempt = max_attempts - 2 WHERE kind = 'decode'`)
	f.start()
	f.ran("failed", "decode") // the last attempt but one
	f.eventually("the end of the job", func() bool { return f.jobs("decode", "completed") == 1 })
	if got := f.flags(picture.ID); !slices.Contains(got, "undecodable") {
		t.Errorf("flags %q", got)
	}
	if got := f.count(`SELECT cardinality(errors) FROM river_job WHERE kind = 'decode'`); got != 1 || !f.log.contains("takes too long to decode") {
		t.Errorf("%d attempts failed, and the log: %v", got, f.log.String())
	}
}
