// Package gallery owns what happens to pictures after their upload: fetching
// them and their variants, listing, labels, and deletion.
//
// It promises that a list is read in pages that cost the same however deep they
// are, and a stream in memory that does not grow; that a deletion takes from
// the counters exactly what the picture had added; that no blob is removed that
// a picture, committed or about to be, is kept in (docs/adr/0002); and that an id
// whose picture was folded into another one stands for that one everywhere, also
// while it is being folded.
package gallery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/singleflight"

	"inlet/blob"
	"inlet/imaging"
	"inlet/problem"
)

// Failures that are the caller's. ErrFilter and ErrLabels are returned wrapped,
// with a detail that is fit to be shown.
var (
	ErrNotFound = problem.New(problem.NotFound, "there is no such picture")
	// ErrFolded says that an Image is no longer right: look it up again.
	ErrFolded = errors.New("the picture has just been folded into another one")
	ErrFilter = problem.New(problem.BadRequest, "the filter is malformed")
	ErrCursor = problem.New(problem.BadRequest, "the cursor is malformed")
	ErrLabels = problem.New(problem.BadRequest, "the labels are malformed")
	ErrWidth  = problem.New(problem.BadRequest, "the width must be 160, 320, 640 or 1280")
)

// Thumbnailer makes variants.
type Thumbnailer interface {
	Thumbnail(ctx context.Context, r io.ReaderAt, size int64, f imaging.Format, width int) ([]byte, error)
}

// Blobs is what pictures need of a blob store.
type Blobs interface {
	Open(ctx context.Context, k blob.Key) (blob.Blob, error)
	Put(ctx context.Context, k blob.Key, r io.Reader) error
	Removal
}

// Removal is what the removal of orphans needs of it.
type Removal interface {
	Claim(ctx context.Context, owner string) error
	Walk(ctx context.Context, olderThan time.Time, fn func(blob.Key) error) error
	Delete(ctx context.Context, k blob.Key) error
	// Lingers tells whether a Delete whose answer was lost may be carried out later.
	Lingers() bool
}

// Options of a Service. All fields without a stated default are required.
type Options struct {
	Pool *pgxpool.Pool
	// Read is asked for lists and exports; what it knows may lag behind. nil: Pool.
	Read        *pgxpool.Pool
	Blobs       Blobs
	Thumbnailer Thumbnailer
	// Decoder is needed by Decode alone, so in processes that run jobs.
	Decoder Decoder
	// Later is told of variants that were lost and take long (nil: nobody is).
	Later Later
	// Committed is called after each commit that wrote an event; it must not block.
	Committed func()
}

// Service holds the pictures. It is safe for concurrent use.
type Service struct {
	Options
	variants singleflight.Group
}

// New makes a Service.
func New(o Options) *Service {
	if o.Committed == nil {
		o.Committed = func() {}
	}
	if o.Read == nil {
		o.Read = o.Pool
	}
	return &Service{Options: o}
}

// Image is what is needed to serve a picture.
type Image struct {
	ID         uuid.UUID
	SHA256     [32]byte
	Format     imaging.Format
	Bytes      int64
	UploadedAt time.Time
}

// Fetch opens a picture, or where width is one of Widths the variant of it, and
// says which one it is.
func (s *Service) Fetch(ctx context.Context, id uuid.UUID, width int) (Image, blob.Blob, error) {
	for {
		img, err := s.Get(ctx, id)
		if err != nil {
			return Image{}, nil, err
		}
		var content blob.Blob
		if width == 0 {
			content, err = s.Open(ctx, img)
		} else {
			content, err = s.Variant(ctx, img, width)
		}
		// Each turn is another fold, and there is an end to those.
		if !errors.Is(err, ErrFolded) {
			return img, content, err
		}
	}
}

const getQuery = `SELECT id, sha256, format, bytes, uploaded_at FROM images WHERE id = ` + keptAs

// Get looks an image up. That of a folded id has the id under which it is kept.
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

// Open opens the stored bytes. It is ErrFolded when they are no longer kept.
func (s *Service) Open(ctx context.Context, img Image) (blob.Blob, error) {
	b, err := s.Blobs.Open(ctx, blob.ContentKey(img.SHA256))
	if errors.Is(err, blob.ErrNotFound) {
		return nil, s.missing(ctx, img)
	}
	return b, err
}

// missing tells a picture that was deleted or folded a moment ago from one whose
// blob is lost.
func (s *Service) missing(ctx context.Context, img Image) error {
	now, err := s.Get(ctx, img.ID)
	if err != nil {
		return err
	}
	if now.ID != img.ID {
		return ErrFolded
	}
	return fmt.Errorf("the bytes of image %s are missing: %w", img.ID, blob.ErrNotFound)
}
