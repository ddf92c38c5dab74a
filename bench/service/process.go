// Package service builds and starts the servers that benchmarks and the local
// cluster run, and measures their processor time and memory. It owns no state:
// a Process ends with Stop or its context.
package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// startTime bounds the wait until a service listens, stopTime until it ends.
const (
	startTime = time.Minute
	stopTime  = 30 * time.Second
)

// Dir is the folder of a module of this tree, such as "inlet".
func Dir(ctx context.Context, module string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("find the module %s: %w", module, err)
	}

	return strings.TrimSpace(string(out)), nil
}

// Build builds commands of a module of this tree into dir, with the versions of
// that module's go.mod.
func Build(ctx context.Context, dir, module string, args ...string) error {
	root, err := Dir(ctx, module)
	if err != nil {
		return err
	}

	args = append([]string{"build", "-o", dir + string(filepath.Separator)}, args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}

	return nil
}

// Process is a running service.
type Process struct {
	Base string // its origin, such as http://127.0.0.1:1234

	cmd   *exec.Cmd
	log   string        // the file to which it logs
	done  chan struct{} // closed when it has ended
	ended error         // valid once done is closed
}

// Start runs a command in dir and waits until it prints "listening on ORIGIN". Its
// log goes to a file in dir. It gets SIGTERM when ctx ends.
func Start(ctx context.Context, dir string, env []string, name string, args ...string) (*Process, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}

	p := &Process{log: filepath.Join(dir, "log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own descriptor
	p.cmd = exec.CommandContext(ctx, name, args...)
	p.cmd.Dir, p.cmd.Stderr, p.cmd.Env = dir, log, append(os.Environ(), env...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopTime
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}

	listening := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, base, found := strings.Cut(lines.Text(), "listening on "); found {
				listening <- base
			}
		}

		p.ended = p.cmd.Wait()
		close(p.done)
	}()

	select {
	case p.Base = <-listening:
		return p, nil
	case <-p.done:
		err = p.ended
	case <-time.After(startTime):
		err = errors.New("it did not begin to listen")
	case <-ctx.Done():
		err = ctx.Err()
	}

	p.Stop()
	text, _ := os.ReadFile(p.log)

	return nil, fmt.Errorf("start %s: %w\n%s", filepath.Base(name), err, text)
}

// Complaints returns the first few errors that the service logged.
func (p *Process) Complaints() string {
	text, _ := os.ReadFile(p.log)
	var faults []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "level=ERROR") && len(faults) < 5 {
			faults = append(faults, line)
		}
	}

	return strings.Join(faults, "")
}

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends the process a signal. An ended process ignores it.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// Stop ends the process: by SIGTERM, and by SIGKILL after 30 s.
func (p *Process) Stop() {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}
