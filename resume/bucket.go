package resume

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"

	"inlet/blob"
	"inlet/blob/s3"
)

const (
	// pieceSize is how much of a body is put at once: what is sent again when a
	// process is killed, and what is held meanwhile, in memory if there is room.
	pieceSize = 8 << 20
	// joinedSize is up to which size small pieces are put together.
	joinedSize = 1 << 20
)

// Bucket is a Store in a bucket, which all processes share:
//
//	tus/<id>/info           what the upload is
//	tus/<id>/<begin>-<end>  some of its bytes
//
// An upload goes on where its pieces, read from 0, have their first gap. A piece
// never changes, and is removed only when a larger one holds its bytes. So whoever
// writes late, as a process that was stopped or a request whose answer was lost,
// takes nothing away, on any server: it needs no conditions of it, only that what
// was put is listed.
type Bucket struct {
	folder s3.Folder
}

// OpenBucket opens the store in the folder tus of the blob store.
func OpenBucket(store *s3.Store) *Bucket { return &Bucket{store.Folder("tus")} }

// NewUpload implements handler.DataStore.
func (b *Bucket) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	text, err := json.Marshal(info)
	if err != nil {
		return nil, err
	}
	if err := b.put(ctx, aboutName(info.ID), bytes.NewReader(text)); err != nil {
		return nil, err
	}
	return &pieces{Bucket: b, info: info}, nil
}

// GetUpload implements handler.DataStore.
func (b *Bucket) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	u := &pieces{Bucket: b}
	var about s3.Object
	for o, err := range b.folder.List(ctx, id+"/") {
		if err != nil {
			return nil, err
		}
		if o.Name == aboutName(id) {
			about = o
		} else if p, ok := listed(id, o); ok && p.begin <= u.offset() && p.end > u.offset() {
			u.all = append(u.all, p)
		}
	}
	if about.Name == "" {
		return nil, handler.ErrNotFound
	}
	text := b.folder.Open(ctx, about)
	defer text.Close()
	err := json.NewDecoder(text).Decode(&u.info)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, handler.ErrNotFound
	}
	return u, err
}

// Older implements Store.
func (b *Bucket) Older(ctx context.Context, t time.Time) ([]string, error) {
	written := ages{}
	for o, err := range b.folder.List(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("resume: list uploads: %w", err)
		}
		id, _, _ := strings.Cut(o.Name, "/")
		written.note(id, o.Modified)
	}
	return written.before(t), nil
}

// Remove implements Store.
func (b *Bucket) Remove(ctx context.Context, id string) error {
	var names []string
	for o, err := range b.folder.List(ctx, id+"/") {
		if err != nil {
			return fmt.Errorf("resume: remove an upload: %w", err)
		}
		names = append(names, o.Name)
	}
	if err := b.folder.Remove(ctx, names...); err != nil {
		return fmt.Errorf("resume: remove an upload: %w", err)
	}
	return nil
}

func (b *Bucket) put(ctx context.Context, name string, r io.Reader) error {
	st, err := b.folder.Stage(ctx)
	if err != nil {
		return err
	}
	defer st.Discard()
	if _, err := st.ReadFrom(r); err != nil {
		return err
	}
	return b.folder.Put(ctx, name, st)
}

func aboutName(id string) string { return id + "/info" }

// piece is a range of an upload's bytes, kept as one object.
type piece struct{ begin, end int64 }

func (p piece) size() int64 { return p.end - p.begin }

// name is such that pieces are listed in the order of their bytes.
func (p piece) name(id string) string { return fmt.Sprintf("%s/%019d-%019d", id, p.begin, p.end) }

// listed is the piece that an object is, if it is one.
func listed(id string, o s3.Object) (p piece, ok bool) {
	_, err := fmt.Sscanf(strings.TrimPrefix(o.Name, id+"/"), "%d-%d", &p.begin, &p.end)
	return p, err == nil && p.name(id) == o.Name && p.size() == o.Size
}

// pieces is an upload in a Bucket.
type pieces struct {
	*Bucket
	info handler.FileInfo
	all  []piece // by begin, without a gap; they may overlap
}

