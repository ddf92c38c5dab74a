package upload_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"inlet/link"
	"inlet/problem"
	"inlet/upload"
)

// What a sender adds to the transaction is there when the file was accepted, and
// when it fails the file is not accepted, whatever became of it.
func TestRecord(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.exec(t, `CREATE TABLE notes (status text)`)
	from := sender(link.Grant{ID: "link"})
	for i, test := range []struct {
		name, want string
		data       []byte
	}{
		{"stored", "stored", pngOf(1)},
		{"exact", "duplicate", pngOf(1)},
		{"payload", "duplicate", withComment(pngOf(1), "metadata")},
	} {
		refuse := errors.New("refused by the sender")
		from.Record = func(b *pgx.Batch, r upload.Result) {
			b.Queue(`INSERT INTO notes VALUES ($1)`, string(r.Status)).Exec(func(pgconn.CommandTag) error { return refuse })
		}
		r := f.Accept(t.Context(), from, "a.png", bytes.NewReader(test.data))
		if r.Settled() || !errors.Is(r.Err, refuse) || !errors.Is(r.Err, problem.ErrUnavailable) {
			t.Errorf("%s, refused by the sender: %+v", test.name, r)
		}
		if uploads, notes := f.count(t, `SELECT count(*) FROM uploads`), f.count(t, `SELECT count(*) FROM notes`); uploads != i || notes != i {
			t.Errorf("%s, refused by the sender: %d uploads and %d notes, want %d", test.name, uploads, notes, i)
		}
		refuse = nil
		if r := f.Accept(t.Context(), from, "a.png", bytes.NewReader(test.data)); string(r.Status) != test.want || !r.Settled() {
			t.Errorf("%s: %+v", test.name, r)
		}
		if notes := f.count(t, `SELECT count(*) FROM notes WHERE status = $1`, test.want); notes == 0 {
			t.Errorf("%s: there is no note of it", test.name)
		}
	}
	from.Record = func(*pgx.Batch, upload.Result) { t.Error("a refused file was recorded") }
	if r := f.Accept(t.Context(), from, "a.txt", bytes.NewReader([]byte("text"))); r.Err == nil || !r.Settled() {
		t.Errorf("a text: %+v", r)
	}
	f.clean(t)
}
