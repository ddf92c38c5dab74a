// Package child runs the servers that belong to this process. It promises that
//   - no server outlives it: the kernel signals them when this process dies,
//     however it dies, and TakeOver waits for one that is still ending;
//   - signals of the terminal reach only this process, which stops the servers in
//     its own order;
//   - root's servers run as another user.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Command describes a server to run.
type Command struct {
	Path string
	Args []string
	// Env is added to the small environment that every server gets.
	Env []string
	// User runs the server; nil means this process's user.
	User *syscall.Credential
	// Input becomes the server's standard input; nil means an empty one.
	Input io.Reader
	// Output gets the server's standard output and standard error.
	Output io.Writer
	// Orphaned is the signal that the server gets when this process dies (on Linux).
	Orphaned syscall.Signal

	files []*os.File // inherited as descriptors 3, 4, and so on
}

// Inherit passes f to the server and returns the path by which the server opens
// it. The server's user may lack the right to enter the folders above f, but it
// may open an inherited descriptor: so a server's files can lie in a folder that
// only root may enter.
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
	err  error // of the exit; valid once done is closed
}

// Start runs c in the background.
func Start(c Command) (*Process, error) {
	// Stop ends the server by its own signals, in its own time, so no context does.
	cmd := exec.CommandContext(context.Background(), c.Path, c.Args...)
	cmd.Dir = "/" // every user may enter it
	cmd.Env = append(environment(), c.Env...)
	cmd.Stdout, cmd.Stderr = c.Output, c.Output
	cmd.Stdin = c.Input
	cmd.ExtraFiles = c.files
	cmd.SysProcAttr = attributes(c)
	cmd.WaitDelay = time.Second // a grandchild may hold the output open

	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)

	go func() {
		// The kernel takes the end of the thread that started a process for the
		// end of its parent, so this thread stays until the process is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()

		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}

		p.err = cmd.Wait()
		close(p.done)
	}()

	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// environment leaves out whatever could change a server's behaviour: PGDATA,
// PGPORT and the locale of the user's shell.
func environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	if libraries, ok := os.LookupEnv("LD_LIBRARY_PATH"); ok {
		env = append(env, "LD_LIBRARY_PATH="+libraries)
	}
	return env
}

// Pid returns the process's id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err waits for the end of the process and returns nil for exit status 0.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// AwaitReady calls ready every few milliseconds until it returns true or an error,
// the process ends, or ctx does.
func (p *Process) AwaitReady(ctx context.Context, ready func() (bool, error)) error {
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}

		select {
		case <-p.done:
			return errors.Join(errors.New("it ended before it was ready"), p.err)
		default:
		}
		if err := Pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// Stop sends the signals one after the other, each with the time of grace, until
// the process has ended, and finally kills it. When ctx ends, Stop sends the next
// signal at once and shortens the grace to 2 seconds at most.
func (p *Process) Stop(ctx context.Context, grace time.Duration, signals ...syscall.Signal) {
	hurry := ctx.Done()
	for _, s := range signals {
		_ = p.cmd.Process.Signal(s) // fails only when it has ended
		select {
		case <-p.done:
			return
		case <-time.After(grace):
		case <-hurry:
			hurry, grace = nil, min(grace, 2*time.Second)
		}
	}

	_ = p.cmd.Process.Kill() // fails only when it has ended
	<-p.done
}
