package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"time"

	"inlet/bench/service"
	"inlet/embedded/child"
)

const (
	// readyTime bounds a start. drainTime exceeds the drain of a process.
	readyTime = 2 * time.Minute
	drainTime = 45 * time.Second
)

// process is one Inlet. It can end and start again at its address.
type process struct {
	name, addr, binary, log string
	env                     []string

	mu      sync.Mutex // guards what follows
	running *child.Process
	output  *child.Log
	peak    int64 // most memory over all restarts, in bytes
}

func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	output, err := child.OpenLog(p.log, 64<<20)
	if err != nil {
		return err
	}

	p.running, err = child.Start(child.Command{
		Path: p.binary, Args: []string{"serve"}, Env: p.env, Output: output, Orphaned: syscall.SIGTERM,
	})

	p.output = output

	return err
}

func (p *process) current() (*child.Process, *child.Log) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running, p.output
}

func (p *process) pid() int {
	running, _ := p.current()
	return running.Pid()
}

// awaitReady waits until the process reports that all stores answer.
func (p *process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	running, output := p.current()
	for !p.ready(ctx) {
		select {
		case <-running.Done():
			return fmt.Errorf("%s has ended: %w; the end of its log:\n%s", p.name, running.Err(), output.Tail())
		default:
		}

		if err := pause(ctx); err != nil {
			return fmt.Errorf("%s is not ready: %w; the end of its log:\n%s", p.name, err, output.Tail())
		}
	}

	return nil
}

func (p *process) ready(ctx context.Context) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/readyz", nil)
	if err != nil {
		return false
	}

	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer res.Body.Close()

	return res.StatusCode == http.StatusOK
}

// drain ends the process as a deployment does: it finishes its requests.
func (p *process) drain() {
	running, output := p.current()
	if running == nil {
		return
	}

	p.note()
	running.Stop(context.Background(), drainTime, syscall.SIGTERM)
	_ = output.Close()
}

// kill ends the process as a broken machine does.
func (p *process) kill() {
	running, output := p.current()
	p.note()
	running.Stop(context.Background(), drainTime, syscall.SIGKILL)
	_ = output.Close()
}

// note records the peak memory of the process.
func (p *process) note() {
	now := service.PeakMemory(p.pid())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peak = max(p.peak, now)
}

// restart starts an ended process again.
func (p *process) restart(ctx context.Context) error {
	if err := p.start(); err != nil {
		return err
	}

	return p.awaitReady(ctx)
}
