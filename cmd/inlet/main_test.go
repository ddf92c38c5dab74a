package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is also the command: the tests run it as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("INLET_TEST_AS_COMMAND") != "" {
		os.Unsetenv("INLET_TEST_AS_COMMAND")
		main()
		return
	}
	os.Exit(m.Run())
}

// command is `inlet args…` with nothing configured but the port.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Dir = dir
	for _, line := range os.Environ() {
		if !strings.HasPrefix(line, "INLET_") {
			cmd.Env = append(cmd.Env, line)
		}
	}
	cmd.Env = append(cmd.Env, "INLET_TEST_AS_COMMAND=1", "INLET_ADDR=127.0.0.1:0")
	return cmd
}

// running is a service that a test has started.
type running struct {
	*exec.Cmd
	base, token string
	log         *bytes.Buffer
}

var listening = regexp.MustCompile(`listening on (http://\S+)`)

// start waits until the service listens; settings are of the form NAME=value.
func start(t *testing.T, dir string, settings ...string) *running {
	t.Helper()
	r := &running{Cmd: command(t, dir), log: &bytes.Buffer{}}
	r.Env = append(r.Env, settings...)
	r.Stderr = r.log
	stdout, err := r.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Killed it would leave a database behind that takes a moment to notice.
		killed := time.AfterFunc(30*time.Second, func() { r.Process.Kill() })
		defer killed.Stop()
		r.Process.Signal(syscall.SIGTERM)
		r.Wait()
		if t.Failed() {
			t.Logf("log of the service:\n%s", r.log)
		}
	})
	lines := bufio.NewScanner(stdout)
	for r.base == "" && lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			r.base = m[1]
		}
	}
	if r.base == "" {
		r.Wait()
		t.Fatalf("it did not listen; its log:\n%s", r.log)
	}
	go io.Copy(io.Discard, stdout)
	for _, line := range settings {
		if token, set := strings.CutPrefix(line, "INLET_ADMIN_TOKEN="); set {
			r.token = token
			return r
		}
	}
	token, err := os.ReadFile(filepath.Join(dir, "inlet-data", "operator-token"))
	if err != nil {
		t.Fatal(err)
	}
	r.token = strings.TrimSpace(string(token))
	return r
}

// ask sends a request as the operator and returns the answer's body.
func (r *running) ask(t *testing.T, method, path string, body []byte, want int) []byte {
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = r.base + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		t.Fatalf("%s %s: %s, %v: %s", method, path, res.Status, err, answer)
	}
	return answer
}

func decode[T any](t *testing.T, doc []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	return v
}

func (r *running) link(t *testing.T) string {
	t.Helper()
	made := decode[struct{ Token string }](t, r.ask(t, "POST", "/v1/links", []byte(`{"expires_in":"1h"}`), 201))
	return "/u/" + made.Token
}

type results struct {
	Results []struct{ ID, Status string }
}

func picture(t *testing.T, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, size, size))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The life of an installation: started with nothing configured, used, killed,
// started again, stopped.
func TestLife(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, dir)
	link := first.link(t)
	stored := decode[results](t, first.ask(t, "POST", link, picture(t, 3), 201))
	id := stored.Results[0].ID

	t.Run("a second start on the same folder is refused", func(t *testing.T) {
		out, err := command(t, dir).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "in use") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("statistics are rebuilt beside the running service", func(t *testing.T) {
		out, err := command(t, dir, "rebuild-stats").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "1 images, 1 accepted") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("the schema is up to date", func(t *testing.T) {
		if out, err := command(t, dir, "migrate").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("healthcheck", func(t *testing.T) {
		cmd := command(t, dir, "healthcheck")
		cmd.Env = append(cmd.Env, "INLET_ADDR="+strings.TrimPrefix(first.base, "http://"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		cmd = command(t, dir, "healthcheck")
		cmd.Env = append(cmd.Env, "INLET_ADDR=127.0.0.1:1")
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("healthy without a service: %s", out)
		}
	})

	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait()

	second := start(t, dir)
	if second.token != first.token {
		t.Error("the operator's token has changed")
	}
	if got := second.ask(t, "GET", "/v1/images/"+id, nil, 200); !bytes.Equal(got, picture(t, 3)) {
		t.Error("the picture came back altered")
	}
	again := decode[results](t, second.ask(t, "POST", link, picture(t, 3), 200))
	if again.Results[0].Status != "duplicate" || again.Results[0].ID != id {
		t.Errorf("got %+v", again)
	}
	eventually(t, "true statistics", func() bool {
		doc := decode[struct {
			Uploads struct{ Accepted, Stored, Duplicates int }
		}](t, second.ask(t, "GET", "/v1/stats", nil, 200))
		return doc.Uploads == struct{ Accepted, Stored, Duplicates int }{2, 1, 1}
	})

	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	if strings.Contains(second.log.String(), strings.TrimPrefix(link, "/u/")) {
		t.Error("the log has the link's token")
	}
	left, err := os.ReadDir(filepath.Join(dir, "inlet-data", "staging"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in staging: %v, %v", left, err)
	}
}

// A request that is under way when the signal comes is answered.
func TestDrain(t *testing.T) {
	t.Parallel()
	r := start(t, t.TempDir())
	data := picture(t, 4)
	body, feed := io.Pipe()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, r.base+r.link(t), body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len(data))
	answered := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			defer res.Body.Close()
			if res.StatusCode != http.StatusCreated {
				err = fmt.Errorf("answered %s", res.Status)
			}
		}
		answered <- err
	}()
	if _, err := feed.Write(data[:20]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the arrival of the request", func() bool {
		return strings.Contains(string(r.ask(t, "GET", "/metrics", nil, 200)), "inlet_http_in_flight 2")
	})
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of listening", func() bool {
		res, err := http.Get(r.base + "/healthz")
		if err == nil {
			res.Body.Close()
		}
		return err != nil
	})
	if _, err := feed.Write(data[20:]); err != nil {
		t.Fatal(err)
	}
	feed.Close()
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := r.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

// eventually waits for what another process does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, 30*time.Second, what, ok)
}
