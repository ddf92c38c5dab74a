package child

import "syscall"

func attributes(c Command) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Credential: c.User,
		Pdeathsig:  c.Orphaned,
		Setpgid:    true, // Ctrl-C reaches this process alone
	}
}
