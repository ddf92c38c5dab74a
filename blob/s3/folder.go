package s3

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"inlet/blob"
)

// Folder holds objects beside the pictures, under names that its user chooses. It
// promises what the Store does; the server decides the order of concurrent calls.
type Folder struct {
	store  *Store
	prefix string
}

// Object is a listed object of a Folder.
type Object struct {
	Name     string // within the folder
	Size     int64
	Modified time.Time // by the server's clock
}

// Folder returns the folder of that name, which nobody has to create.
func (s *Store) Folder(name string) Folder { return Folder{s, s.prefix + name + "/"} }

// Stage begins a file for Put. The caller must Discard it.
func (f Folder) Stage(ctx context.Context) (*blob.Staged, error) { return f.store.Stage(ctx) }

// Put stores the staged file durably under a name and replaces an existing object.
func (f Folder) Put(ctx context.Context, name string, st *blob.Staged) error {
	if err := st.Err(); err != nil {
		return err
	}
	return attempt(ctx, "put", func(ctx context.Context, dog *watchdog) error {
		return f.store.replace(ctx, st, f.prefix+name, dog)
	})
}

// Open opens a listed object for reading until ctx ends. It does not ask the
// server: a read returns ErrNotFound if the object is gone.
func (f Folder) Open(ctx context.Context, o Object) blob.Blob {
	return f.store.object(ctx, f.prefix+o.Name, "", o.Size)
}

// List lists by name the objects whose names begin with prefix. It ends with the
// first error and yields it; without one the list is complete.
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

// Remove removes objects, a thousand by one request. It does not fail for one that
// is missing.
func (f Folder) Remove(ctx context.Context, names ...string) error {
	return attempt(ctx, "remove", func(ctx context.Context, dog *watchdog) error {
		objects := func(yield func(minio.ObjectInfo) bool) {
			for _, name := range names {
				if !yield(minio.ObjectInfo{Key: f.prefix + name}) {
					return
				}
			}
		}

		results, err := f.store.client.RemoveObjectsWithIter(ctx, f.store.bucket, objects, minio.RemoveObjectsOptions{})
		if err != nil {
			return err
		}

		for r := range results {
			dog.progress()
			if r.Err != nil && !isCode(r.Err, minio.NoSuchKey) {
				return r.Err
			}
		}
		return ctx.Err()
	})
}
