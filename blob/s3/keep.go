package s3

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"inlet/blob"
)

const (
	// partSize is the size of the parts of larger files: a broken connection repeats
	// one part.
	partSize = 16 << 20
	// abortTime bounds the removal of the parts of a file that was not completed.
	abortTime = 3 * time.Second
	// rounds bounds the attempts to put an object that other processes put and delete
	// at the same time.
	rounds = 10
)

// Names of the metadata by which the server checks and stores a SHA-256.
const (
	checksum          = "x-amz-checksum-sha256"
	checksumAlgorithm = "x-amz-checksum-algorithm"
)

var errRaced = errors.New("the object keeps changing")

// Keep stores the staged file durably under k. If k exists, Keep ensures that it
// is whole; so any number of Keeps of one key may run at once. A second Keep of
// the same staged file only checks that the store still has it, and stores it
// again if not.
func (s *Store) Keep(ctx context.Context, st *blob.Staged, k blob.Key) error {
	name, err := s.name(k)
	if err == nil {
		err = st.Err()
	}
	if err != nil {
		return err
	}

	err = attempt(ctx, "keep", func(ctx context.Context, dog *watchdog) error { return s.keep(ctx, st, name, dog) })
	if err == nil {
		st.SetKeptAt(name)
	}
	return err
}

func (s *Store) keep(ctx context.Context, st *blob.Staged, name string, dog *watchdog) error {
	// A look-up pays for a file that was kept before and for a large one. Most others
	// are new, and the conditional put finds those that are not.
	if st.KeptAt() == name || st.Size() > partSize {
		if found, err := s.holds(ctx, name, st.Size()); found || err != nil {
			return err
		}
	}

	isNew := true
	for round := range rounds {
		err := s.put(ctx, st, name, isNew, dog)
		if err == nil {
			return nil
		}

		// The object may exist, or other processes may be putting or deleting it. A
		// server that has it may close the connection before it has read everything,
		// and then the answer is lost. So the look-up decides, whatever the error.
		size, lookErr := s.size(ctx, name)
		gone := isCode(lookErr, minio.NoSuchKey)
		switch {
		case lookErr == nil && size == st.Size():
			return nil
		case !isTaken(err):
			return err
		case gone:
			lookErr = pause(ctx)
		}
		if lookErr != nil {
			return lookErr
		}

		// Replace an incomplete object and, in the later rounds, any: these are the
		// bytes that belong under this name.
		isNew = isNew && gone && round < rounds/2
	}
	return errRaced
}

// pause waits a moment for other processes to finish.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(100 * time.Millisecond)):
		return nil
	}
}

// Put stores the bytes of r durably under k and replaces an existing object.
// Readers see either the old or the new one.
func (s *Store) Put(ctx context.Context, k blob.Key, r io.Reader) error {
	name, err := s.name(k)
	if err != nil {
		return err
	}

	st, err := s.Stage(ctx)
	if err != nil {
		return err
	}
	defer st.Discard()

	if _, err := st.ReadFrom(r); err != nil {
		return failed(ctx, "put", err)
	}
	return attempt(ctx, "put", func(ctx context.Context, dog *watchdog) error { return s.replace(ctx, st, name, dog) })
}

// replace puts the staged file, whether the object exists or not. It tries again,
// because a server on a file system may just be removing the object's folder.
func (s *Store) replace(ctx context.Context, st *blob.Staged, name string, dog *watchdog) error {
	for range rounds {
		err := s.put(ctx, st, name, false, dog)
		if !isTaken(err) {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return errRaced
}

// put sends the staged file; with isNew it fails if the object exists.
func (s *Store) put(ctx context.Context, st *blob.Staged, name string, isNew bool, dog *watchdog) error {
	var o minio.PutObjectOptions
	// The server checks the body against the sum in its signature.
	o.DisableContentSha256 = true

	conditional := isNew && !s.plain.Load()
	if conditional {
		o.SetMatchETagExcept("*")
	}
	err := s.send(ctx, st, name, o, dog)
	if conditional && isUnsupported(err) {
		s.plain.Store(true)
		return s.put(ctx, st, name, false, dog)
	}
	return err
}

func (s *Store) send(ctx context.Context, st *blob.Staged, name string, o minio.PutObjectOptions, dog *watchdog) error {
	if st.Size() > partSize {
		return s.sendParts(ctx, st, name, o, dog)
	}

	sum := st.Sum()
	o.UserMetadata = map[string]string{checksum: base64.StdEncoding.EncodeToString(sum[:])}
	return send(st, 0, st.Size(), dog, func(r io.Reader) error {
		_, err := s.client.PutObject(ctx, s.bucket, name, r, st.Size(), "", hex.EncodeToString(sum[:]), o)
		return err
	})
}

// sendParts sends a large file, whose object appears once it is complete.
func (s *Store) sendParts(ctx context.Context, st *blob.Staged, name string, o minio.PutObjectOptions, dog *watchdog) (err error) {
	begin := minio.PutObjectOptions{UserMetadata: map[string]string{checksumAlgorithm: "SHA256"}}
	id, err := s.client.NewMultipartUpload(ctx, s.bucket, name, begin)
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			return
		}

		// SweepStaging removes what this leaves.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
		defer cancel()
		_ = s.client.AbortMultipartUpload(ctx, s.bucket, name, id)
	}()

	var parts []minio.CompletePart
	for off := int64(0); off < st.Size(); off += partSize {
		part, err := s.sendPart(ctx, st, name, id, off, dog)
		if err != nil {
			return err
		}
		parts = append(parts, part)
	}

	dog.progress()
	_, err = s.client.CompleteMultipartUpload(ctx, s.bucket, name, id, parts, o)
	if isCode(err, minio.NoSuchUpload) { // an attempt whose answer was lost completed it
		if found, lookErr := s.holds(ctx, name, st.Size()); found && lookErr == nil {
			return nil
		}
	}
	return err
}

func (s *Store) sendPart(ctx context.Context, st *blob.Staged, name, id string, off int64, dog *watchdog) (minio.CompletePart, error) {
	size := min(partSize, st.Size()-off)
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(st, off, size)); err != nil {
		return minio.CompletePart{}, err
	}

	sum := hash.Sum(nil)
	var part minio.ObjectPart
	err := send(st, off, size, dog, func(r io.Reader) (err error) {
		part, err = s.client.PutObjectPart(ctx, s.bucket, name, id, int(off/partSize)+1, r, size, minio.PutObjectPartOptions{
			Sha256Hex: hex.EncodeToString(sum), DisableContentSha256: true,
			CustomHeader: http.Header{http.CanonicalHeaderKey(checksum): {base64.StdEncoding.EncodeToString(sum)}},
		})
		return err
	})
	return minio.CompletePart{PartNumber: part.PartNumber, ETag: part.ETag, ChecksumSHA256: part.ChecksumSHA256}, err
}

// holds tells whether the object exists with this size.
func (s *Store) holds(ctx context.Context, name string, size int64) (bool, error) {
	got, err := s.size(ctx, name)
	if isCode(err, minio.NoSuchKey) {
		return false, nil
	}
	return got == size, err
}

func (s *Store) size(ctx context.Context, name string) (int64, error) {
	info, err := s.client.StatObject(ctx, s.bucket, name, minio.StatObjectOptions{})
	return info.Size, err
}
