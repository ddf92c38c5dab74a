package registry

import (
	"context"
	"errors"
	"fmt"
	"image"
	"unsafe"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"inlet/blob"
	"inlet/catalog"
	"inlet/db"
	"inlet/imaging"
	"inlet/imaging/exif"
	"inlet/imaging/fingerprint"
	"inlet/learn/features"
)

const (
	putFeaturesQuery = `
		INSERT INTO features (image_id, extractor, vector, sensitive) VALUES ($1, $2, $3, $4)
		ON CONFLICT (image_id) DO UPDATE SET extractor = excluded.extractor, vector = excluded.vector,
			sensitive = excluded.sensitive, made_at = now()`

	missingQuery = `
		SELECT id FROM unnest($1::uuid[]) AS id
		 WHERE NOT EXISTS (SELECT FROM features f WHERE f.image_id = id AND f.extractor = $2)`

	vectorsQuery = `SELECT image_id, vector FROM features WHERE image_id = ANY($1) AND extractor = $2 AND vector IS NOT NULL`

	// sensitiveFrom is the score from which a picture is flagged for review.
	sensitiveFrom = 0.5
)

// Describe makes the features of a picture, unless it has them, and predicts with the
// serving model. A picture that cannot be decoded has none. Describe returns
// imaging.ErrNotReady for a picture of a slow format that has not been decoded yet.
func (s *Service) Describe(ctx context.Context, id ID) error {
	known, err := s.Vectors(ctx, []ID{id})
	if err != nil {
		return err
	}
	if vector, made := known[id]; made { // by another job, or by one that died before the end
		return s.predictNew(ctx, id, vector)
	}

	img, content, err := s.Catalog.Fetch(ctx, id, 0)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && img.ID != id { // deleted or merged meanwhile
		if err == nil {
			content.Close()
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer content.Close()

	small, err := s.small(ctx, img, content)
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return nil
	case errors.Is(err, imaging.ErrUndecodable), errors.Is(err, imaging.ErrTooManyPixels):
		return s.save(ctx, id, nil, 0)
	case err != nil:
		return err
	}

	f, err := s.extract(ctx, img, small)
	if err != nil {
		return err
	}
	if f.Sensitive >= sensitiveFrom {
		if err := s.Catalog.Flag(ctx, id, "sensitive"); err != nil {
			return err
		}
	}
	if err := s.save(ctx, id, f.Vector, f.Sensitive); err != nil {
		return err
	}

	return s.predictNew(ctx, id, f.Vector)
}

// slowWidth is the variant that stands for a picture of a slow format.
const slowWidth = 640

// small reads the picture in the size that features take.
func (s *Service) small(ctx context.Context, img catalog.Image, content blob.Blob) (*image.RGBA, error) {
	small, err := s.Reader.Small(ctx, content, content.Size(), img.Format)
	if !errors.Is(err, imaging.ErrNotReady) {
		return small, err
	}

	_, variant, err := s.Catalog.Fetch(ctx, img.ID, slowWidth)
	if err != nil {
		return nil, err
	}
	defer variant.Close()

	return s.Reader.Small(ctx, variant, variant.Size(), imaging.JPEG)
}

// extract makes the features, and the quality of a picture that was stored before
// pictures had one.
func (s *Service) extract(ctx context.Context, img catalog.Image, small *image.RGBA) (features.Features, error) {
	numbers, known, err := s.Catalog.QualityNumbers(ctx, img.ID)
	if err != nil {
		return features.Features{}, err
	}
	if !known {
		quality := imaging.QualityOf(fingerprint.New(small, fingerprint.Frame{
			Width: img.Width, Height: img.Height, Scale: 1, Side: fingerprint.Side,
		}), exif.Metadata{})
		if err := s.Catalog.SetQuality(ctx, img.ID, quality); err != nil {
			return features.Features{}, err
		}
		numbers = quality.Numbers()
	}

	f, err := s.Extractor.Extract(ctx, small, numbers, func() { s.Yield(ctx) })
	if err != nil {
		return features.Features{}, fmt.Errorf("features of image %s: %w", img.ID, err)
	}

	return f, nil
}

// save stores features; a nil vector says that there are none.
func (s *Service) save(ctx context.Context, id ID, vector []int8, sensitive float32) error {
	_, err := s.Pool.Exec(ctx, putFeaturesQuery, id, s.Extractor.Version(), asBytes(vector), sensitive)
	if err != nil && !db.Gone(err) { // deleted meanwhile
		return fmt.Errorf("store features of image %s: %w", id, err)
	}

	return nil
}

// FillFeatures enqueues the features of pictures that have none of the extractor's
// version: those that were stored by an earlier release, and those whose job was
// lost. It returns how many it enqueued, the newest first and at most limit.
func (s *Service) FillFeatures(ctx context.Context, limit int) (n int, err error) {
	enough := errors.New("enough")
	err = s.Catalog.EachBatch(ctx, catalog.Filter{}, func(ids []uuid.UUID) error {
		missing, err := db.Collect[uuid.UUID](ctx, s.Pool, missingQuery, ids, s.Extractor.Version())
		if err != nil {
			return fmt.Errorf("look for pictures without features: %w", err)
		}
		missing = missing[:min(len(missing), limit-n)]
		if err := s.Later.Features(ctx, missing); err != nil {
			return err
		}
		if n += len(missing); n == limit {
			return enough
		}

		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}

	return n, err
}

// Vectors returns the vectors of pictures; those without features are not in it. They
// share one piece of memory.
func (s *Service) Vectors(ctx context.Context, ids []ID) (map[ID][]int8, error) {
	rows, err := s.Pool.Query(ctx, vectorsQuery, ids, s.Extractor.Version())
	if err != nil {
		return nil, fmt.Errorf("read features: %w", err)
	}

	vectors, dims := make(map[ID][]int8, len(ids)), s.Extractor.Dims()
	shared := make([]int8, 0, len(ids)*dims)
	var id uuid.UUID
	var vector pgtype.DriverBytes // valid until the next row
	_, err = pgx.ForEachRow(rows, []any{&id, &vector}, func() error {
		if len(vector) == dims && len(vectors) < len(ids) {
			start := len(shared)
			shared = append(shared, asInts(vector)...)
			vectors[id] = shared[start:len(shared):len(shared)]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read features: %w", err)
	}

	return vectors, nil
}

// asBytes is a vector as Postgres stores it; it shares the memory.
func asBytes(v []int8) []byte {
	if v == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

// asInts is the opposite of asBytes.
func asInts(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}
