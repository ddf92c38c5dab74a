package jobs_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// merged waits until two pictures are one.
func (f *fixture) merged(ids [2]uuid.UUID) {
	f.t.Helper()
	f.eventually("the merge", func() bool { return f.count(`SELECT count(*) FROM images`) == 1 })
	first, err := f.Catalog.Get(f.t.Context(), ids[0])
	must(f.t, err)
	second, err := f.Catalog.Get(f.t.Context(), ids[1])
	must(f.t, err)
	if first.ID != second.ID {
		f.t.Errorf("%v and %v are still two pictures", ids[0], ids[1])
	}
}

// unsettled forgets that pictures were stored at once: no task finds them.
func (f *fixture) unsettled() { f.exec(`DELETE FROM recent`) }

func TestMergesCopiesThatWereStoredAtOnce(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	ids := f.copies()
	if n := f.count(`SELECT count(*) FROM images`); n != 2 {
		t.Fatalf("%d pictures before the jobs run", n)
	}
	f.start()
	f.merged(ids)
	f.ran("done", "settle_recent", "merge")
}

func TestComparesWhatIsEnqueued(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	ids := f.copies()
	f.unsettled()
	f.inTx(func(ctx context.Context, tx pgx.Tx) error { return f.enqueuer.Compare(ctx, tx, [][2]uuid.UUID{ids}) })
	f.start()
	f.merged(ids)
	f.ran("done", "merge")
}

// A replica of the release before enqueues comparisons under another name, in
// another queue.
func TestComparesWhatTheReleaseBeforeEnqueues(t *testing.T) {
	t.Parallel()
	f := setUp(t, config{})
	ids := f.copies()
	f.unsettled()
	f.enqueueOld("fold", oldJob{kind: "fold", First: ids[0].String(), Second: ids[1].String()})
	f.start()
	f.merged(ids)
	f.eventually("the end of the job", func() bool { return f.jobs("fold", "completed") == 1 })
	f.ran("done", "merge") // so the metrics name it
}
