package cli

import (
	"fmt"
	"io"
	"math"
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
	b.progress.Wait() // every bar has been dropped
	b.closed = true
}

// total is the bar of several files, with speed and time left. A size below 1 is
// not known; then there is only what has passed so far.
func (b *bars) total(label string, size int64, files int) *bar {
	if b == nil {
		return nil
	}
	one := &bar{}
	name := decor.Any(func(decor.Statistics) string {
		if files < 2 {
			return label
		}
		return fmt.Sprintf("%s %d of %d", label, one.files.Load(), files)
	}, decor.WCSyncSpaceR)
	speed := decor.AverageSpeed(decor.SizeB1024(0), "% .1f", decor.WCSyncSpace)
	last := mpb.BarPriority(math.MaxInt) // below the others
	if size < 1 {
		return b.start(one, 0, last, mpb.BarFillerTrim(),
			mpb.PrependDecorators(name, decor.CurrentKibiByte("% .1f", decor.WCSyncSpace), speed))
	}
	return b.start(one, size, last,
		mpb.PrependDecorators(name, decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace), speed, decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)))
}

// file is the bar of one file.
func (b *bars) file(path string, size int64) *bar {
	if b == nil {
		return nil
	}
	return b.start(&bar{}, size,
		mpb.PrependDecorators(decor.Name(short(plain(filepath.Base(path))), decor.WCSyncSpaceR),
			decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace)))
}

// start shows a bar until it is dropped: one that begins without a total does not
// end when that is reached, since the answer is still to come.
func (b *bars) start(one *bar, size int64, options ...mpb.BarOption) *bar {
	one.bar = b.progress.AddBar(0, options...)
	one.size.Store(size)
	one.bar.SetTotal(size, false)
	return one
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
	bar   *mpb.Bar
	size  atomic.Int64
	files atomic.Int64 // done
}

// count notes that files are done.
func (b *bar) count(files int) {
	if b != nil {
		b.files.Add(int64(files))
	}
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
