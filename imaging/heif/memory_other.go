//go:build !(linux || darwin)

package heif

// Where there is no mmap the collector has it back in time.

func mapMemory(n int) ([]byte, error) { return make([]byte, n), nil }

func unmapMemory([]byte) {}
