package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"inlet/bench/service"
)

// target is the service under load.
type target struct {
	bases    []string
	token    string   // the operator's; empty with -link
	links    []string // tokens
	database string
	pids     []int
	process  *service.Process // nil: the service was running already
	turn     atomic.Uint64
}

// openTarget finds the service, or starts a private one in dir.
func openTarget(ctx context.Context, o options, dir string) (t *target, err error) {
	t = &target{token: o.token, database: o.database}
	switch {
	case o.link != "":
		base, token, found := strings.Cut(o.link, "/u/")
		if !found {
			return nil, errors.New("-link is no upload link: it has no /u/")
		}

		t.bases, t.links = []string{base}, []string{token}
	case o.url != "":
		t.bases = []string{strings.TrimRight(o.url, "/")}
	case o.replicas == "":
		if err := t.start(ctx, dir); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			t.stop()
		}
	}()

	if o.replicas != "" {
		t.bases = nil
		for one := range strings.SplitSeq(o.replicas, ",") {
			t.bases = append(t.bases, strings.TrimRight(strings.TrimSpace(one), "/"))
		}
	}

	for one := range strings.FieldsFuncSeq(o.pids, func(r rune) bool { return r == ',' || r == ' ' }) {
		pid, err := strconv.Atoi(one)
		if err != nil {
			return nil, fmt.Errorf("-pids: %w", err)
		}

		t.pids = append(t.pids, pid)
	}

	for len(t.links) < o.links && o.link == "" {
		if t.token == "" {
			return nil, errors.New("only the operator's token makes links: give -token, or -link")
		}

		link, err := service.NewLink(ctx, t.base(), t.token, fmt.Sprint("load ", len(t.links)+1))
		if err != nil {
			return nil, err
		}

		t.links = append(t.links, link)
	}

	return t, nil
}

// start builds this tree and starts it with its private stores. Limits come from
// the environment.
func (t *target) start(ctx context.Context, dir string) error {
	if err := service.Build(ctx, dir, "inlet", "./cmd/inlet"); err != nil {
		return err
	}

	data := filepath.Join(dir, "data")
	env := []string{"INLET_ADDR=127.0.0.1:0", "INLET_DATA_DIR=" + data}
	for _, name := range []string{"PUBLIC_URL", "ADMIN_TOKEN", "LINK_KEYS", "DATABASE_URL", "REDIS_URL", "BLOB_URL"} {
		env = append(env, "INLET_"+name+"=") // never somebody's real service
	}

	process, err := service.Start(ctx, dir, env, filepath.Join(dir, "inlet"))
	if err != nil {
		return err
	}

	t.process, t.bases, t.pids = process, []string{process.Base}, []int{process.Pid()}
	token, err := os.ReadFile(filepath.Join(data, "operator-token"))
	if err != nil {
		return err
	}

	t.token = strings.TrimSpace(string(token))
	text, err := os.ReadFile(filepath.Join(data, "running.json"))
	if err != nil {
		return err
	}

	var stores struct {
		DatabaseURL string `json:"database_url"`
	}

	if err := json.Unmarshal(text, &stores); err != nil {
		return fmt.Errorf("running.json: %w", err)
	}

	t.database = stores.DatabaseURL

	return nil
}

func (t *target) stop() {
	if t.process != nil {
		t.process.Stop()
	}
}

// base is the replica whose turn it is.
func (t *target) base() string {
	return t.bases[t.turn.Add(1)%uint64(len(t.bases))]
}
