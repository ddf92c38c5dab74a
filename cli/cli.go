// Package cli owns the commands with which people use an Inlet server from a
// terminal or a script: links, uploads, statistics, pictures, exports. Package
// client makes all requests.
//
// It promises that results go to standard output and everything else to standard
// error; that bars, colours and questions appear on terminals only; that names
// from files and servers cannot steer a terminal; that an output file appears
// under its name only when it is complete; and that the exit status tells how the
// command ended.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inlet/client"
)

// The exit statuses.
const (
	exitFailure  = 1 // something failed, or was interrupted
	exitUsage    = 2 // the command line or a setting is wrong
	exitRejected = 3 // everything was sent, but the server rejected some files
)

// Add adds the commands to root.
func Add(root *cobra.Command) {
	const group = "client"
	root.AddGroup(&cobra.Group{ID: group, Title: "Commands that use a server (INLET_URL, INLET_ADMIN_TOKEN):"})
	for _, cmd := range []*cobra.Command{
		linkCommand(), uploadCommand(), statsCommand(), getCommand(), exportCommand(), labelCommand(), modelCommand(),
	} {
		cmd.GroupID = group
		root.AddCommand(cmd)
	}

	root.SetCompletionCommandGroupID(group)
	root.SetHelpCommandGroupID(group)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{cmd.CommandPath(), err} })
	markUsage(root)
}

// markUsage makes wrong arguments of every command a usageError.
func markUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{cmd.CommandPath(), err}
			}
			return nil
		}
	}

	for _, below := range cmd.Commands() {
		markUsage(below)
	}
}

// ExitStatus is the status with which a process ends after err.
func ExitStatus(err error) int {
	_, usage := errors.AsType[usageError](err)
	switch {
	case err == nil:
		return 0
	case usage:
		return exitUsage
	case errors.Is(err, errRejected):
		return exitRejected
	}
	return exitFailure
}

// usageError is a command line that the command cannot follow.
type usageError struct {
	command string
	err     error
}

func (e usageError) Error() string { return fmt.Sprintf("%v\nSee: %s --help", e.err, e.command) }

func (e usageError) Unwrap() error { return e.err }

func usagef(cmd *cobra.Command, format string, args ...any) error {
	return usageError{cmd.CommandPath(), fmt.Errorf(format, args...)}
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
	server := cmp.Or(os.Getenv("INLET_URL"), "http://127.0.0.1:8080")
	token := os.Getenv("INLET_ADMIN_TOKEN")
	if token == "" && loopback(server) {
		dir := cmp.Or(os.Getenv("INLET_DATA_DIR"), "inlet-data")
		stored, _ := os.ReadFile(filepath.Join(dir, "operator-token")) // public pictures need no token
		token = strings.TrimSpace(string(stored))
	}

	op, err := client.NewOperator(server, token, client.Options{Tries: 3, Retrying: func(err error, pause time.Duration) {
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

// errInterrupted ends a command after Ctrl-C.
var errInterrupted = errors.New("interrupted")

// advised adds to an error what a person can do about it; unreachable is the advice
// for a server that does not answer.
func advised(err error, unreachable string) error {
	if errors.Is(err, context.Canceled) {
		return errInterrupted
	}

	advice := ""
	switch client.CodeOf(err) {
	case client.CodeUnauthorized:
		advice = "Set INLET_ADMIN_TOKEN to the operator's token, or run the command in the folder where the server was started"
	case client.CodeForbidden:
		advice = "Check INLET_ADMIN_TOKEN: this server does not allow that with it"
	case client.CodeLinkInvalid:
		advice = "Check that you copied the whole link"
	case client.CodeLinkExpired, client.CodeLinkRevoked, client.CodeLinkExhausted:
		advice = "Ask the person who gave you the link for a new one"
	}
	if _, network := errors.AsType[*client.NetworkError](err); network {
		advice = unreachable
	}

	if advice == "" {
		return err
	}
	return fmt.Errorf("%w\n%s", err, advice)
}
