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

// errRejected ends an upload that went well but for files that were refused.
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
		Short: "Send pictures through a link",
		Long: `Send pictures through a link: files, whole folders, or one file from standard
input (-). Nothing but the link is needed.

What the server has already is not sent: files are hashed, and asked for first.
So an upload that was interrupted goes on when it is run again; large files go
on where they were cut off.

In folders, hidden files and those that are no pictures by their content are
skipped; --all sends them too. A file that is named is always sent.

One line is printed for each file (on a terminal only for those that were not
taken), and a summary. With --json each line is a JSON document, the results
entry of the server with "path"; the last one is {"summary":{…}}. The statuses:
stored, duplicate (the server knew the picture), known (not sent, the server has
these bytes), rejected, failed.

Exit status: 0 all files are there; 1 something failed or was interrupted; 2 the
command was wrong; 3 all were sent, but some were rejected.`,
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
	f.IntVar(&flags.parallel, "parallel", 4, "how many files are sent at once, 1 to 32")
	f.IntVar(&flags.tries, "tries", 10, "how often in a row a request may fail; 10 are about a minute and a half")
	f.StringVar(&flags.resumableOver, "resumable-over", "8MiB", "files larger than this go on where they were cut off")
	f.StringVar(&flags.name, "name", "", "what the file from standard input is called")
	f.BoolVar(&flags.all, "all", false, "send hidden files and those that are no pictures too")
	f.BoolVar(&flags.json, "json", false, "print one JSON document a line")
	f.BoolVar(&flags.dryRun, "dry-run", false, "say what would be sent, and send nothing")
	return cmd
}

// upload is one run of the command.
type upload struct {
	uploadFlags
	cmd      *cobra.Command
	link     *client.Link
	over     int64 // larger files are sent resumably
	report   *report
	bars     *bars
	sessions sessions
	// noResume is set when the server has no resumable uploads.
	noResume atomic.Bool
	maxFile  int64 // bytes, as the server says
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
	u.link, err = client.NewLink(address, client.Options{Tries: flags.tries, Retrying: u.report.retrying})
	if err != nil {
		return nil, usagef(cmd, "%w", err)
	}
	u.sessions = openSessions(time.Now())
	return u, nil
}

// run is the way of an upload: look, ask, send, sum up.
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
	fresh, err := u.plan(ctx, files)
	switch {
	case err != nil:
	case u.dryRun:
		u.report.plan(fresh)
		u.report.wouldSend(fresh)
	default:
		err = u.sendAll(ctx, fresh)
	}
	u.bars.close()
	return u.conclude(ctx, err)
}

// conclude prints the summary and finds the words for how it ended.
func (u *upload) conclude(ctx context.Context, err error) error {
	sum, writeErr := u.report.end()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w; run the same command again to go on", errInterrupted)
	case err != nil:
		return linkAdvice(err)
	case writeErr != nil:
		return writeErr
	case sum.Failed > 0:
		return fmt.Errorf("%s failed; run the same command again to try anew", english.Plural(sum.Failed, "file", ""))
	case sum.Rejected > 0:
		return fmt.Errorf("%s %w", english.Plural(sum.Rejected, "file", ""), errRejected)
	}
	return nil
}

// linkAdvice says what someone who has a link can do about a failure.
func linkAdvice(err error) error {
	if errors.Is(err, context.Canceled) {
		return errInterrupted
	}
	switch client.CodeOf(err) {
	case client.CodeLinkInvalid:
		return fmt.Errorf("%w\nCheck that the link was copied whole", err)
	case client.CodeLinkExpired, client.CodeLinkRevoked, client.CodeLinkExhausted:
		return fmt.Errorf("%w\nAsk whoever gave you the link for a new one", err)
	}
	var network *client.NetworkError
	if errors.As(err, &network) {
		return fmt.Errorf("%w\nWhat has arrived is kept: run the same command again to go on", err)
	}
	return err
}
