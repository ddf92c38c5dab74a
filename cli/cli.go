// Package cli owns the commands with which people use an Inlet server from a
// terminal or a script: links, uploads, statistics, pictures, exports. They know
// the server through package client alone.
//
// It promises that results go to standard output and everything else to standard
// error; that bars, colours and questions appear on terminals only; that what
// comes from files and servers cannot steer a terminal; that no output file looks
// whole before it is; and that the exit status says how it went.
package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// The exit statuses.
const (
	exitFailure  = 1 // something failed, or was interrupted
	exitUsage    = 2 // the command line or a setting is wrong
	exitRejected = 3 // all went well, but some files were refused
)

const groupID = "client"

// Add adds the commands to root.
func Add(root *cobra.Command) {
	root.AddGroup(&cobra.Group{ID: groupID, Title: "Commands that use a server (INLET_URL, INLET_ADMIN_TOKEN):"})
	for _, cmd := range []*cobra.Command{
		linkCommand(), uploadCommand(), statsCommand(), getCommand(), exportCommand(),
	} {
		cmd.GroupID = groupID
		root.AddCommand(cmd)
	}
	root.SetCompletionCommandGroupID(groupID)
	root.SetHelpCommandGroupID(groupID)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{cmd.CommandPath(), err} })
	markUsage(root)
}

// markUsage has wrong arguments of all commands reported as such.
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

// ExitStatus is what a process ends with after err.
func ExitStatus(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, errRejected):
		return exitRejected
	}
	return exitFailure
}

// usageError is a command that cannot be followed as it was given.
type usageError struct {
	command string
	err     error
}

func (e usageError) Error() string {
	return fmt.Sprintf("%v\nSee: %s --help", e.err, e.command)
}

func (e usageError) Unwrap() error { return e.err }

// usagef makes a usageError of cmd.
func usagef(cmd *cobra.Command, format string, args ...any) error {
	return usageError{cmd.CommandPath(), fmt.Errorf(format, args...)}
}
