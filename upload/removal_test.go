package upload_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/upload"
)

// late is a store whose server loses the answer to a deletion, and carries it out
// when nobody waits for it any more.
type late struct {
	blobtest.Store
	asked []blob.Key
}

func (l *late) Lingers() bool { return true }

func (l *late) Delete(_ context.Context, k blob.Key) error {
	l.asked = append(l.asked, k)
	return errors.Join(blob.ErrUnsettled, blob.ErrUnavailable)
}

// While a store may still carry out the removal of some bytes, nobody is told
// that they are stored.
func TestBytesWhoseRemovalIsNotSettled(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	store := &late{Store: f.blobs}
	g := f.catalog(store)
	data, other := pngOf(510), pngOf(511)
	first := f.send(t, "x", data)
	if err := g.Delete(t.Context(), first.ID); !errors.Is(err, blob.ErrUnavailable) {
		t.Fatalf("delete: %v", err)
	}
	if r := f.send(t, "x", data); !errors.Is(r.Err, upload.ErrOverloaded) {
		t.Errorf("with the removal open: %+v", r)
	}
	if r := f.send(t, "x", other); r.Status != upload.Stored {
		t.Errorf("other bytes: %+v", r)
	}
	for _, k := range store.asked {
		if err := store.Store.Delete(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	f.exec(t, `UPDATE removals SET counts_until = counts_until - interval '1 hour'`)
	if r := f.send(t, "x", data); r.Status != upload.Stored {
		t.Errorf("an hour later: %+v", r)
	}
	f.clean(t)
	if _, err := g.Vault.Sweep(t.Context(), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if n := f.count(t, `SELECT count(*) FROM removals`); n != 0 {
		t.Errorf("%d removals are remembered for ever", n)
	}
}
