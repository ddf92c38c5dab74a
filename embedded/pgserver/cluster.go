package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"inlet/embedded/child"
)

// create makes the cluster in a temporary folder and renames that when it is
// complete, so that a killed start leaves no half of a cluster behind.
func (c *cluster) create(ctx context.Context) error {
	if entries, err := os.ReadDir(c.Dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty, but no PostgreSQL cluster", c.Dir)
	}

	fresh := c.Dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	if err := child.Give(fresh, c.user); err != nil {
		return err
	}

	// Unicode decides what a letter is, but text sorts by code point: no update of
	// the C library changes that order under an index.
	err := c.initdb(ctx, fresh, "--lc-ctype=C.UTF-8")
	if err != nil && ctx.Err() == nil { // a system without that locale
		err = c.initdb(ctx, fresh)
	}
	if err != nil {
		return err
	}

	if err := os.Rename(fresh, c.Dir); err != nil {
		return err
	}
	return child.SyncFolder(filepath.Dir(c.Dir))
}

func (c *cluster) initdb(ctx context.Context, dir string, more ...string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()

	password, err := c.passwordFile()
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(password.Name()) }()
	defer password.Close()

	cmd := child.Command{
		Path:     filepath.Join(c.Binaries.Dir, "initdb"),
		User:     c.user,
		Orphaned: syscall.SIGTERM,
	}
	cmd.Args = append([]string{
		"-D", cmd.Inherit(folder), "--pwfile", cmd.Inherit(password),
		"--username", role, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C",
		"--data-checksums", "--no-instructions",
	}, more...)
	if c.NoSync {
		cmd.Args = append(cmd.Args, "--no-sync")
	}

	process, err := c.run(cmd)
	if err != nil {
		return err
	}

	select {
	case <-process.Done():
	case <-ctx.Done():
		process.Stop(ctx, time.Second, syscall.SIGTERM)
		return context.Cause(ctx)
	}

	if err := process.Err(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, c.Log.Tail())
	}
	return nil
}

// passwordFile creates a file for initdb that only the server's user can read.
func (c *cluster) passwordFile() (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(c.Dir), ".password-*")
	if err != nil {
		return nil, err
	}

	_, err = f.WriteString(c.Password + "\n")
	if err == nil {
		err = child.Give(f.Name(), c.user)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

// Version returns the major version of the cluster in dir, 0 if there is none.
func Version(dir string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	}

	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("%s does not hold a PostgreSQL cluster: %w", dir, err)
	}
	return major, nil
}
