package registry

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"inlet/blob"
	"inlet/catalog"
	"inlet/db"
	"inlet/imaging"
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

	storedQuery = `SELECT extractor, vector FROM features WHERE image_id = $1`

	vectorsQuery = `SELECT image_id, vector FROM features WHERE image_id = ANY($1) AND extractor = $2 AND vector IS NOT NULL`

	// sensitiveFrom is the score from which a picture is flagged for review.
	sensitiveFrom = 0.5
)

// Describe makes the features of a picture, unless it has them, and predicts with the
// serving model. A picture that cannot be decoded has none. Describe returns
// imaging.ErrNotReady for a picture of a slow format that has not been decoded yet.
func (s *Service) Describe(ctx context.Context, id ID) error {
	version, vector, err := s.stored(ctx, id)
	switch {
	case err != nil, features.Outranks(version, s.Extractor.Version()):
		return err
	case version == s.Extractor.Version() && len(vector) == s.Extractor.Dims(): // of a job that died before the end
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
		if err := s.Catalog.FlagUndecodable(ctx, id); err != nil {
			return err
		}
		return s.save(ctx, id, nil, 0)
	case err != nil:
		return err
	}

	numbers, err := s.quality(ctx, img, content)
	if err != nil {
		return err
	}
	f, err := s.Extractor.Extract(ctx, small, numbers, s.yielding(ctx))
	if err != nil {
		return fmt.Errorf("features of image %s: %w", id, err)
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

// GiveUp stores that a picture has no features, after Describe has failed again and
// again.
func (s *Service) GiveUp(ctx context.Context, id ID) error { return s.save(ctx, id, nil, 0) }

// stored reads what is stored of a picture; empty where nothing is.
func (s *Service) stored(ctx context.Context, id ID) (version string, vector []int8, err error) {
	var raw []byte
	err = s.Pool.QueryRow(ctx, storedQuery, id).Scan(&version, &raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("read features: %w", err)
	}

	return version, asInts(raw), nil
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

// quality returns the quality numbers of a picture. One that was stored before
// pictures had any is inspected as at an upload.
func (s *Service) quality(ctx context.Context, img catalog.Image, content blob.Blob) ([6]float32, error) {
	numbers, known, err := s.Catalog.QualityNumbers(ctx, img.ID)
	if err != nil || known {
		return numbers, err
	}

	info, err := s.Reader.Inspect(ctx, content, content.Size(), img.Format)
	if err != nil {
		return numbers, fmt.Errorf("inspect image %s: %w", img.ID, err)
	}
	if err := s.Catalog.SetQuality(ctx, img.ID, info.Quality); err != nil {
		return numbers, err
	}

	return info.Quality.Numbers(), nil
}

// yieldMost bounds how long a picture's features let uploads go first.
const yieldMost = time.Second

// yielding lets uploads go first between the steps of an extraction.
func (s *Service) yielding(ctx context.Context) func() {
	var waited time.Duration

	return func() {
		if waited < yieldMost {
			start := time.Now()
			s.Yield(ctx)
			waited += time.Since(start)
		}
	}
}

// save stores features; a nil vector says that there are none.
func (s *Service) save(ctx context.Context, id ID, vector []int8, sensitive float32) error {
	_, err := s.Pool.Exec(ctx, putFeaturesQuery, id, s.Extractor.Version(), asBytes(vector), sensitive)
	if err != nil && !db.Gone(err) { // deleted meanwhile
		return fmt.Errorf("store features of image %s: %w", id, err)
	}

	return nil
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
