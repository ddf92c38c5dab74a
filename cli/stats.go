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
		Short: "Show how many pictures and uploads there are",
		Long: `Show the counters of pictures, uploads, formats and cameras, and of the last days.
With --watch show them again whenever they change, until Ctrl-C.
` + settingsHelp,
		Example: `  inlet stats
  inlet stats --watch
  inlet stats --json | jq .images.stored`,
		Args: cobra.NoArgs,
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, _ []string) error {
			show := showStats
			if asJSON {
				show = func(w io.Writer, doc client.Stats) error { return writeJSON(w, doc) }
			}
			if watch {
				return watchStats(cmd, op, show, asJSON)
			}

			doc, err := op.Stats(cmd.Context())
			if err != nil {
				return err
			}
			return show(cmd.OutOrStdout(), doc)
		}),
	}

	cmd.Flags().BoolVar(&watch, "watch", false, "show the counters whenever they change")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the counters as JSON; with --watch one document a line")
	return cmd
}

// watchStats shows each document; on a terminal it draws over the one before.
func watchStats(cmd *cobra.Command, op *client.Operator, show func(io.Writer, client.Stats) error, asJSON bool) error {
	const home, clearScreen, clearLine, clearBelow = "\x1b[H", "\x1b[2J", "\x1b[K", "\x1b[J"
	_, screen := terminal(cmd.OutOrStdout())
	start := clearScreen + home

	for doc, err := range op.WatchStats(cmd.Context()) {
		if cmd.Context().Err() != nil {
			return nil // Ctrl-C is how a watch ends
		}
		if err != nil {
			return err
		}

		var page bytes.Buffer
		if err := show(&page, doc); err != nil {
			return err
		}

		text := page.String()
		if screen && !asJSON {
			text = start + strings.ReplaceAll(text, "\n", clearLine+"\n") + clearBelow
			start = home
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
	}
	for _, d := range doc.Days[max(0, len(doc.Days)-7):] {
		row(plain(d.Date), humanize.Comma(d.Accepted), humanize.Comma(d.Stored), humanize.Comma(d.Duplicates),
			bytesText(d.Bytes), humanize.Comma(d.Uploaders))
	}
	if err := table.Flush(); err != nil {
		return err
	}

	_, err := fmt.Fprintf(w, "\n%d DAYS  %s\n", len(doc.Days), sparkline(doc.Days))
	return err
}

// sparkline draws the files accepted each day, the highest day in full height. A day
// with few files looks different from a day without.
func sparkline(days []client.Day) string {
	levels := []rune("▁▂▃▄▅▆▇█")
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
		b.WriteRune(levels[d.Accepted*int64(len(levels)-1)/most])
	}
	return b.String()
}
