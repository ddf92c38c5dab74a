package child

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
)

// tailBytes is the size of the latest output that error messages quote.
const tailBytes = 2 << 10

// Log is a file with a server's output that cannot grow without bound: when it
// is full it is renamed to <path>.1, and a new one begins.
type Log struct {
	path string
	max  int64

	mu   sync.Mutex // guards the fields below
	file *os.File
	size int64
	tail []byte
}

// OpenLog appends to the file at path, which only its owner may read. With an
// empty path the Log holds the tail alone.
func OpenLog(path string, maxBytes int64) (*Log, error) {
	l := &Log{path: path, max: maxBytes}
	if path == "" {
		return l, nil
	}

	if err := l.open(); err != nil {
		return nil, fmt.Errorf("child: open the log: %w", err)
	}
	return l, nil
}

func (l *Log) open() error {
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}

	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}

	l.file, l.size = file, info.Size()
	return nil
}

// Write never fails: a full disk must not stop the server that logs.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.tail = append(l.tail, p...)
	if extra := len(l.tail) - tailBytes; extra > 0 {
		l.tail = append(l.tail[:0], l.tail[extra:]...)
	}

	if l.file != nil && l.size > 0 && l.size+int64(len(p)) > l.max {
		l.rotate()
	}
	if l.file != nil {
		n, _ := l.file.Write(p)
		l.size += int64(n)
	}
	return len(p), nil
}

func (l *Log) rotate() {
	l.file.Close()
	l.file = nil

	if os.Rename(l.path, l.path+".1") == nil {
		_ = l.open() // without a file Write drops the output
	}
}

// Tail returns the last lines of the output.
func (l *Log) Tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()

	tail := l.tail
	if len(tail) == tailBytes { // it begins within a line
		if _, rest, found := bytes.Cut(tail, []byte("\n")); found {
			tail = rest
		}
	}
	return strings.TrimSpace(string(tail))
}

// Close closes the file. Later output goes to the tail alone.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.file == nil {
		return nil
	}

	err := l.file.Close()
	l.file = nil
	return err
}
