package cli

import (
	"io"
	"path/filepath"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bars shows progress on a terminal. A nil *bars shows nothing.
type bars struct {
	progress *mpb.Progress
	out      io.Writer
	closed   bool
}

// newBars shows bars if both streams are a terminal: results that go elsewhere
// are to be whole, and a log needs no bars.
func newBars(cmd *cobra.Command, asJSON bool) *bars {
	_, out := terminal(cmd.OutOrStdout())
	screen, errs := terminal(cmd.ErrOrStderr())
	if !out || !errs || asJSON {
		return nil
	}
	return &bars{progress: mpb.New(mpb.WithOutput(screen), mpb.WithWidth(40)), out: screen}
}

// Write prints lines above the bars, and after them.
func (b *bars) Write(p []byte) (int, error) {
	if b.closed {
		return b.out.Write(p)
	}
	n, err := b.progress.Write(p)
	if err != nil { // it has just been closed
		return b.out.Write(p)
	}
	return n, nil
}

// close takes the bars away.
func (b *bars) close() {
	if b == nil || b.closed {
		return
	}
	b.progress.Shutdown()
	b.closed = true
}

// total is the bar of all files, with speed and time left. A size below 1 is not
// known.
func (b *bars) total(label string, size int64) *bar {
	if b == nil {
		return nil
	}
	left := decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)
	if size < 1 {
		left = decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace)
	}
	return newBar(b.progress.AddBar(size, mpb.BarPriority(1), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(label, decor.WCSyncSpaceR), decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace), decor.AverageSpeed(decor.SizeB1024(0), "% .1f", decor.WCSyncSpace), left),
	), size)
}

// file is the bar of one file.
func (b *bars) file(path string, size int64) *bar {
	if b == nil {
		return nil
	}
	return newBar(b.progress.AddBar(size, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(short(plain(filepath.Base(path))), decor.WCSyncSpaceR),
			decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace)),
	), size)
}

// short keeps long names from pushing the bar off the line.
func short(name string) string {
	const longest = 24
	if runes := []rune(name); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return name
}

// bar is one line. A nil *bar shows nothing.
type bar struct {
	bar  *mpb.Bar
	size atomic.Int64
}

func newBar(b *mpb.Bar, size int64) *bar {
	one := &bar{bar: b}
	one.size.Store(size)
	return one
}

func (b *bar) add(n int64) {
	if b != nil {
		b.bar.IncrInt64(n)
	}
}

// shrink takes off what need not be done.
func (b *bar) shrink(n int64) {
	if b != nil && n > 0 {
		b.bar.SetTotal(b.size.Add(-n), false)
	}
}

func (b *bar) set(n int64) {
	if b != nil {
		b.bar.SetCurrent(n)
	}
}

// drop takes the bar away.
func (b *bar) drop() {
	if b != nil {
		b.bar.Abort(true)
	}
}

// reader moves the bar as r is read.
func (b *bar) reader(r io.Reader) io.Reader {
	if b == nil {
		return r
	}
	return io.TeeReader(r, b)
}

// Write takes what has passed.
func (b *bar) Write(p []byte) (int, error) {
	b.add(int64(len(p)))
	return len(p), nil
}
