// Command floor does the least that a durable picture server can do: receive a
// body, hash it, write and sync it, insert one row, answer 201. It checks nothing.
// bench/upload compares Inlet with it.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"
)

func main() {
	database := flag.String("database", "", "URL of an empty database")
	dir := flag.String("dir", "", "folder for the files")
	flag.Parse()
	if err := serve(*database, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func serve(database, dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	pool, err := pgxpool.New(ctx, database+"&pool_max_conns=24")
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.Exec(ctx, `CREATE TABLE pictures (sha256 bytea PRIMARY KEY, bytes bigint NOT NULL, at timestamptz NOT NULL DEFAULT now())`)
	if err != nil {
		return err
	}

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}

	fmt.Printf("floor: listening on http://%s\n", listener.Addr())
	f := &floor{pool: pool, dir: dir}
	f.buffers.New = func() any { return new([256 << 10]byte) }
	server := &http.Server{Handler: f}
	go func() {
		<-ctx.Done()
		server.Close()
	}()

	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}

	return nil
}

type floor struct {
	pool    *pgxpool.Pool
	dir     string
	buffers sync.Pool // of *[256 << 10]byte
}

// ServeHTTP stores one picture: the raw body, or the first part of a form.
func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if form, err := r.MultipartReader(); err == nil {
		part, err := form.NextPart()
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}

		body = part
	}

	sum, size, err := f.keep(body)
	if err == nil {
		// A picture that comes again replaces its file and keeps its row.
		_, err = f.pool.Exec(r.Context(), `INSERT INTO pictures (sha256, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING`, sum, size)
	}

	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}

	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"sha256":"%x","bytes":%d}`, sum, size)
}

// keep writes body to a file named by its hash, and syncs the file and its name.
func (f *floor) keep(body io.Reader) (sum []byte, size int64, err error) {
	file, err := os.CreateTemp(f.dir, "*.tmp")
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	buffer := f.buffers.Get().(*[256 << 10]byte)
	defer f.buffers.Put(buffer)
	hash := sha256.New()
	for readErr := error(nil); readErr == nil; {
		var n int
		n, readErr = io.ReadFull(body, buffer[:])
		hash.Write(buffer[:n])
		if _, err := file.Write(buffer[:n]); err != nil {
			return nil, 0, err
		}

		size += int64(n)
		if readErr != nil && !errors.Is(readErr, io.EOF) && !errors.Is(readErr, io.ErrUnexpectedEOF) {
			return nil, 0, readErr
		}
	}

	if err := file.Sync(); err != nil {
		return nil, 0, err
	}

	sum = hash.Sum(nil)
	if err := os.Rename(file.Name(), filepath.Join(f.dir, hex.EncodeToString(sum))); err != nil {
		return nil, 0, err
	}

	return sum, size, syncDir(f.dir)
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()

	return dir.Sync()
}
