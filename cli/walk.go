package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"inlet/client"
	"inlet/imaging"
)

// file is one that may be sent.
type file struct {
	path     string // as a person names it
	name     string // as the server is told
	open     string // where its bytes are
	size     int64
	modified time.Time
	sum      [32]byte
	twins    []*file // the same bytes under other names
}

// fresh opens the file, if it is still the one that was looked at.
func (f *file) fresh() (*os.File, error) {
	in, err := os.Open(f.open)
	if err != nil {
		return nil, bare(err)
	}
	info, err := in.Stat()
	if err == nil && (info.Size() != f.size || !info.ModTime().Equal(f.modified)) {
		err = errors.New("it was changed in the meantime")
	}
	if err != nil {
		in.Close()
		return nil, bare(err)
	}
	return in, nil
}

// bare leaves out the path, which stands before the message anyway.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// stdin is the name of standard input among files.
const stdin = "-"

// find looks for all files that the arguments mean. cleanUp is called when they
// are not needed any more.
func (u *upload) find(ctx context.Context, args []string) (_ []*file, cleanUp func(), err error) {
	w := &walker{all: u.all, failed: u.report.failed, folders: map[string]bool{}, seen: map[string]bool{}}
	spooled := ""
	cleanUp = func() {
		if spooled != "" {
			_ = os.Remove(spooled) // it is in the folder for temporary files
		}
	}
	for _, arg := range args {
		if arg != stdin {
			w.named(ctx, arg)
			continue
		}
		if spooled != "" {
			return nil, cleanUp, usagef(u.cmd, "standard input can be sent once")
		}
		if spooled, err = spool(u.cmd.InOrStdin()); err != nil {
			return nil, cleanUp, fmt.Errorf("read standard input: %w", err)
		}
		w.spooled(spooled, u.name)
	}
	u.report.skipped(w.hidden, w.others)
	return w.files, cleanUp, ctx.Err()
}

// spool keeps what comes from standard input, since it is read more than once:
// to hash it, and for every attempt.
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
	all     bool
	failed  func(f *file, err error)
	files   []*file
	folders map[string]bool // real paths of folders that were entered
	seen    map[string]bool // paths of files

	hidden, others int // skipped
}

// named takes an argument: a folder, or a file, which is sent whatever it is.
func (w *walker) named(ctx context.Context, path string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		w.fail(path, err)
	case info.IsDir():
		w.folder(ctx, path)
	case !info.Mode().IsRegular():
		w.fail(path, errors.New("it is neither a file nor a folder"))
	default:
		w.add(path, info)
	}
}

func (w *walker) fail(path string, err error) {
	w.failed(&file{path: path, name: filepath.Base(path)}, bare(err))
}

// folder takes what is in a folder. One that is reached again, by a link that
// leads upwards or elsewhere, is not entered again.
func (w *walker) folder(ctx context.Context, path string) {
	actual, err := filepath.EvalSymlinks(path)
	if err == nil {
		actual, err = filepath.Abs(actual)
	}
	if err != nil {
		w.fail(path, err)
		return
	}
	if w.folders[actual] {
		return
	}
	w.folders[actual] = true
	entries, err := os.ReadDir(path) // sorted by name
	if err != nil {
		w.fail(path, err)
	}
	for _, entry := range entries {
		if ctx.Err() != nil {
			return
		}
		if strings.HasPrefix(entry.Name(), ".") && !w.all {
			w.hidden++
			continue
		}
		w.found(ctx, filepath.Join(path, entry.Name()))
	}
}

// found takes an entry of a folder. Links are followed.
func (w *walker) found(ctx context.Context, path string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		w.fail(path, err)
	case info.IsDir():
		w.folder(ctx, path)
	case !info.Mode().IsRegular():
		w.others++ // to open a pipe may wait for ever
	case w.all:
		w.add(path, info)
	default:
		ok, err := isPicture(path)
		switch {
		case err != nil:
			w.fail(path, err)
		case ok:
			w.add(path, info)
		default:
			w.others++
		}
	}
}

func (w *walker) add(path string, info fs.FileInfo) {
	abs, err := filepath.Abs(path)
	if err != nil {
		w.fail(path, err)
		return
	}
	if w.seen[abs] {
		return
	}
	w.seen[abs] = true
	w.files = append(w.files, &file{
		path: path, name: filepath.Base(path), open: path, size: info.Size(), modified: info.ModTime(),
	})
}

// spooled adds what came from standard input.
func (w *walker) spooled(path, name string) {
	if name == "" {
		name = "stdin"
	}
	info, err := os.Stat(path)
	if err != nil {
		w.fail(stdin, err)
		return
	}
	w.files = append(w.files, &file{path: stdin, name: name, open: path, size: info.Size(), modified: info.ModTime()})
}

// isPicture looks at the first bytes, as the server does.
func isPicture(path string) (bool, error) {
	in, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer in.Close()
	head := make([]byte, imaging.SniffLen)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	_, err = imaging.Sniff(head[:n])
	return err == nil, nil
}

// tooLarge is the answer that the server would give, without sending the file.
func tooLarge(limit int64) *client.ProblemError {
	return &client.ProblemError{
		Type: "urn:inlet:problem:" + client.CodeTooLarge, Title: "Too large", Status: 413, Code: client.CodeTooLarge,
		Detail: fmt.Sprintf("the file is larger than the server takes: %s at most", bytesText(limit)),
	}
}
