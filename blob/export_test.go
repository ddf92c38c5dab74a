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
	name := s.file.Name()
	s.file.Close()
	s.file = os.NewFile(uintptr(fd), name)
	return nil
}
