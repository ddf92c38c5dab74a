//go:build unix && !linux

package child

import "syscall"

// Elsewhere a child is not told of its parent's death: what is left over is
// found and stopped at the next start.
func attributes(c Command) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: c.User, Setpgid: true}
}
