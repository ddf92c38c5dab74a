package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"inlet/blob/s3/s3test"
	"inlet/embedded/child"
)

// bucket is the name of the bucket for pictures.
const bucket = "inlet"

// blobStore returns the settings of the blob store, and starts its server if it
// has one.
func (c *cluster) blobStore(ctx context.Context) ([]string, error) {
	switch c.blobs {
	case "file":
		return []string{"INLET_BLOB_URL=file://" + filepath.Join(c.dir, "blobs")}, nil
	case "s3":
		return c.s3(ctx)
	default:
		return nil, fmt.Errorf("-blobs: %q is none of s3, file", c.blobs)
	}
}

// s3 starts versitygw on a folder; each folder in it is a bucket.
func (c *cluster) s3(ctx context.Context) ([]string, error) {
	program, err := s3test.Program(ctx)
	if err != nil {
		return nil, fmt.Errorf("an S3 server: %w (-blobs file does without)", err)
	}

	dir := filepath.Join(c.dir, "s3")
	if err := os.MkdirAll(filepath.Join(dir, bucket), 0o700); err != nil {
		return nil, err
	}

	addr, err := fixedPort(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}

	output, err := child.OpenLog(filepath.Join(c.dir, "s3.log"), 8<<20)
	if err != nil {
		return nil, err
	}

	secret := rand.Text()
	process, err := child.Start(child.Command{
		Path:   program,
		Args:   []string{"--port", addr, "--access", "inlet", "--secret", secret, "--keep-alive", "--quiet", "posix", dir},
		Output: output, Orphaned: syscall.SIGTERM,
	})
	if err != nil {
		return nil, err
	}

	c.stops = append(c.stops, func() {
		process.Stop(context.Background(), 10*time.Second, syscall.SIGTERM)
		_ = output.Close()
	})

	if err := listens(ctx, "versitygw", addr, process, output); err != nil {
		return nil, err
	}

	return []string{
		"INLET_BLOB_URL=s3://" + bucket + "?endpoint=http://" + addr + "&region=us-east-1",
		"AWS_ACCESS_KEY_ID=inlet", "AWS_SECRET_ACCESS_KEY=" + secret,
	}, nil
}

// listens waits until a server accepts connections.
func listens(ctx context.Context, name, addr string, process *child.Process, output *child.Log) error {
	var dialer net.Dialer
	for {
		if conn, err := dialer.DialContext(ctx, "tcp", addr); err == nil {
			return conn.Close()
		}

		select {
		case <-process.Done():
			return fmt.Errorf("%s has ended: %w; the end of its log:\n%s", name, process.Err(), output.Tail())
		default:
		}

		if err := pause(ctx); err != nil {
			return err
		}
	}
}
