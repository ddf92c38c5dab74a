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
}

// newBars shows bars only if both streams are a terminal: they would spoil results
// and logs that go elsewhere.
func newBars(cmd *cobra.Command, asJSON bool) *bars {
	_, out := terminal(cmd.OutOrStdout())
	screen, errs := terminal(cmd.ErrOrStderr())
	if !out || !errs || asJSON {
		return nil
	}
	return &bars{mpb.New(mpb.WithOutput(screen), mpb.WithWidth(40)), screen}
}

// Write prints lines above the bars, or after them once they are closed.
func (b *bars) Write(p []byte) (int, error) {
	n, err := b.progress.Write(p)
	if err != nil {
		return b.out.Write(p)
	}
	return n, nil
}

// close removes the bars from the terminal, once every bar has been dropped.
func (b *bars) close() {
	if b != nil {
		b.progress.Wait()
	}
}

// total adds the bar of several files, with speed and time left. A size below 1 is
// unknown: the bar then shows only how much has passed.
func (b *bars) total(label string, size int64, files int) *bar {
	if b == nil {
		return nil
	}

	all := &bar{}
	name := decor.Any(func(decor.Statistics) string {
		if files < 2 {
			return label
		}
		return fmt.Sprintf("%s %d of %d", label, all.files.Load(), files)
	}, decor.WCSyncSpaceR)
	speed := decor.AverageSpeed(decor.SizeB1024(0), "% .1f", decor.WCSyncSpace)
	last := mpb.BarPriority(math.MaxInt) // below the others

	if size < 1 {
		return b.start(all, 0, last, mpb.BarFillerTrim(),
			mpb.PrependDecorators(name, decor.CurrentKibiByte("% .1f", decor.WCSyncSpace), speed))
	}
	return b.start(all, size, last,
		mpb.PrependDecorators(name, decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace), speed, decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)))
}

// file adds the bar of one file.
func (b *bars) file(path string, size int64) *bar {
	if b == nil {
		return nil
	}

	const longest = 24 // keeps the bar on the line
	name := []rune(plain(filepath.Base(path)))
	if len(name) > longest {
		name = append(name[:longest-1], '…')
	}
	return b.start(&bar{}, size,
		mpb.PrependDecorators(decor.Name(string(name), decor.WCSyncSpaceR),
			decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace)))
}

// start adds a bar that stays until drop. A bar that begins without a total does not
// end at its total: the answer is still to come.
func (b *bars) start(one *bar, size int64, options ...mpb.BarOption) *bar {
	one.bar = b.progress.AddBar(0, options...)
	one.size.Store(size)
	one.bar.SetTotal(size, false)
	return one
}

// bar is one line. A nil *bar shows nothing.
type bar struct {
	bar   *mpb.Bar
	size  atomic.Int64 // bytes
	files atomic.Int64 // done
}

// done counts a file.
func (b *bar) done() {
	if b != nil {
		b.files.Add(1)
	}
}

// add moves the bar by n bytes.
func (b *bar) add(n int64) {
	if b != nil {
		b.bar.IncrInt64(n)
	}
}

// shrink takes n bytes off the total.
func (b *bar) shrink(n int64) {
	if b != nil {
		b.bar.SetTotal(b.size.Add(-n), false)
	}
}

// drop removes the bar.
func (b *bar) drop() {
	if b != nil {
		b.bar.Abort(true)
	}
}

// reader moves the bar while r is read.
func (b *bar) reader(r io.Reader) io.Reader {
	if b == nil {
		return r
	}
	return io.TeeReader(r, b)
}

// Write implements io.Writer for reader.
func (b *bar) Write(p []byte) (int, error) {
	b.add(int64(len(p)))
	return len(p), nil
}