// offset is where the upload goes on.
func (u *pieces) offset() int64 {
	if len(u.all) == 0 {
		return 0
	}
	return u.all[len(u.all)-1].end
}

// GetInfo implements handler.Upload.
func (u *pieces) GetInfo(context.Context) (handler.FileInfo, error) {
	info := u.info
	info.Offset = u.offset()
	return info, nil
}

// GetReader implements handler.Upload.
func (u *pieces) GetReader(ctx context.Context) (io.ReadCloser, error) {
	return u.read(ctx, u.all), nil
}

// FinishUpload implements handler.Upload: nothing is left to be done.
func (u *pieces) FinishUpload(context.Context) error { return nil }

// WriteChunk implements handler.Upload. What comes is kept also when the body
// breaks off.
func (u *pieces) WriteChunk(ctx context.Context, offset int64, src io.Reader) (total int64, err error) {
	for {
		n, err := u.take(ctx, offset+total, io.LimitReader(src, pieceSize))
		total += n
		if n < pieceSize || err != nil {
			return total, err
		}
	}
}

// take keeps what src gives, and returns how much that is.
func (u *pieces) take(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	st, err := u.folder.Stage(ctx)
	if err != nil {
		return 0, err
	}
	defer st.Discard()
	n, readErr := st.ReadFrom(src)
	if n == 0 {
		return 0, readErr
	}
	if err := u.keep(ctx, st, offset); err != nil {
		return 0, errors.Join(readErr, err)
	}
	return n, readErr
}

// keep puts what has arrived, together with small pieces before it: all that are
// less than twice as large as what follows. So there are some ten pieces for a MiB
// at the worst, however few bytes a client sends at a time, and each time that a
// byte is put again its piece is half as large again, at least.
func (u *pieces) keep(ctx context.Context, st *blob.Staged, offset int64) error {
	p, n := piece{offset, offset + st.Size()}, len(u.all)
	for ; n > 0 && u.all[n-1].size() < 2*p.size() && p.end-u.all[n-1].begin <= joinedSize; n-- {
		p.begin = u.all[n-1].begin
	}
	joined := u.all[n:]
	if len(joined) == 0 {
		if err := u.folder.Put(ctx, p.name(u.info.ID), st); err != nil {
			return err
		}
		u.all = append(u.all, p)
		return nil
	}
	before := u.read(ctx, joined)
	defer before.Close()
	if err := u.put(ctx, p.name(u.info.ID), io.MultiReader(before, io.NewSectionReader(st, 0, st.Size()))); err != nil {
		return err
	}
	var names []string
	for _, old := range joined {
		names = append(names, old.name(u.info.ID))
	}
	u.all = append(u.all[:n], p)
	// What cannot be removed now does no harm, and goes with the upload.
	_ = u.folder.Remove(ctx, names...)
	return nil
}

func (u *pieces) read(ctx context.Context, some []piece) io.ReadCloser {
	r := &reader{pieces: some, open: func(p piece) blob.Blob {
		return u.folder.Open(ctx, s3.Object{Name: p.name(u.info.ID), Size: p.size()})
	}}
	if len(some) > 0 {
		r.at = some[0].begin
	}
	return r
}

// reader reads pieces one after the other.
type reader struct {
	open   func(piece) blob.Blob
	pieces []piece // still to be opened
	at     int64   // where in the upload
	from   blob.Blob
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for {
		if r.from == nil && len(r.pieces) == 0 {
			return 0, io.EOF
		}
		if r.from == nil {
			r.from = r.open(r.pieces[0])
			if _, err := r.from.Seek(r.at-r.pieces[0].begin, io.SeekStart); err != nil {
				return 0, err
			}
			r.pieces = r.pieces[1:]
		}
		n, err := r.from.Read(p)
		r.at += int64(n)
		if err == io.EOF { //nolint:errorlint // a failure may wrap one: then the server sent too little
			err = r.Close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close ends what is being read.
func (r *reader) Close() (err error) {
	if r.from != nil {
		err = r.from.Close()
		r.from = nil
	}
	return err
}
