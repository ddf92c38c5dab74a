package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"inlet/client"
)

func statsCommand() *cobra.Command {
	var watch, asJSON bool
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Show the counters",
		Long: `Show the counters: pictures, uploads, formats, cameras, and the last 30 days. With
--watch they are shown anew as they change, until Ctrl-C.
` + settingsHelp,
		Example: `  inlet stats
  inlet stats --watch
  inlet stats --json | jq .images.stored`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			op, err := operator(cmd)
			if err != nil {
				return err
			}
			show := showStats
			if asJSON {
				show = func(w io.Writer, doc client.Stats) error { return writeJSON(w, doc) }
			}
			if watch {
				return advised(watchStats(cmd, op, show, asJSON))
			}
			doc, err := op.Stats(cmd.Context())
			if err != nil {
				return advised(err)
			}
			return show(cmd.OutOrStdout(), doc)
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "show them as they change")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server's document; with --watch, one a line")
	return cmd
}

// watchStats draws over what it has drawn, on a terminal.
func watchStats(cmd *cobra.Command, op *client.Operator, show func(io.Writer, client.Stats) error, asJSON bool) error {
	const home, cleared = "\x1b[H", "\x1b[2J"
	_, redraw := terminal(cmd.OutOrStdout())
	redraw = redraw && !asJSON
	if redraw {
		if _, err := io.WriteString(cmd.OutOrStdout(), cleared); err != nil {
			return err
		}
	}
	for doc, err := range op.WatchStats(cmd.Context()) {
		if cmd.Context().Err() != nil {
			return nil // Ctrl-C is how it ends
		}
		if err != nil {
			return err
		}
		var page bytes.Buffer
		if err := show(&page, doc); err != nil {
			return err
		}
		text := page.String()
		if redraw { // each line is cleared to its end, and what was below the last
			text = home + strings.ReplaceAll(text, "\n", "\x1b[K\n") + "\x1b[J"
		}
		if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
			return err
		}
	}
	return context.Cause(cmd.Context())
}

// showStats writes the document as tables.
func showStats(w io.Writer, doc client.Stats) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(table, strings.Join(cells, "\t")) }
	row("PICTURES", humanize.Comma(doc.Images.Stored), bytesText(doc.Images.Bytes))
	row("UPLOADS", humanize.Comma(doc.Uploads.Accepted), fmt.Sprintf("%s stored, %s duplicates, %s rejected",
		humanize.Comma(doc.Uploads.Stored), humanize.Comma(doc.Uploads.Duplicates), humanize.Comma(doc.Uploads.Rejected)))
	row()
	row("FORMAT", "PICTURES")
	for _, f := range doc.Formats {
		row(plain(f.Format), humanize.Comma(f.Images))
	}
	row()
	row("CAMERA", "PICTURES")
	for _, c := range doc.Cameras {
		row(plain(c.Model), humanize.Comma(c.Images))
	}
	if len(doc.Days) > 0 {
		row()
		row("DAY", "ACCEPTED", "STORED", "DUPLICATES", "SIZE", "UPLOADERS")
		for _, d := range lately(doc.Days) {
			row(plain(d.Date), humanize.Comma(d.Accepted), humanize.Comma(d.Stored), humanize.Comma(d.Duplicates),
				bytesText(d.Bytes), humanize.Comma(d.Uploaders))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d DAYS  %s\n", len(doc.Days), sparkline(doc.Days))
	return err
}

// lately is the last week; the line of all days stands below.
func lately(days []client.Day) []client.Day { return days[max(0, len(days)-7):] }

// sparkline draws the files accepted each day, the highest day in full height.
// A day with few is told from one with none.
func sparkline(days []client.Day) string {
	const steps = "▁▂▃▄▅▆▇█"
	levels := []rune(steps)
	most := int64(0)
	for _, d := range days {
		most = max(most, d.Accepted)
	}
	var b strings.Builder
	for _, d := range days {
		if d.Accepted <= 0 {
			b.WriteRune('·')
			continue
		}
		top := int64(len(levels) - 1)
		b.WriteRune(levels[d.Accepted*top/most])
	}
	return b.String()
}
