package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"

	"inlet/bench/service"
	"inlet/embedded/child"
	"inlet/embedded/pgserver"
)

// startPostgres starts a private server with the durable settings of Inlet's own.
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

// server is one of the two compared servers.
type server struct {
	*service.Process
	name  string
	url   string // where pictures are sent
	check string // where a client asks for sums; empty: nowhere
	form  bool   // send pictures as forms, not as raw bodies
}

func startFloor(ctx context.Context, binary, dir, database string, o options) (*server, error) {
	files := filepath.Join(dir, "files")
	if err := os.MkdirAll(files, 0o700); err != nil {
		return nil, err
	}

	p, err := service.Start(ctx, dir, nil, binary, "-database", database, "-dir", files)
	if err != nil {
		return nil, err
	}

	return &server{Process: p, name: "floor", url: p.Base + "/", form: o.send == "form"}, nil
}

func startInlet(ctx context.Context, binary, dir, database string, o options) (*server, error) {
	token, key := rand.Text(), make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	env := []string{
		"INLET_ADDR=127.0.0.1:0", "INLET_ADMIN_TOKEN=" + token, "INLET_LINK_KEYS=k:" + base64.StdEncoding.EncodeToString(key),
		"INLET_DATABASE_URL=" + database, "INLET_DATA_DIR=" + filepath.Join(dir, "data"), "INLET_BLOB_URL=file://" + filepath.Join(dir, "files"),
	}

	if o.profile != "" {
		folder, err := filepath.Abs(o.profile)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}

		env = append(env, profileEnv+"="+folder)
	}

	p, err := service.Start(ctx, dir, env, binary)
	if err != nil {
		return nil, err
	}

	link, err := service.NewLink(ctx, p.Base, token, "")
	if err != nil {
		p.Stop()
		return nil, err
	}

	url := p.Base + "/u/" + link

	return &server{Process: p, name: "inlet", url: url, check: url + "/check", form: o.send != "raw"}, nil
}
