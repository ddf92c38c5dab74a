package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"inlet/bench/service"
	"inlet/embedded/child"
)

// errNoNginx names the missing package.
var errNoNginx = errors.New("nginx is not installed: on Debian, apt-get install nginx-light")

// proxy starts nginx with deploy/nginx.conf and a site part of its own: the
// replicas and the port of this cluster.
func (c *cluster) proxy(ctx context.Context) error {
	path, err := exec.LookPath("nginx")
	if err != nil {
		return errNoNginx
	}

	dir := filepath.Join(c.dir, "nginx")
	if err := c.writeProxy(ctx, dir); err != nil {
		return err
	}

	output, err := child.OpenLog(filepath.Join(c.dir, "nginx.log"), 64<<20)
	if err != nil {
		return err
	}

	process, err := child.Start(child.Command{
		Path:   path,
		Args:   []string{"-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr", "-g", "daemon off; pid " + filepath.Join(dir, "pid") + ";"},
		Output: output, Orphaned: syscall.SIGTERM,
	})
	if err != nil {
		return err
	}

	c.stops = append(c.stops, func() {
		process.Stop(context.Background(), 10*time.Second, syscall.SIGTERM)
		_ = output.Close()
	})

	return listens(ctx, "nginx", c.addr, process, output)
}

func (c *cluster) writeProxy(ctx context.Context, dir string) error {
	root, err := service.Dir(ctx, "inlet")
	if err != nil {
		return err
	}

	conf, err := os.ReadFile(filepath.Join(root, "deploy", "nginx.conf"))
	if err != nil {
		return err
	}

	// nginx may run its workers as another user.
	for _, d := range []string{c.dir, dir, filepath.Join(dir, "site")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(d, 0o755); err != nil {
			return err
		}
	}

	var upstream bytes.Buffer
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&upstream, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}

	upstream.WriteString("upstream inlet {\n\tzone inlet 64k;\n\tleast_conn;\n")
	for _, p := range c.processes[:c.replicas] {
		fmt.Fprintf(&upstream, "\tserver %s max_fails=1 fail_timeout=1s;\n", p.addr)
	}

	upstream.WriteString("\tkeepalive 64;\n}\n")
	// Standard output is the error log's file; the access log needs its own.
	own := strings.ReplaceAll(string(conf), "/dev/stdout", filepath.Join(dir, "access.log"))
	for name, content := range map[string]string{
		"nginx.conf": own, "site/upstream.conf": upstream.String(), "site/listen.conf": "listen " + c.addr + ";\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}

	return nil
}
