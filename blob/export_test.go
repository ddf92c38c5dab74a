package blob

import (
	"os"
	"syscall"
)

// Redirect lets a test put a device in the place of the staged file's bytes.
// The file's name stays its own, since that is what Discard removes.
func (s *Staged) Redirect(device string) error {
	fd, err := syscall.Open(device, syscall.O_RDWR, 0)
	if err != nil {
		return err
	}
	s.file.Close()
	s.file = os.NewFile(uintptr(fd), s.name)
	return nil
}

// Limit sets how many bytes are staged in memory, all together and of one file.
func (f *Files) Limit(total, file int64) *Files {
	f.memory = newMemory(total, file)
	return f
}

// InMemory is how many bytes are staged in memory, by whole blocks.
func (f *Files) InMemory() int64 { return f.memory.used.Load() }
