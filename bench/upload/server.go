package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"inlet/embedded/child"
	"inlet/embedded/pgserver"
)

// startTime is how long a server may take to listen, stopTime how long to end.
const (
	startTime = time.Minute
	stopTime  = 15 * time.Second
)

// startPostgres starts a private server with the settings of Inlet's own:
// everything is durable.
func startPostgres(ctx context.Context, dir string) (*pgserver.Server, error) {
	log, err := child.OpenLog(filepath.Join(dir, "postgres.log"), 10<<20)
	if err != nil {
		return nil, err
	}
	return pgserver.Start(ctx, pgserver.Options{
		Dir: filepath.Join(dir, "postgres"), Password: rand.Text(), Log: log,
		Settings: map[string]string{
			"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
			"max_connections": "80", "shared_buffers": "128MB", "max_wal_size": "1GB", "jit": "off", "timezone": "UTC",
		},
		Notice: func(message string) { fmt.Fprintln(os.Stderr, message) },
	})
}

// server is one of the two that are compared.
type server struct {
	name  string
	url   string // where pictures are sent
	check string // where sums are asked for; empty if it cannot be asked
	base  string
	log   string // the file to which it logs
	form  bool   // send pictures as forms, not as raw bodies

	cmd   *exec.Cmd
	done  chan struct{} // closed when it has ended
	ended error         // how it ended, once done is closed
}

func startFloor(ctx context.Context, binary, dir, database string, o options) (*server, error) {
	files := filepath.Join(dir, "files")
	if err := os.MkdirAll(files, 0o700); err != nil {
		return nil, err
	}
	s := &server{name: "floor", form: o.send == "form", log: filepath.Join(dir, "log")}
	if err := s.start(ctx, dir, exec.CommandContext(ctx, binary, "-database", database, "-dir", files)); err != nil {
		return nil, err
	}
	s.url = s.base + "/"
	return s, nil
}

func startInlet(ctx context.Context, binary, dir, database string, o options) (*server, error) {
	token, key := rand.Text(), make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(),
		"INLET_ADDR=127.0.0.1:0", "INLET_ADMIN_TOKEN="+token, "INLET_LINK_KEYS=k:"+base64.StdEncoding.EncodeToString(key),
		"INLET_DATABASE_URL="+database, "INLET_DATA_DIR="+filepath.Join(dir, "data"), "INLET_BLOB_URL=file://"+filepath.Join(dir, "files"),
	)
	if o.profile != "" {
		folder, err := filepath.Abs(o.profile)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, profileEnv+"="+folder)
	}
	s := &server{name: "inlet", form: o.send != "raw", log: filepath.Join(dir, "log")}
	if err := s.start(ctx, dir, cmd); err != nil {
		return nil, err
	}
	if err := s.makeLink(ctx, token); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// start runs cmd until it says where it listens. What it logs goes to a file.
func (s *server) start(ctx context.Context, dir string, cmd *exec.Cmd) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	log, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own copy
	cmd.Dir, cmd.Stderr = dir, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.done = cmd, make(chan struct{})
	listening := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, base, found := strings.Cut(lines.Text(), "listening on "); found {
				listening <- base
			}
		}
		s.ended = cmd.Wait()
		close(s.done)
	}()
	select {
	case s.base = <-listening:
		return nil
	case <-s.done:
		err = s.ended
	case <-time.After(startTime):
		err = errors.New("it did not begin to listen")
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.stop()
	said, _ := os.ReadFile(s.log)
	return fmt.Errorf("start %s: %w\n%s", s.name, err, said)
}

// complaints is what the server logged as its own fault, the first few lines.
func (s *server) complaints() string {
	said, _ := os.ReadFile(s.log)
	var faults []string
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, "level=ERROR") && len(faults) < 5 {
			faults = append(faults, line)
		}
	}
	return strings.Join(faults, "")
}

// makeLink makes the link through which pictures are sent.
func (s *server) makeLink(ctx context.Context, token string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/v1/links", strings.NewReader(`{"expires_in":"1h"}`))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var link struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&link); err != nil || link.Token == "" {
		return fmt.Errorf("make a link: status %d: %w", resp.StatusCode, err)
	}
	s.url = s.base + "/u/" + link.Token
	s.check = s.url + "/check"
	return nil
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// stop asks the process to end, and makes it.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // fails only when it has ended
	select {
	case <-s.done:
	case <-time.After(stopTime):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}
