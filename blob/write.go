package blob

import "os"

// writeBlocks writes the size bytes that the blocks hold to a new file.
func writeBlocks(file *os.File, blocks []*block, size int64) error {
	for at := writeDirect(file, blocks, size); at < size; {
		b := blocks[at/blockSize][at%blockSize : min(blockSize, size-at+at%blockSize)]
		if _, err := file.WriteAt(b, at); err != nil {
			return err
		}
		at += int64(len(b))
	}
	_, err := file.Seek(size, 0)
	return err
}
