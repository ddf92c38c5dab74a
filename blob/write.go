package blob

import (
	"io"
	"os"
)

// writeBlocks writes the first size bytes of the blocks to a new file.
func writeBlocks(file *os.File, blocks []*block, size int64) error {
	return writeRest(file, blocks, size, writeDirect(file, blocks, size))
}

// writeRest writes the bytes from at to size through the page cache.
func writeRest(file *os.File, blocks []*block, size, at int64) error {
	for at < size {
		n, err := file.WriteAt(blocks[at/blockSize][at%blockSize:min(blockSize, size-at+at%blockSize)], at)
		if err != nil {
			return err
		}
		at += int64(n)
	}

	_, err := file.Seek(size, io.SeekStart)
	return err
}
