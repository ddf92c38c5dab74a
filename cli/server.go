package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/spf13/cobra"

	"inlet/client"
)

// settings say which server, and as whom.
type settings struct {
	URL     string `env:"INLET_URL" envDefault:"http://127.0.0.1:8080"`
	Token   string `env:"INLET_ADMIN_TOKEN"`
	DataDir string `env:"INLET_DATA_DIR" envDefault:"./inlet-data"`
}

// settingsHelp ends the help of commands that need a server.
const settingsHelp = `
INLET_URL is the server (default: http://127.0.0.1:8080), INLET_ADMIN_TOKEN the
operator's token. For a server on this machine it need not be set in the folder
where the server was started: it is read from inlet-data/operator-token.`

// operator is the client of the operator's commands. Whoever waits at a terminal
// wants to know soon that a server is away, so few attempts are made.
func operator(cmd *cobra.Command) (*client.Operator, error) {
	set, err := env.ParseAs[settings]()
	if err != nil {
		return nil, err
	}
	if set.Token == "" && loopback(set.URL) {
		kept, err := os.ReadFile(filepath.Join(set.DataDir, "operator-token"))
		if err == nil {
			set.Token = strings.TrimSpace(string(kept))
		}
	}
	op, err := client.NewOperator(set.URL, set.Token, client.Options{Tries: 3, Retrying: retrying(cmd)})
	if err != nil {
		return nil, usagef(cmd, "INLET_URL: %w", err)
	}
	return op, nil
}

// loopback tells whether an address leads to this machine: the token that is
// kept here is sent nowhere else.
func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}

// retrying tells of failures that are tried again.
func retrying(cmd *cobra.Command) func(error, time.Duration) {
	return func(err error, pause time.Duration) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s; trying again in %s\n", plain(err.Error()), pause.Round(100*time.Millisecond))
	}
}

// errInterrupted is what Ctrl-C ends a command with.
var errInterrupted = errors.New("interrupted")

// advised adds to an error what can be done about it.
func advised(err error) error {
	if errors.Is(err, context.Canceled) {
		return errInterrupted
	}
	switch client.CodeOf(err) {
	case client.CodeUnauthorized:
		return fmt.Errorf("%w\nSet INLET_ADMIN_TOKEN to the operator's token, or run this in the folder where the server was started", err)
	case client.CodeForbidden:
		return fmt.Errorf("%w\nINLET_ADMIN_TOKEN is not this server's operator token", err)
	}
	var network *client.NetworkError
	if errors.As(err, &network) {
		return fmt.Errorf("%w\nIs the server running, and INLET_URL right?", err)
	}
	return err
}
