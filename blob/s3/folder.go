package s3

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"inlet/blob"
)

// Folder holds objects beside the pictures, under names that are of its user's
// making. It promises what the Store does; of putting, looking and removing at the
// same moment the order is the server's.
type Folder struct {
	store  *Store
	prefix string
}

// Object is what is listed of one.
type Object struct {
	Name     string // within the folder
	Size     int64
	Modified time.Time // by the server's clock
}

// Folder is the folder of that name, which needs no making.
func (s *Store) Folder(name string) Folder { return Folder{s, s.prefix + name + "/"} }

// Stage begins what is to be put. The caller must Discard it.
func (f Folder) Stage(ctx context.Context) (*blob.Staged, error) { return f.store.Stage(ctx) }

// Put makes what was staged durable under a name, in place of what was there.
func (f Folder) Put(ctx context.Context, name string, st *blob.Staged) error {
	if err := st.Err(); err != nil {
		return err
	}
	within, dog := watch(ctx)
	defer dog.end()
	return failed(ctx, "put", f.store.replace(within, st, f.prefix+name, dog))
}

// Open reads an object that was listed, for as long as ctx lasts. The server is
// asked when it is read: that there is none any more comes out then.
func (f Folder) Open(ctx context.Context, o Object) blob.Blob {
	return f.store.object(ctx, f.prefix+o.Name, "", o.Size)
}

// List lists the objects whose names begin with prefix, by name. An error is the
// last it gives; without one the list is whole.
func (f Folder) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		within, dog := watch(ctx)
		defer dog.end()
		for o := range f.store.list(within, f.prefix+prefix) {
			dog.progress()
			listed := Object{strings.TrimPrefix(o.Key, f.prefix), o.Size, o.LastModified}
			if !yield(listed, failed(ctx, "list", o.Err)) || o.Err != nil {
				return
			}
		}
		if err := failed(ctx, "list", within.Err()); err != nil {
			yield(Object{}, err)
		}
	}
}

// Remove removes objects, a thousand by one request. One that is not there is
// fine.
func (f Folder) Remove(ctx context.Context, names ...string) error {
	within, dog := watch(ctx)
	defer dog.end()
	results, err := f.store.client.RemoveObjectsWithIter(within, f.store.bucket, func(yield func(minio.ObjectInfo) bool) {
		for _, name := range names {
			if !yield(minio.ObjectInfo{Key: f.prefix + name}) {
				return
			}
		}
	}, minio.RemoveObjectsOptions{})
	if err != nil {
		return failed(ctx, "remove", err)
	}
	for r := range results {
		dog.progress()
		if r.Err != nil && !isCode(r.Err, minio.NoSuchKey) {
			return failed(ctx, "remove", r.Err)
		}
	}
	return failed(ctx, "remove", within.Err())
}
