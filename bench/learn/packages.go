package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// packages are Debian's, downloaded and unpacked in a folder of the cache, as an
// ordinary user and without installing them.
type packages struct{ dir string }

// unpacked is the folder with a package's files. It downloads the package unless
// the cache has it.
func (p packages) unpacked(name string) (string, error) {
	to := filepath.Join(p.dir, name)
	if _, err := os.Stat(to); err == nil {
		return to, nil
	}

	work := to + ".part"
	if err := os.RemoveAll(work); err != nil {
		return "", err
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", err
	}

	if err := command(work, "apt-get", "download", "-qq", "-o", "APT::Sandbox::User=", name); err != nil {
		return "", err
	}
	archives, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil || len(archives) != 1 {
		return "", fmt.Errorf("%s: apt-get brought %d packages", name, len(archives))
	}
	if err := command(work, "dpkg-deb", "-x", archives[0], "."); err != nil {
		return "", err
	}
	if err := os.Remove(archives[0]); err != nil {
		return "", err
	}

	return to, os.Rename(work, to)
}

// files lists a package's files below a folder that end in one of the endings, in
// order.
func (p packages) files(name, below string, endings ...string) ([]string, error) {
	dir, err := p.unpacked(name)
	if err != nil {
		return nil, err
	}

	var all []string
	err = filepath.WalkDir(filepath.Join(dir, below), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(path, e) }) {
			all = append(all, path)
		}
		return err
	})
	return all, err
}

// command runs a program in a folder for at most five minutes.
func command(dir, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()

	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
