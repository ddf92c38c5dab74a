//go:build linux || darwin

package heif

import "golang.org/x/sys/unix"

func mapMemory(n int) ([]byte, error) {
	return unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
}

func unmapMemory(b []byte) { _ = unix.Munmap(b) } // cannot fail for what Mmap returned
