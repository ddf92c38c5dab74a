// Package child runs the servers that belong to this process. It promises that
// none outlives it: the kernel signals them when this process dies, however it
// dies, and what is still ending then is waited for at the next start. Signals
// of the terminal reach only this process, which stops them in its own order.
// Root's servers run as somebody else.
package child

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Command is a server to be run.
type Command struct {
	Path string
	Args []string
	// Env is added to the little that a server needs of our environment.
	Env []string
	// User runs it as somebody else; nil means as ourselves.
	User *syscall.Credential
	// Input is what it reads from standard input; nil means nothing.
	Input io.Reader
	// Output gets what it writes to standard output and standard error.
	Output io.Writer
	// Orphaned is the signal that it gets when this process dies (on Linux).
	Orphaned syscall.Signal

	files []*os.File // inherited as descriptors 3, 4, and so on
}

// Inherit lets the server inherit f and returns the path by which it opens
// that again. Another user may be kept out of the folders above, but not out
// of what is open already: with this the files of a server can lie in a folder
// that only root may enter.
func (c *Command) Inherit(f *os.File) string {
	c.files = append(c.files, f)
	if c.User == nil {
		return f.Name()
	}
	return fmt.Sprintf("/proc/self/fd/%d", 2+len(c.files))
}

// Process is a server that was started.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of the exit; may be read when done is closed
}

// Start runs c in the background.
func Start(c Command) (*Process, error) {
	// Not bound to a context: it is stopped by its own signals, in its own time.
	cmd := exec.CommandContext(context.Background(), c.Path, c.Args...)
	cmd.Dir = "/" // a directory that every user may enter
	cmd.Env = append(environment(), c.Env...)
	cmd.Stdout, cmd.Stderr = c.Output, c.Output
	cmd.Stdin = c.Input
	cmd.ExtraFiles = c.files
	cmd.SysProcAttr = attributes(c)
	// A grandchild that still holds the output must not hold us.
	cmd.WaitDelay = time.Second

	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel takes the end of the thread that started a process for the
		// end of its parent, so this thread is kept until the process is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// environment passes on nothing that could change a server's behaviour: no
// PGDATA, PGPORT or locale of the user's shell.
func environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	if libraries, ok := os.LookupEnv("LD_LIBRARY_PATH"); ok {
		env = append(env, "LD_LIBRARY_PATH="+libraries)
	}
	return env
}

// Pid is the process's id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the process ended: nil for exit status 0. It waits for the end.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Stop sends the signals one after the other until the process has ended,
// giving it the time of grace after each, and kills it at last. When ctx ends,
// it goes on to the next signal at once, and then gives 2 seconds at most.
func (p *Process) Stop(ctx context.Context, grace time.Duration, signals ...syscall.Signal) {
	hurry := ctx.Done()
	for _, s := range signals {
		_ = p.cmd.Process.Signal(s) // fails only when it has ended
		timer := time.NewTimer(grace)
		select {
		case <-p.done:
			timer.Stop()
			return
		case <-timer.C:
		case <-hurry:
			// Harsher signals take a moment, too.
			hurry, grace = nil, min(grace, 2*time.Second)
		}
		timer.Stop()
	}
	_ = p.cmd.Process.Kill() // fails only when it has ended
	<-p.done
}
