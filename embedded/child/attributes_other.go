//go:build unix && !linux

package child

import "syscall"

// attributes cannot make other kernels signal an orphan: TakeOver stops it at the
// next start.
func attributes(c Command) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: c.User, Setpgid: true}
}
