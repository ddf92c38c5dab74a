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
	"context"
	"errors"
	"fmt"

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
		linkCommand(), uploadCommand(), statsCommand(), getCommand(), exportCommand(),
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
