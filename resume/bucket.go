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
	// pieceSize bounds a piece: what a request holds, in memory if there is room,
	// and what a client sends again when a process dies.
	pieceSize = 8 << 20
	// joinedSize bounds a piece that is joined from small ones.
	joinedSize = 1 << 20
)

// Bucket is a Store in a bucket, which all processes share:
//
//	tus/<id>/info           the upload's length and metadata
//	tus/<id>/<begin>-<end>  a piece: some of its bytes
//
// An upload goes on where its pieces, read from 0, have their first gap. A piece
// never changes, and goes only when a larger one holds its bytes. So a late writer,
// such as a process that was stopped or a request whose answer was lost, takes
// nothing away. A server needs no conditions for that: it lists what was put.
type Bucket struct{ folder s3.Folder }

// OpenBucket opens the store in the folder tus of the blob store.
func OpenBucket(store *s3.Store) *Bucket { return &Bucket{store.Folder("tus")} }

// NewUpload implements handler.DataStore.
func (b *Bucket) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	text, err := json.Marshal(info)
	if err != nil {
		return nil, err
	}
	return &pieces{Bucket: b, info: info}, b.put(ctx, infoName(info.ID), bytes.NewReader(text))
}

// GetUpload implements handler.DataStore.
func (b *Bucket) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	u := &pieces{Bucket: b}
	var info s3.Object
	for o, err := range b.folder.List(ctx, id+"/") {
		if err != nil {
			return nil, err
		}
		if o.Name == infoName(id) {
			info = o
		} else if p, ok := pieceOf(id, o); ok && p.begin <= u.offset() && p.end > u.offset() {
			u.all = append(u.all, p)
		}
	}
	if info.Name == "" {
		return nil, handler.ErrNotFound
	}

	text := b.folder.Open(ctx, info)
	defer text.Close()
	switch err := json.NewDecoder(text).Decode(&u.info); {
	case errors.Is(err, blob.ErrNotFound):
		return nil, handler.ErrNotFound
	case err != nil:
		return nil, err
	}

	return u, nil
}

// Older implements Store.
func (b *Bucket) Older(ctx context.Context, t time.Time) ([]string, error) {
	written := ages{}
	for o, err := range b.folder.List(ctx, "") {
		if err != nil {
			return nil, failed("list uploads", err)
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
			return failed("remove an upload", err)
		}
		names = append(names, o.Name)
	}

	return failed("remove an upload", b.folder.Remove(ctx, names...))
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

func infoName(id string) string { return id + "/info" }

// piece is a range of an upload's bytes, in one object.
type piece struct{ begin, end int64 }

func (p piece) size() int64 { return p.end - p.begin }

// name makes a server list pieces in the order of their bytes.
func (p piece) name(id string) string { return fmt.Sprintf("%s/%019d-%019d", id, p.begin, p.end) }

// pieceOf reads an object's name; ok tells whether the object is a piece.
func pieceOf(id string, o s3.Object) (p piece, ok bool) {
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

func (u *pieces) GetInfo(context.Context) (handler.FileInfo, error) {
	info := u.info
	info.Offset = u.offset()
	return info, nil
}

func (u *pieces) GetReader(ctx context.Context) (io.ReadCloser, error) {
	return u.read(ctx, u.all), nil
}

func (u *pieces) FinishUpload(context.Context) error { return nil }

// WriteChunk implements handler.Upload. It stores also what comes before a body
// breaks off.
func (u *pieces) WriteChunk(ctx context.Context, offset int64, src io.Reader) (total int64, err error) {
	for {
		n, err := u.writePiece(ctx, offset+total, io.LimitReader(src, pieceSize))
		total += n
		if n < pieceSize || err != nil {
			return total, err
		}
	}
}

// writePiece stores all of src, and returns how much that is.
func (u *pieces) writePiece(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	st, err := u.folder.Stage(ctx)
	if err != nil {
		return 0, err
	}
	defer st.Discard()

	n, readErr := st.ReadFrom(src)
	if n == 0 {
		return 0, readErr
	}
	if err := u.add(ctx, st, offset); err != nil {
		return 0, errors.Join(readErr, err)
	}

	return n, readErr
}

// add puts a piece, joined with the small ones before it: all that are less than
// twice as large as what follows them. So a MiB has some ten pieces at the worst,
// however few bytes a client sends at a time, and each time that a byte is put again
// its piece is half as large again, at least.
func (u *pieces) add(ctx context.Context, st *blob.Staged, offset int64) error {
	p, n := piece{offset, offset + st.Size()}, len(u.all)
	for ; n > 0 && u.all[n-1].size() < 2*p.size() && p.end-u.all[n-1].begin <= joinedSize; n-- {
		p.begin = u.all[n-1].begin
	}

	var joined []string
	for _, old := range u.all[n:] {
		joined = append(joined, old.name(u.info.ID))
	}
	if len(joined) == 0 {
		if err := u.folder.Put(ctx, p.name(u.info.ID), st); err != nil {
			return err
		}
		u.all = append(u.all, p)
		return nil
	}

	before := u.read(ctx, u.all[n:])
	defer before.Close()
	if err := u.put(ctx, p.name(u.info.ID), io.MultiReader(before, io.NewSectionReader(st, 0, st.Size()))); err != nil {
		return err
	}
	u.all = append(u.all[:n], p)
	_ = u.folder.Remove(ctx, joined...) // what stays does no harm, and goes with the upload

	return nil
}

// read reads pieces one after the other, each byte once.
func (u *pieces) read(ctx context.Context, some []piece) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	var parts []io.Reader
	for i, p := range some {
		part := u.folder.Open(ctx, s3.Object{Name: p.name(u.info.ID), Size: p.size()})
		if i > 0 {
			_, _ = part.Seek(some[i-1].end-p.begin, io.SeekStart) // asks nobody, cannot fail
		}
		parts = append(parts, part)
	}

	return reader{io.MultiReader(parts...), cancel}
}

// reader ends what is being read when it is closed.
type reader struct {
	io.Reader
	end context.CancelFunc
}

func (r reader) Close() error {
	r.end()
	return nil
}
