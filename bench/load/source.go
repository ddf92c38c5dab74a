package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"inlet/bench/photo"
)

// file is a picture to send.
type file struct {
	name string
	sum  [32]byte
	size int64
	// work is the picture that the file shows. Inlet may match two files of one
	// work, and must not match files of different works.
	work work
	// again: the service acknowledged these bytes before.
	again bool
	open  func() (io.ReadCloser, error)
}

// work is a picture, independent of its file.
type work struct {
	album   int // -1: of a folder, so anything may match
	number  uint64
	recoded bool
}

// same is the work without its encoding, equal for all copies.
func (w work) same() work {
	w.recoded = false
	return w
}

// source makes the next file for a user.
type source interface {
	next(rnd *rand.Rand) (file, error)
}

// generated makes new pictures, and repeats or copies of acknowledged ones.
type generated struct {
	o      options
	albums []*photo.Album
	known  *ledger
	number atomic.Uint64
}

func newGenerated(o options, known *ledger) (*generated, error) {
	g := &generated{o: o, known: known}
	for i, w := range o.sizes {
		album, err := photo.NewAlbum(int(w.size), o.seed+uint64(i))
		if err != nil {
			return nil, err
		}

		g.albums = append(g.albums, album)
	}

	return g, nil
}

func (g *generated) next(rnd *rand.Rand) (file, error) {
	w, found := g.known.any(rnd)
	switch chance := share(rnd.Float64()); {
	case found && chance < g.o.repeats:
	case found && chance < g.o.repeats+g.o.recoded:
		w.recoded = true
	default:
		w = work{album: g.o.sizes.pick(rnd), number: g.number.Add(1)}
	}

	return g.file(w), nil
}

// file makes a work's file. Reading it joins the pieces.
func (g *generated) file(w work) file {
	pieces := g.albums[w.album].Picture(g.o.seed, w.number, w.recoded)
	f := file{name: fmt.Sprintf("%d.jpg", w.number), work: w}
	h := sha256.New()
	for _, piece := range pieces {
		h.Write(piece)
		f.size += int64(len(piece))
	}

	h.Sum(f.sum[:0])
	f.again = g.known.has(f.sum)
	f.open = func() (io.ReadCloser, error) {
		body := net.Buffers(slices.Clone(pieces)) // reading consumes it
		return io.NopCloser(&body), nil
	}

	return f
}

// folder sends real pictures: each file is new once, then a repeat.
type folder struct {
	files []file
	known *ledger
}

func newFolder(dir string, known *ledger) (*folder, error) {
	f := &folder{known: known}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}

		one := file{name: entry.Name(), work: work{album: -1}, open: func() (io.ReadCloser, error) { return os.Open(path) }}
		if err := one.measure(); err != nil {
			return err
		}

		f.files = append(f.files, one)

		return nil
	})

	if err == nil && len(f.files) == 0 {
		err = fmt.Errorf("there is no file below %s", dir)
	}

	return f, err
}

// measure reads the file for its sum.
func (f *file) measure() error {
	r, err := f.open()
	if err != nil {
		return err
	}
	defer r.Close()
	h := sha256.New()
	if f.size, err = io.Copy(h, r); err != nil {
		return err
	}

	h.Sum(f.sum[:0])

	return nil
}

func (f *folder) next(rnd *rand.Rand) (file, error) {
	one := f.files[rnd.IntN(len(f.files))]
	one.again = f.known.has(one.sum)
	return one, nil
}
