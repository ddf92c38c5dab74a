package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"inlet/client"
)

func statsCommand() *cobra.Command {
	var watch, asJSON, recent bool
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Show how many pictures and uploads there are",
		Long: `Show the counters of pictures, uploads, formats and cameras, and of the last days.
With --recent show the files of the last two hours and the last seven days instead.
With --watch show them again whenever they change, until Ctrl-C.
` + settingsHelp,
		Example: `  inlet stats
  inlet stats --recent --watch
  inlet stats --json | jq .images.stored`,
		Args: cobra.NoArgs,
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, _ []string) error {
			show := showStats
			if recent {
				links := &linkLabels{op: op, labels: map[string]string{}}
				show = func(w io.Writer, doc client.Stats) error {
					links.ask(cmd.Context(), doc.Recent.Links)
					return showRecent(w, doc, links.labels)
				}
			}
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

	cmd.Flags().BoolVar(&recent, "recent", false, "show the files of the last minutes and hours; --json has these anyway")
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

	accepted := make([]int64, len(doc.Days))
	for i, d := range doc.Days {
		accepted[i] = d.Accepted
	}
	_, err := fmt.Fprintf(w, "\n%d DAYS  %s\n", len(doc.Days), sparkline(accepted, most(accepted)))
	return err
}

const (
	minutesALine = 30
	hoursALine   = 24
)

// linkLabels knows the labels of links by their ids.
type linkLabels struct {
	op     *client.Operator
	labels map[string]string // "" without a label
}

// ask adds the labels of links that are new. It asks once for each link: a server that
// refuses leaves the ids alone.
func (l *linkLabels) ask(ctx context.Context, recent client.RecentLinks) {
	missing := map[string]bool{}
	for _, link := range slices.Concat(recent.Minutes, recent.Hours) {
		if _, known := l.labels[link.LinkID]; !known {
			missing[link.LinkID] = true
			l.labels[link.LinkID] = ""
		}
	}
	if len(missing) == 0 {
		return
	}

	for link, err := range l.op.Links(ctx) {
		if err != nil {
			return
		}
		if missing[link.ID] && link.Label != nil {
			l.labels[link.ID] = *link.Label
		}
		if delete(missing, link.ID); len(missing) == 0 {
			return
		}
	}
}

// showRecent writes the last minutes and hours as lines of columns, and the busiest
// links with their labels by id. Times are in UTC, as days are.
func showRecent(w io.Writer, doc client.Stats, labels map[string]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(table, strings.Join(cells, "\t")) }
	row("MINUTES FROM", "ACCEPTED", "", "STORED", "DUPLICATES", "REJECTED")
	spanRows(row, doc.Recent.Minutes, minutesALine, "minute")
	row()
	row("HOURS FROM", "ACCEPTED", "", "STORED", "DUPLICATES", "REJECTED")
	spanRows(row, doc.Recent.Hours, hoursALine, "hour")

	if err := table.Flush(); err != nil {
		return err
	}

	for _, part := range []struct {
		title string
		links []client.BusyLink
	}{{"LINK, LAST 2 HOURS", doc.Recent.Links.Minutes}, {"LINK, LAST 7 DAYS", doc.Recent.Links.Hours}} {
		if len(part.links) == 0 {
			continue
		}
		row()
		row(part.title, "ACCEPTED", "LABEL")
		for _, l := range part.links {
			label := labels[l.LinkID]
			row(plain(l.LinkID), humanize.Comma(l.Files), orDash(&label))
		}
	}
	return table.Flush()
}

// spanRows writes a row for each so many spans, and what a bar stands for. All rows have
// one scale. unit is the length of a span.
func spanRows(row func(...string), spans []client.Span, perRow int, unit string) {
	accepted := make([]int64, len(spans))
	for i, s := range spans {
		accepted[i] = s.Accepted
	}
	highest := most(accepted)

	for i := 0; i < len(spans); i += perRow {
		end := min(i+perRow, len(spans))
		var sum client.Span
		for _, s := range spans[i:end] {
			sum.Accepted += s.Accepted
			sum.Stored += s.Stored
			sum.Duplicates += s.Duplicates
			sum.Rejected += s.Rejected
		}
		row(spans[i].At.UTC().Format("2006-01-02 15:04"), sparkline(accepted[i:end], highest), humanize.Comma(sum.Accepted),
			humanize.Comma(sum.Stored), humanize.Comma(sum.Duplicates), humanize.Comma(sum.Rejected))
	}
	row(legend(unit, highest))
}

// legend says what a sparkline's bars stand for.
func legend(unit string, highest int64) string {
	text := "Each " + unit + " is a bar: · none"
	if highest > 0 {
		text += ", █ " + countOf(highest, "file") + " accepted"
	}
	return text
}

func most(counts []int64) (highest int64) {
	for _, n := range counts {
		highest = max(highest, n)
	}
	return highest
}

// sparkline draws counts, highest in full height. A few look different from none.
func sparkline(counts []int64, highest int64) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, n := range counts {
		if n <= 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune(levels[n*int64(len(levels)-1)/highest])
	}
	return b.String()
}
