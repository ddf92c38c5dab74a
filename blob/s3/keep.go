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
	// partSize is the size of the parts in which larger files are sent: what is
	// sent again when a connection breaks.
	partSize = 16 << 20
	// abortTime bounds the removal of the parts of a file that was not kept.
	abortTime = 3 * time.Second
	// rounds bounds how often an object is looked at again that others put and
	// delete at the same moment.
	rounds = 10
)

// The servers' names for what they are to check, and remember.
const (
	checksum          = "x-amz-checksum-sha256"
	checksumAlgorithm = "x-amz-checksum-algorithm"
)

var errRaced = errors.New("the object keeps changing")

// Keep makes the staged file durable under k. If k is there already, it is made
// sure that it is whole; so any number of Keeps of one key may run at once.
// Called again after the file was kept, it only looks whether it still is, and
// keeps it again if not.
func (s *Store) Keep(ctx context.Context, st *blob.Staged, k blob.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name, err := s.name(k)
	if err != nil {
		return err
	}
	if err := st.Err(); err != nil {
		return err
	}
	within, dog := watch(ctx)
	defer dog.end()
	if err := s.keep(within, st, name, dog); err != nil {
		return failed(ctx, "keep", err)
	}
	st.SetKeptAt(name)
	return nil
}

func (s *Store) keep(ctx context.Context, st *blob.Staged, name string, dog *watchdog) error {
	// Asking first is worth it for what was there a moment ago, and for what is
	// large. Everything else is mostly new, and the server says so if not.
	if st.KeptAt() == name || st.Size() > partSize {
		if there, err := s.holds(ctx, name, st.Size()); there || err != nil {
			return err
		}
	}
	isNew := true
	for round := range rounds {
		err := s.put(ctx, st, name, isNew, dog)
		if err == nil {
			return nil
		}
		// It may be there, or just be put or deleted by others. A server that has
		// it may close the connection before all of it is sent, and then the answer
		// is lost; so whatever has failed, this decides.
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
		// What is not whole is replaced, and at last whatever there may be: it is
		// never wrong to put what belongs under this name.
		isNew = isNew && gone && round < rounds/2
	}
	return errRaced
}

// pause lets others come to an end.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(100 * time.Millisecond)):
		return nil
	}
}

// Put makes the bytes of r durable under k, in place of what was there. Readers
// see the one or the other.
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
	within, dog := watch(ctx)
	defer dog.end()
	return failed(ctx, "put", s.replace(within, st, name, dog))
}

// replace sends the staged file, whatever is there. A server on a file system may
// just be removing the folder that the object is to be in.
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

// put sends the staged file; if it is to be new, only where nothing is.
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

// sendParts sends a large file. Nobody sees it before it is complete.
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
		// What cannot be removed now is debris, which the sweep removes.
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
	if isCode(err, minio.NoSuchUpload) { // a try whose answer was lost has done it
		if there, lookErr := s.holds(ctx, name, st.Size()); there && lookErr == nil {
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

// holds tells whether an object of this size is there.
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
