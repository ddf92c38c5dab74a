package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"inlet/imaging"
)

// file is a file that the upload may send.
type file struct {
	path     string // as a person names it
	name     string // as the server sees it
	source   string // the path of its bytes
	size     int64  // bytes
	modified time.Time
	sum      [32]byte // SHA-256; zero until it is hashed
	twins    []*file  // the same bytes under other names
}

func newFile(path, name, source string, info fs.FileInfo) *file {
	return &file{path: path, name: name, source: source, size: info.Size(), modified: info.ModTime()}
}

// reopen opens the file, and fails if it has changed since the search.
func (f *file) reopen() (*os.File, error) {
	in, err := os.Open(f.source)
	if err != nil {
		return nil, bare(err)
	}

	info, err := in.Stat()
	if err == nil && (info.Size() != f.size || !info.ModTime().Equal(f.modified)) {
		err = errors.New("the file changed during the upload")
	}
	if err != nil {
		in.Close()
		return nil, bare(err)
	}
	return in, nil
}

// bare drops the path from err, since a report prints the path before the error.
func bare(err error) error {
	if outer, ok := errors.AsType[*fs.PathError](err); ok {
		return outer.Err
	}
	return err
}

// stdin is the name of standard input among the arguments.
const stdin = "-"

// find returns the files that the arguments name. The caller calls cleanUp when it
// no longer needs them, also after an error.
func (u *upload) find(ctx context.Context, args []string) (_ []*file, cleanUp func(), err error) {
	w := newWalker(u.all, u.report.failed)
	spooled := ""
	cleanUp = func() {
		if spooled != "" {
			_ = os.Remove(spooled) // the system clears the temporary folder
		}
	}

	for _, arg := range args {
		if arg != stdin {
			w.take(ctx, arg, true)
			continue
		}
		if spooled != "" {
			return nil, cleanUp, usagef(u.cmd, "standard input (-) can be sent only once")
		}

		var info fs.FileInfo
		if spooled, err = spool(u.cmd.InOrStdin()); err == nil {
			info, err = os.Stat(spooled)
		}
		if err != nil {
			return nil, cleanUp, fmt.Errorf("cannot read standard input: %w", err)
		}
		w.files = append(w.files, newFile(stdin, cmp.Or(u.name, "stdin"), spooled, info))
	}

	u.report.skipped(w.hidden, w.others)
	return w.files, cleanUp, ctx.Err()
}

// spool copies standard input to a file: the upload reads it to hash it and again
// for every attempt.
func spool(in io.Reader) (string, error) {
	tmp, err := os.CreateTemp("", "inlet-stdin-*")
	if err != nil {
		return "", err
	}

	_, err = io.Copy(tmp, in)
	return tmp.Name(), errors.Join(err, tmp.Close())
}

// walker gathers files in the order of the arguments and, in folders, of names.
type walker struct {
	all     bool // also hidden files and files that are no pictures
	failed  func(f *file, err error)
	files   []*file
	entered map[string]bool // folders, by their real paths
	seen    map[string]bool // files, by their absolute paths

	hidden, others int // skipped
}

func newWalker(all bool, failed func(*file, error)) *walker {
	return &walker{all: all, failed: failed, entered: map[string]bool{}, seen: map[string]bool{}}
}

// take adds a file, or the files in a folder, and follows links. It adds any file
// that the command line names.
func (w *walker) take(ctx context.Context, path string, named bool) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
	case info.IsDir():
		err = w.folder(ctx, path)
	case info.Mode().IsRegular():
		err = w.file(path, info, named || w.all)
	case named:
		err = errors.New("it is neither a file nor a folder")
	default:
		w.others++ // opening a pipe may block for ever
	}

	if err != nil {
		w.failed(&file{path: path, name: filepath.Base(path)}, bare(err))
	}
}

// folder takes what is in a folder. It enters each folder once: a link may lead
// upwards.
func (w *walker) folder(ctx context.Context, path string) error {
	actual, err := filepath.EvalSymlinks(path)
	if err == nil {
		actual, err = filepath.Abs(actual)
	}
	if err != nil || w.entered[actual] {
		return err
	}
	w.entered[actual] = true

	entries, err := os.ReadDir(path) // sorted by name; what it read before an error
	for _, entry := range entries {
		if ctx.Err() != nil {
			break
		}
		if strings.HasPrefix(entry.Name(), ".") && !w.all {
			w.hidden++
			continue
		}
		w.take(ctx, filepath.Join(path, entry.Name()), false)
	}
	return err
}

// file adds a file once, unless it must be a picture and is none.
func (w *walker) file(path string, info fs.FileInfo, anything bool) error {
	if !anything {
		if picture, err := isPicture(path); err != nil {
			return err
		} else if !picture {
			w.others++
			return nil
		}
	}

	abs, err := filepath.Abs(path)
	if err == nil && !w.seen[abs] {
		w.seen[abs] = true
		w.files = append(w.files, newFile(path, filepath.Base(path), path, info))
	}
	return err
}

// isPicture judges by the first bytes, as the server does.
func isPicture(path string) (bool, error) {
	in, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer in.Close()

	head, err := io.ReadAll(io.LimitReader(in, imaging.SniffLen))
	if err != nil {
		return false, err
	}

	_, err = imaging.Sniff(head)
	return err == nil, nil
}
