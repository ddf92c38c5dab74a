//go:build !(linux || darwin)

package heif

// Without mmap the garbage collector frees the memory.

func mapMemory(n int) ([]byte, error) { return make([]byte, n), nil }

func unmapMemory([]byte) {}
