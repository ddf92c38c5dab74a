package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"inlet/embedded/child"
	"inlet/embedded/pgserver"
)

const database = "inlet"

// Postgres is the private PostgreSQL.
type Postgres struct {
	server *pgserver.Server
	log    *child.Log
}

// StartPostgres starts the private PostgreSQL in <data dir>/postgres and creates
// its files if they are missing. It returns once the server accepts connections.
// The server logs to <data dir>/postgres.log.
func (d *Dir) StartPostgres(ctx context.Context, log *slog.Logger) (*Postgres, error) {
	password, _, err := d.Secret("postgres-password", newPassword)
	if err != nil {
		return nil, err
	}

	output, err := d.openLog("postgres.log")
	if err != nil {
		return nil, fmt.Errorf("the data dir: %w", err)
	}

	server, err := pgserver.Start(ctx, pgserver.Options{
		Dir:      filepath.Join(d.path, "postgres"),
		Password: password,
		Settings: settings(),
		Log:      output,
		Notice:   func(message string) { log.InfoContext(ctx, message) },
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the private database: %w (INLET_DATABASE_URL names another one)", err), output.Close())
	}
	p := &Postgres{server: server, log: output}

	if err := server.CreateDatabase(ctx, database); err != nil {
		p.Stop(ctx)
		return nil, fmt.Errorf("the private database: %w", err)
	}

	log.InfoContext(ctx, "the private database has started", "dir", d.path, "process", server.Pid())
	return p, nil
}

func newPassword() (string, error) { return rand.Text(), nil }

// settings suit a machine that also runs other programs. They name the durable
// ones even where these are the defaults: an upload's answer relies on them.
func settings() map[string]string {
	return map[string]string{
		"fsync":              "on",
		"synchronous_commit": "on",
		"full_page_writes":   "on",

		"max_connections": "50",
		"shared_buffers":  "128MB",
		"max_wal_size":    "1GB",
		"jit":             "off", // short queries only

		"timezone":        "UTC",
		"log_timezone":    "UTC",
		"log_line_prefix": "%m [%p] ",
		"log_checkpoints": "off",
		"cluster_name":    "inlet",
	}
}

// URL returns the address of the database. It contains the password.
func (p *Postgres) URL() string { return p.server.URL(database) }

// Done is closed when the server has ended, for whatever reason.
func (p *Postgres) Done() <-chan struct{} { return p.server.Done() }

// LastWords returns the end of the server's log.
func (p *Postgres) LastWords() string { return p.log.Tail() }

// Stop ends the server. When ctx ends, it does so at once, which loses nothing
// but makes the next start recover.
func (p *Postgres) Stop(ctx context.Context) {
	p.server.Stop(ctx)
	_ = p.log.Close() // the log drops what it could not write
}
