// Package catalog owns the rows of pictures: what is stored, how it arrived, its
// labels, its near-duplicates, and the ids that were merged into others.
//
// It promises that one picture is one row per scope, under any concurrency: who
// loses the insert gets ErrRaced. A page of a list costs the same however deep it
// is, and a stream's memory does not grow. A deletion takes from the counters
// exactly what the picture had added. An id whose picture was merged into another
// stands for that one everywhere, also while the merge runs.
//
// The tables images, uploads, aliases, labels, near and merges are its own.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inlet/blob"
	"inlet/db"
	"inlet/imaging"
	"inlet/imaging/heif"
	"inlet/problem"
	"inlet/vault"
)

// Failures that are the caller's. ErrFilter and ErrLabels are returned wrapped,
// with a detail that is fit to be shown.
var (
	ErrNotFound = problem.New(problem.NotFound, "there is no such picture")
	ErrFilter   = problem.New(problem.BadRequest, "the filter is malformed")
	ErrCursor   = problem.New(problem.BadRequest, "the cursor is malformed")
	ErrLabels   = problem.New(problem.BadRequest, "the labels are malformed")
)

var (
	// ErrRaced says that another transaction stored or changed the picture.
	ErrRaced = errors.New("catalog: lost a race")
	// errMerged says that an Image is out of date: look it up again.
	errMerged = errors.New("the picture has just been merged into another one")
)

// Later enqueues jobs. (Package jobs does; it stands above this one.)
type Later interface {
	// Decode has Service.Decode called in a while, once however often it is asked.
	Decode(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
}

// Options of a Service. All fields without a stated default are required.
type Options struct {
	Pool *pgxpool.Pool
	// Read serves lists and exports, and may lag behind. nil: Pool.
	Read  *pgxpool.Pool
	Vault *vault.Vault
	// Decoder is needed by Decode alone, so in processes that run jobs.
	Decoder *heif.Decoder
	// Later hears of variants that were lost and take long (nil: nobody does).
	Later Later
	// Committed is called after each commit that wrote an event; it must not block.
	Committed func()
}

// Service holds the catalog. It is safe for concurrent use.
type Service struct {
	Options
	images    db.Rows[tagged]
	uploads   db.Rows[Upload]
	described db.Rows[described]
	measured  db.Rows[measured]
	columns   string // of a documentRow, but for its exif
}

// New makes a Service.
func New(o Options) *Service {
	if o.Committed == nil {
		o.Committed = func() {}
	}
	if o.Read == nil {
		o.Read = o.Pool
	}

	return &Service{
		Options: o, images: db.RowsOf[tagged]("images"), uploads: db.RowsOf[Upload]("uploads"),
		described: db.RowsOf[described]("images"), measured: db.RowsOf[measured]("images"),
		columns: db.RowsOf[image]("images").List("i.") + "," + documentTables,
	}
}

// Image is what serving a picture takes.
type Image struct {
	ID         uuid.UUID
	SHA256     [32]byte
	Format     imaging.Format
	Bytes      int64
	UploadedAt time.Time
}

// Fetch opens a picture, or its variant where width is one of vault.Widths, and
// says which picture it is.
func (s *Service) Fetch(ctx context.Context, id uuid.UUID, width int) (Image, blob.Blob, error) {
	for {
		img, err := s.Get(ctx, id)
		if err != nil {
			return Image{}, nil, err
		}
		content, err := s.open(ctx, img, width)
		// Each turn of the loop is another merge, and merges end.
		if !errors.Is(err, errMerged) {
			return img, content, err
		}
	}
}

const getQuery = `SELECT id, sha256, format, bytes, uploaded_at FROM images WHERE id = ` + mergedInto

// Get looks an image up. For a merged id it is the image that stays.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (Image, error) {
	var img Image
	var sum []byte
	err := s.Pool.QueryRow(ctx, getQuery, id).Scan(&img.ID, &sum, &img.Format, &img.Bytes, &img.UploadedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Image{}, ErrNotFound
	}
	if err != nil {
		return Image{}, fmt.Errorf("look up an image: %w", err)
	}
	copy(img.SHA256[:], sum)
	img.UploadedAt = img.UploadedAt.UTC()

	return img, nil
}

// Open opens the stored bytes of a picture.
func (s *Service) Open(ctx context.Context, img Image) (blob.Blob, error) { return s.open(ctx, img, 0) }

// open opens the stored bytes, or the variant of a width. It returns errMerged
// for an image that is out of date.
func (s *Service) open(ctx context.Context, img Image, width int) (content blob.Blob, err error) {
	if width == 0 {
		content, err = s.Vault.Open(ctx, img.SHA256)
	} else {
		content, err = s.Vault.Variant(ctx, img.SHA256, img.Format, width)
	}
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return nil, s.missing(ctx, img)
	case errors.Is(err, imaging.ErrNotReady):
		return nil, s.notDecoded(ctx, img)
	}

	return content, err
}

// missing tells a picture that was deleted or merged a moment ago from one whose
// bytes are lost.
func (s *Service) missing(ctx context.Context, img Image) error {
	now, err := s.Get(ctx, img.ID)
	if err != nil {
		return err
	}
	if now.ID != img.ID {
		return errMerged
	}

	return fmt.Errorf("the bytes of image %s are missing: %w", img.ID, blob.ErrNotFound)
}
