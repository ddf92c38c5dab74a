package blob

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	// directUnit is what disks and file systems want direct writes to be
	// multiples of.
	directUnit = 4 << 10
	// directFrom is the size from which direct writing is worth its wait.
	directFrom = 128 << 10
)

// writeDirect writes the beginning of the blocks to a new file past the page
// cache and returns how many bytes; the rest, and all of it where the file
// system does not do this, is the caller's. What is written once and synced at
// once gains nothing from the cache, and filling it costs several times the
// processor time of hashing (docs/adr/0008-the-way-of-the-bytes.md).
func writeDirect(file *os.File, blocks []*block, size int64) int64 {
	whole := size - size%directUnit
	if whole < directFrom {
		return 0
	}
	fd := int(file.Fd())
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return 0
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_DIRECT); err != nil {
		return 0
	}
	pieces := make([][]byte, 0, len(blocks))
	for at := int64(0); at < whole; at += blockSize {
		pieces = append(pieces, blocks[at/blockSize][:min(blockSize, whole-at)])
	}
	// A failure shows again when the caller writes the same bytes.
	n, err := unix.Pwritev(fd, pieces, 0)
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
	if err != nil {
		return 0
	}
	return int64(n)
}
