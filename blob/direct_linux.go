package blob

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	// directUnit divides the size of a direct write on every disk and file system.
	directUnit = 4 << 10
	// directFrom is the size from which direct writing saves more than it waits.
	directFrom = 128 << 10
)

// writeDirect writes the first bytes of the blocks to a new file past the page
// cache and returns their number; it may be 0. The caller writes the rest. The
// cache does not help a file that is written once and synced at once, and filling
// it costs several times the processor time of hashing
// (docs/adr/0008-the-way-of-the-bytes.md).
func writeDirect(file *os.File, blocks []*block, size int64) int64 {
	whole := size - size%directUnit
	if whole < directFrom {
		return 0
	}

	fd := int(file.Fd())
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_DIRECT)
	}
	if err != nil {
		return 0
	}

	pieces := make([][]byte, 0, len(blocks))
	for at := int64(0); at < whole; at += blockSize {
		pieces = append(pieces, blocks[at/blockSize][:min(blockSize, whole-at)])
	}

	// If this fails, so does the caller's write of the same bytes.
	n, err := unix.Pwritev(fd, pieces, 0)
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
	if err != nil {
		return 0
	}
	return int64(n)
}
