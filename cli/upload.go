package cli

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"inlet/client"
)

// errRejected ends an upload whose only failures are files that the server rejected.
var errRejected = errors.New("rejected")

// uploadFlags are those of upload.
type uploadFlags struct {
	parallel, tries   int
	resumableOver     string
	name              string
	all, json, dryRun bool
}

func uploadCommand() *cobra.Command {
	var flags uploadFlags
	cmd := &cobra.Command{
		Use:   "upload LINK FILE|FOLDER…",
		Short: "Send pictures through an upload link",
		Long: `Send pictures through an upload link: files, whole folders, or one file from
standard input (-). You need nothing but the link.

The command hashes the files, asks the server which of them it has, and sends the
rest. If an upload is interrupted, run the same command again: it sends what is
missing, and large files from where they broke off.

In folders, the command skips hidden files and files whose content is not a picture;
--all sends them too. It always sends a file that you name.

The command prints a line for each file (on a terminal only for rejected and failed
ones) and a summary. With --json each line is a JSON document: the server's result
with "path" added, and at the end {"summary":{…}}. The statuses are:
  stored     the server stored the file
  duplicate  the server already had the picture
  known      the server already had these bytes, so they were not sent
  rejected   the server does not accept the file
  failed     the file could not be read or sent
  new        the file would be sent (only with --dry-run)

Exit status:
  0  the server has every file
  1  something failed or was interrupted
  2  the command line is wrong
  3  every file was sent, but the server rejected some`,
		Example: `  inlet upload https://pictures.example.org/u/eyJhb… ~/DCIM
  inlet upload "$link" a.jpg b.heic
  inlet upload "$link" ~/DCIM --dry-run
  inlet upload "$link" ~/DCIM --json | jq -r 'select(.status == "rejected") | .path'
  scan | inlet upload "$link" - --name page-1.tiff`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := newUpload(cmd, flags, args[0])
			if err != nil {
				return err
			}
			return u.run(cmd.Context(), args[1:])
		},
	}

	f := cmd.Flags()
	f.IntVar(&flags.parallel, "parallel", 4, "send `N` files at once, 1 to 32")
	f.IntVar(&flags.tries, "tries", 10, "give up after `N` failures in a row; 10 take about 90 seconds")
	f.StringVar(&flags.resumableOver, "resumable-over", "8MiB", "resume files larger than `SIZE` from where they broke off")
	f.StringVar(&flags.name, "name", "", "send standard input as a file of this `NAME`")
	f.BoolVar(&flags.all, "all", false, "also send hidden files and files that are not pictures")
	f.BoolVar(&flags.json, "json", false, "print one JSON document a line")
	f.BoolVar(&flags.dryRun, "dry-run", false, "print what would be sent, and send nothing")
	return cmd
}

// upload is one run of the command.
type upload struct {
	uploadFlags
	cmd      *cobra.Command
	link     *client.Link
	over     int64 // bytes; larger files are resumable
	report   *report
	bars     *bars
	sessions sessions
	noResume atomic.Bool // the server has no resumable uploads
	maxFile  int64       // bytes, the server's limit
}

func newUpload(cmd *cobra.Command, flags uploadFlags, address string) (*upload, error) {
	over, err := parseSize(flags.resumableOver)
	switch {
	case err != nil:
		return nil, usagef(cmd, "--resumable-over %w", err)
	case flags.parallel < 1 || flags.parallel > 32:
		return nil, usagef(cmd, "--parallel must be between 1 and 32")
	case flags.tries < 1:
		return nil, usagef(cmd, "--tries must be at least 1")
	}

	u := &upload{uploadFlags: flags, cmd: cmd, over: over, bars: newBars(cmd, flags.json)}
	u.report = newReport(cmd, u.bars, flags.json)
	retrying := func(err error, pause time.Duration) { u.report.note(retryText(err, pause)) }
	u.link, err = client.NewLink(address, client.Options{Tries: flags.tries, Retrying: retrying})
	if err != nil {
		return nil, usagef(cmd, "%w", err)
	}

	u.sessions = openSessions(time.Now())
	return u, nil
}

// run finds the files, asks which of them the server has, sends the others, and
// prints the summary.
func (u *upload) run(ctx context.Context, args []string) error {
	defer u.bars.close()
	state, err := u.link.State(ctx)
	if err != nil {
		return linkAdvice(err)
	}
	u.maxFile = state.MaxFileBytes

	files, cleanUp, err := u.find(ctx, args)
	defer cleanUp()
	if err != nil {
		return err
	}

	missing, err := u.plan(ctx, files)

	u.report.plan(missing)
	switch {
	case err != nil:
	case u.dryRun:
		u.report.wouldSend(missing)
	default:
		err = u.sendAll(ctx, missing)
	}

	u.bars.close()
	return u.conclude(ctx, err)
}

// conclude prints the summary and words how the upload ended.
func (u *upload) conclude(ctx context.Context, err error) error {
	sum, printErr := u.report.end()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w; run the same command again to go on", errInterrupted)
	case err != nil:
		return linkAdvice(err)
	case printErr != nil:
		return printErr
	case sum.Failed > 0:
		return fmt.Errorf("%s failed; run the same command again to retry", english.Plural(sum.Failed, "file", ""))
	case sum.Rejected > 0:
		return fmt.Errorf("%s %w", english.Plural(sum.Rejected, "file", ""), errRejected)
	}
	return nil
}

func linkAdvice(err error) error {
	return advised(err, "Check the connection and the link, then run the same command again to go on: what has arrived stays")
}
