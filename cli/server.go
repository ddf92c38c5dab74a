package cli

import (
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

// settings name the server and the operator's token.
type settings struct {
	URL     string `env:"INLET_URL" envDefault:"http://127.0.0.1:8080"`
	Token   string `env:"INLET_ADMIN_TOKEN"`
	DataDir string `env:"INLET_DATA_DIR" envDefault:"./inlet-data"`
}

// settingsHelp ends the help of the operator's commands.
const settingsHelp = `
Set INLET_URL to the server's address (default: http://127.0.0.1:8080) and
INLET_ADMIN_TOKEN to the operator's token. With a server on this machine you need
neither: run the command in the folder where the server was started, and it reads
the token from inlet-data/operator-token (INLET_DATA_DIR names another folder).`

// asOperator makes a command's RunE of a function that needs the server's operator.
func asOperator(run func(cmd *cobra.Command, op *client.Operator, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		op, err := operator(cmd)
		if err == nil {
			err = run(cmd, op, args)
		}
		return advised(err, "Check that the server is running and that INLET_URL is its address")
	}
}

// operator makes few attempts, since a person at a terminal wants to know soon that
// the server does not answer.
func operator(cmd *cobra.Command) (*client.Operator, error) {
	set, err := env.ParseAs[settings]()
	if err != nil {
		return nil, err
	}

	if set.Token == "" && loopback(set.URL) {
		if token, err := os.ReadFile(filepath.Join(set.DataDir, "operator-token")); err == nil {
			set.Token = strings.TrimSpace(string(token))
		}
	}

	op, err := client.NewOperator(set.URL, set.Token, client.Options{Tries: 3, Retrying: func(err error, pause time.Duration) {
		fmt.Fprintln(cmd.ErrOrStderr(), plain(retryText(err, pause)))
	}})
	if err != nil {
		return nil, usagef(cmd, "INLET_URL: %w", err)
	}
	return op, nil
}

func retryText(err error, pause time.Duration) string {
	return fmt.Sprintf("%v; trying again in %s", err, pause.Round(100*time.Millisecond))
}

// loopback reports whether an address leads to this machine. A token from a file
// goes nowhere else.
func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
