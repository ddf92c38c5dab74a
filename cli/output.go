package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
)

// output is where get and export write: standard output, or a file.
type output struct {
	path   string // "" or "-": standard output
	binary bool   // not to be shown on a terminal
}

// write calls fill with the output. A file has its name when fill has succeeded,
// and what was there before is there until then.
func (o output) write(cmd *cobra.Command, fill func(io.Writer) error) error {
	if o.path == "" || o.path == "-" {
		return fill(cmd.OutOrStdout())
	}
	// A device or a pipe is written to; it must not be replaced by a file.
	info, err := os.Stat(o.path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder", o.path)
	case err == nil && !info.Mode().IsRegular():
		return o.writeInto(fill)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return o.replace(fill)
}

// check refuses before anything is fetched.
func (o output) check(cmd *cobra.Command) error {
	_, screen := terminal(cmd.OutOrStdout())
	if screen && o.binary && (o.path == "" || o.path == "-") {
		return usagef(cmd, "this is nothing for a terminal: name a file with -o, or send it elsewhere with >")
	}
	return nil
}

func (o output) writeInto(fill func(io.Writer) error) error {
	f, err := os.OpenFile(o.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(fill(f), f.Close())
}

func (o output) replace(fill func(io.Writer) error) error {
	f, err := renameio.NewPendingFile(o.path,
		renameio.WithTempDir(filepath.Dir(o.path)), renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer func() { _ = f.Cleanup() }() // does nothing once the file has its name
	if err := fill(f); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}
