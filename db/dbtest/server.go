package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"inlet/db"
	"inlet/embedded/child"
	"inlet/embedded/pgserver"
	"inlet/embedded/ramdir"
)

// shared starts the server of this process once. The server lives as long as the
// process, beyond the tests that use it.
var shared = sync.OnceValues(start)

// server is PostgreSQL, and the pipe whose end tells the cleaner that this process
// has ended.
type server struct {
	*pgserver.Server
	dir   string
	alive *os.File
}

func start() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	parent := ramdir.Parent()
	sweep(parent)
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}

	alive, err := cleanUp(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}

	log, err := child.OpenLog("", 0)
	if err != nil {
		return nil, err
	}

	postgres, err := pgserver.Start(ctx, pgserver.Options{
		Dir:      filepath.Join(dir, "postgres"),
		Password: rand.Text(),
		NoSync:   true,
		Log:      log,
		Settings: map[string]string{
			"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
			"max_connections": "200", "shared_buffers": "32MB", "max_wal_size": "128MB",
			"autovacuum": "off", "jit": "off", "dynamic_shared_memory_type": "mmap",
		},
	})
	if err != nil {
		return nil, err
	}

	if err := postgres.CreateDatabase(ctx, template); err != nil {
		return nil, err
	}
	return &server{Server: postgres, dir: dir, alive: alive}, db.Migrate(ctx, postgres.URL(template), db.Options{})
}

const prefix = "inlet-dbtest-"

// cleanUp starts a cleaner: a process that waits until this one has ended,
// however it ends, then stops the server and removes its files. The cleaner reads
// the returned pipe, whose end it sees when this process is gone.
func cleanUp(dir string) (*os.File, error) {
	// The script waits for the pid file to go, which the server removes when it ends:
	// its process may stay as a zombie, which in many containers nobody reaps.
	const script = `
		read -r _
		file="$0/postgres/postmaster.pid"
		for i in $(seq 500); do
			read -r pid <"$file" && kill -QUIT "$pid" || break
			sleep 0.02
		done
		rm -rf -- "$0"`

	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()

	cmd := exec.CommandContext(context.Background(), "sh", "-c", script, dir)
	cmd.Stdin = read
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, err
	}
	return write, nil
}

// sweep removes the folders of processes that were killed with their cleaners.
func sweep(parent string) {
	left, _ := filepath.Glob(filepath.Join(parent, prefix+"*")) // fails for malformed patterns only
	for _, dir := range left {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue // it may just be being made
		}

		// The server holds this lock as long as it lives.
		lock, err := child.Lock(filepath.Join(dir, "postgres.lock"))
		if err != nil {
			continue
		}

		_ = os.RemoveAll(dir) // fails for another user's, which that user's tests remove
		lock.Close()
	}
}
