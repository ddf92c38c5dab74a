package pgserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"inlet/embedded/child"
)

// create makes the cluster beside its place and moves it there when it is
// complete, so that a start that was killed leaves nothing half made.
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
	if err := chown(fresh, c.user); err != nil {
		return err
	}
	// Letters are told from others in Unicode, but sorting is by code point,
	// which no update of the C library ever changes under an index.
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
	return syncFolder(filepath.Dir(c.Dir))
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
	defer os.Remove(password.Name())
	defer password.Close()

	args := []string{
		"-D", c.reach(folder, 0), "--pwfile", c.reach(password, 1),
		"--username", role, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C",
		"--data-checksums", "--no-instructions",
	}
	if c.NoSync {
		args = append(args, "--no-sync")
	}
	process, err := child.Start(child.Command{
		Path:     filepath.Join(c.Binaries.Dir, "initdb"),
		Args:     append(args, more...),
		Files:    []*os.File{folder, password},
		User:     c.user,
		Output:   c.Log,
		Orphaned: syscall.SIGTERM,
	})
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

// passwordFile is a file for initdb that only the server's user can read.
func (c *cluster) passwordFile() (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(c.Dir), ".password-*")
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(c.Password + "\n")
	if err == nil {
		err = chown(f.Name(), c.user)
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return f, nil
}

// adopt gives the cluster to the server's user if it is root's: a backup that
// root has copied back.
func (c *cluster) adopt() error {
	if c.user == nil {
		return nil
	}
	info, err := os.Stat(c.Dir)
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || owner.Uid != 0 {
		return nil
	}
	return chown(c.Dir, c.user)
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
