package blob

import "golang.org/x/sys/unix"

// Free is the room that is left for files, in bytes; -1 if the disk does not say.
func (f *Files) Free() int64 {
	var disk unix.Statfs_t
	if err := unix.Statfs(f.blobs(), &disk); err != nil {
		return -1
	}
	//nolint:unconvert // of other types on other systems
	return int64(disk.Bavail) * int64(disk.Bsize)
}
