package intake

import (
	"bytes"
	"io"
	"strings"
)

// part is one part of a form. It reads what stands between header and boundary.
type part struct {
	form  *form
	ready int  // bytes in the buffer that belong to the part
	begun bool // bytes were read: the boundary of an empty part needs no line break
	ended bool // the boundary follows the ready bytes
}

// Read implements io.Reader.
func (p *part) Read(d []byte) (int, error) {
	for p.ready == 0 {
		if p.ended {
			return 0, io.EOF
		}
		if p.form.err != nil {
			return 0, p.form.err
		}
		p.search()
	}
	n, _ := p.form.body.Read(d[:min(len(d), p.ready)])
	p.ready -= n
	p.begun = p.begun || n > 0

	return n, nil
}

// search scans the buffer, and fills it if that is not enough.
func (p *part) search() {
	body := p.form.body
	buffered, _ := body.Peek(body.Buffered())
	p.ready, p.ended = p.scan(buffered)
	if p.ready == 0 && !p.ended {
		if _, err := body.Peek(len(buffered) + 1); err != nil {
			p.form.err = broken(err)
		}
	}
}

// scan returns how many bytes at the beginning of buffered belong to the part, and
// whether the boundary follows them. It holds back what may be the beginning of a
// boundary until more has come.
func (p *part) scan(buffered []byte) (n int, ended bool) {
	delim, dashes, from := p.form.delim, p.form.dashes, 0
	if !p.begun {
		switch {
		case bytes.HasPrefix(buffered, dashes):
			switch after(buffered[len(dashes):]) {
			case delimits:
				return 0, true
			case unknown:
				return 0, false
			}
			from = len(dashes)
		case bytes.HasPrefix(dashes, buffered):
			return 0, false
		}
	}

	for {
		i := bytes.Index(buffered[from:], delim)
		if i < 0 {
			break
		}
		i += from
		switch after(buffered[i+len(delim):]) {
		case delimits:
			return i, true
		case unknown:
			return i, false
		}
		from = i + len(delim)
	}

	if i := bytes.LastIndexByte(buffered[from:], delim[0]); i >= 0 && bytes.HasPrefix(delim, buffered[from+i:]) {
		return from + i, false
	}

	return len(buffered), false
}

// ending is what the bytes behind a boundary make of it.
type ending int

const (
	unknown  ending = iota // too few of them
	delimits               // it ends the part
	data                   // it was the beginning of something longer
)

func after(rest []byte) ending {
	switch {
	case len(rest) == 0:
		return unknown
	case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
		return delimits
	case rest[0] != '-':
		return data
	case len(rest) == 1:
		return unknown
	case rest[1] == '-':
		return delimits
	}

	return data
}
