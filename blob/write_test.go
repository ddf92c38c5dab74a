package blob

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// Direct writes need blocks that begin at a page; the allocator does not promise
// it, but has no other place for what is as large.
func TestBlocksBeginAtAPage(t *testing.T) {
	t.Parallel()
	m := newMemory(1<<20, 1<<20)
	var blocks []*block
	for b := m.take(0); b != nil; b = m.take(len(blocks)) {
		if at := uintptr(unsafe.Pointer(b)); at%4096 != 0 {
			t.Errorf("a block begins at %#x", at)
		}
		blocks = append(blocks, b)
	}
	if len(blocks) != 16 {
		t.Errorf("%d blocks in a megabyte", len(blocks))
	}
	m.giveBack(blocks)
}

// BenchmarkWrite compares what a new file costs until it is durable, written
// past the page cache and through it. The files stay until the end, as an
// archive's do: memory that is used again at once would make the cache cheap.
// What counts is the processor time. TMPDIR says which disk.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int64{40 << 10, 300 << 10, 3 << 20} {
		blocks := make([]*block, (size+blockSize-1)/blockSize)
		for i := range blocks {
			blocks[i] = &block{byte(i)}
		}
		for way, write := range map[string]func(*os.File) error{
			"direct": func(f *os.File) error { return writeRest(f, blocks, size, writeDirect(f, blocks, size)) },
			"cache":  func(f *os.File) error { return writeRest(f, blocks, size, 0) },
		} {
			b.Run(fmt.Sprintf("%s/%dKB", way, size>>10), func(b *testing.B) {
				dir := b.TempDir()
				before := processorTime(b)
				for i := 0; b.Loop(); i++ {
					file, err := os.Create(filepath.Join(dir, strconv.Itoa(i)))
					if err != nil {
						b.Fatal(err)
					}
					if err := write(file); err != nil {
						b.Fatal(err)
					}
					if err := file.Sync(); err != nil {
						b.Fatal(err)
					}
					file.Close()
				}
				b.ReportMetric((processorTime(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
			})
		}
	}
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
