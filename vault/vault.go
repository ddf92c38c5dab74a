// Package vault owns contents: the bytes of pictures by their SHA-256, with
// their variants.
//
// It promises that a content which a committed picture refers to is never
// removed: whoever stores a picture holds the content's lock shared, whoever
// removes the bytes holds it alone (docs/adr/0002). While a store may still
// carry out a removal whose answer was lost, nobody commits to these bytes anew
// (docs/adr/0010).
//
// The tables removals and installation are its own.
package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/singleflight"

	"inlet/blob"
	"inlet/db"
	"inlet/imaging"
	"inlet/problem"
)

var (
	// ErrRemoving refuses a commit to bytes that a store may yet remove.
	ErrRemoving = errors.New("the bytes are being removed")
	// ErrWidth says that there is no such variant.
	ErrWidth = problem.New(problem.BadRequest, "the width must be 160, 320, 640 or 1280")
)

// Blobs is the store below: files or S3.
type Blobs interface {
	Stage(ctx context.Context) (*blob.Staged, error)
	Keep(ctx context.Context, st *blob.Staged, k blob.Key) error
	Open(ctx context.Context, k blob.Key) (blob.Blob, error)
	Put(ctx context.Context, k blob.Key, r io.Reader) error
	Delete(ctx context.Context, k blob.Key) error
	// Claim binds the store to an installation; blob.ErrOwner if it has another.
	Claim(ctx context.Context, owner string) error
	Walk(ctx context.Context, olderThan time.Time, fn func(blob.Key) error) error
	// Lingers tells whether a Delete whose answer was lost may be carried out later.
	Lingers() bool
}

// References knows which contents pictures refer to. (Package catalog does; it
// stands above this one.)
type References interface {
	// Unreferenced returns those of sums that no picture has, as q sees them.
	Unreferenced(ctx context.Context, q db.Querier, sums [][]byte) ([][]byte, error)
}

// Thumbnailer makes a JPEG of a picture, at most width pixels wide.
// (imaging.Inspector does; tests count and stop its work.)
type Thumbnailer interface {
	Thumbnail(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format, width int) ([]byte, error)
}

// Options of a Vault. All fields without a stated default are required.
type Options struct {
	Pool       *pgxpool.Pool
	Blobs      Blobs
	References References
	// Thumbnailer makes variants; processes that serve none leave it nil.
	Thumbnailer Thumbnailer
}

// Vault holds contents. It is safe for concurrent use.
type Vault struct {
	Options
	variants singleflight.Group
}

// New makes a Vault.
func New(o Options) *Vault { return &Vault{Options: o} }

// Stage opens a place for a content that is arriving.
func (v *Vault) Stage(ctx context.Context) (*blob.Staged, error) {
	st, err := v.Blobs.Stage(ctx)

	return st, problem.StoreFailed(err)
}

// Keep makes a staged content durable under its SHA-256. Called again, it keeps
// the content again if that was removed in between, and only looks otherwise.
func (v *Vault) Keep(ctx context.Context, st *blob.Staged) error {
	return problem.StoreFailed(v.Blobs.Keep(ctx, st, blob.ContentKey(st.Sum())))
}

// Open opens a content; blob.ErrNotFound if there is none.
func (v *Vault) Open(ctx context.Context, sum [32]byte) (blob.Blob, error) {
	return v.Blobs.Open(ctx, blob.ContentKey(sum))
}

// No row returns while a blob store may still carry out a removal.
const settledQuery = `
	SELECT true WHERE NOT EXISTS (SELECT FROM removals WHERE sha256 = $1 AND counts_until > now())`

// QueueLock adds the content's lock, shared with other uploads, to the
// transaction of b, for the statement that stores a picture and must come after
// it. The batch fails with ErrRemoving while a removal is open.
func QueueLock(b *pgx.Batch, sum [32]byte) {
	b.Queue(`SELECT pg_advisory_xact_lock_shared($1)`, lockKey(sum))
	db.QueueRequired(b, ErrRemoving, settledQuery, sum[:])
}

// Remove removes a content and its variants, unless a picture has it.
func (v *Vault) Remove(ctx context.Context, sum [32]byte) error {
	if _, err := v.remove(ctx, sum); err != nil {
		return fmt.Errorf("remove the content %x: %w", sum, err)
	}

	return nil
}
