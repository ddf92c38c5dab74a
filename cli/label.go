package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"inlet/client"
)

func labelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "label",
		Short: "Label pictures, and accept what the model predicts",
		Long: `Label pictures. A model learns from the labels, and predicts them for all other
pictures: see inlet model.
` + settingsHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef(cmd, "name a subcommand: list, set, add, remove, accept or import")
		},
	}
	cmd.AddCommand(labelListCommand(), labelSetCommand(), labelChangeCommand("add"), labelChangeCommand("remove"),
		labelAcceptCommand(), labelImportCommand())
	return cmd
}

func labelListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the labels and how many pictures bear them",
		Long:  "List all labels in use, the most frequent first.\n" + settingsHelp,
		Example: `  inlet label list
  inlet label list --json | jq '.labels[0]'`,
		Args: cobra.NoArgs,
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, _ []string) error {
			got, err := op.Labels(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), got)
			}

			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "LABEL\tPICTURES")
			for _, l := range got.Labels {
				fmt.Fprintf(table, "%s\t%s\n", plain(l.Label), humanize.Comma(l.Images))
			}
			return table.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the labels as JSON")
	return cmd
}

func labelSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "set ID [LABEL]…",
		Short:   "Replace the labels of a picture",
		Long:    "Replace the labels of a picture; without labels, take all of them away.\n" + settingsHelp,
		Example: `  inlet label set 0192a7c4-… cat indoor`,
		Args:    cobra.MinimumNArgs(1),
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, args []string) error {
			labels, err := op.SetLabels(cmd.Context(), args[0], append([]string{}, args[1:]...))
			return printLabels(cmd, labels, err)
		}),
	}
}

// labelChangeCommand adds or removes a label of pictures, or of all that match.
func labelChangeCommand(verb string) *cobra.Command {
	var filters []string
	short, example := "Add a label to pictures", `  inlet label add cat 0192a7c4-… 0192a7c5-…
  inlet label add draft --filter link=3f2a… --filter labelled=false`
	if verb == "remove" {
		short, example = "Remove a label from pictures", `  inlet label remove cat 0192a7c4-…
  inlet label remove draft --filter label=draft`
	}
	cmd := &cobra.Command{
		Use:     verb + " LABEL [ID]…",
		Short:   short,
		Long:    short + ": those that the ids name, or all that match the\nfilters of GET /v1/images.\n" + settingsHelp,
		Example: example,
		Args:    cobra.MinimumNArgs(1),
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, args []string) error {
			if (len(args) > 1) == (len(filters) > 0) {
				return usagef(cmd, "name either ids or --filter")
			}
			batch, err := labelBatch(verb, args, filters)
			if err != nil {
				return usagef(cmd, "%w", err)
			}
			n, err := op.ChangeLabels(cmd.Context(), batch)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), countOf(n, "picture"))
			return nil
		}),
	}
	cmd.Flags().StringArrayVar(&filters, "filter", nil, "all pictures with this `NAME=VALUE`, such as format=jpeg or predicted=cat")
	return cmd
}

func labelBatch(verb string, args, filters []string) (client.Batch, error) {
	batch := client.Batch{IDs: args[1:]}
	if len(filters) > 0 {
		batch.IDs, batch.Filter = nil, map[string]string{}
	}
	for _, f := range filters {
		name, value, found := strings.Cut(f, "=")
		if !found {
			return batch, fmt.Errorf("--filter wants NAME=VALUE, not %q", f)
		}
		batch.Filter[name] = value
	}
	if verb == "add" {
		batch.AddLabels = args[:1]
	} else {
		batch.RemoveLabels = args[:1]
	}

	return batch, nil
}

func labelAcceptCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "accept ID [LABEL]",
		Short: "Make a label of what the model predicts for a picture",
		Long:  "Make the likeliest prediction of a picture, or the given label, a label of it.\n" + settingsHelp,
		Example: `  inlet label accept 0192a7c4-…
  inlet label accept 0192a7c4-… cat`,
		Args: cobra.RangeArgs(1, 2),
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, args []string) error {
			label := ""
			if len(args) > 1 {
				label = args[1]
			}
			labels, err := op.AcceptPrediction(cmd.Context(), args[0], label)
			return printLabels(cmd, labels, err)
		}),
	}
}

func printLabels(cmd *cobra.Command, labels []string, err error) error {
	for _, l := range labels {
		fmt.Fprintln(cmd.OutOrStdout(), plain(l))
	}
	return err
}

// maxTable is the largest table of labels that a server takes, in bytes.
const maxTable = 16 << 20

func labelImportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Add labels from a CSV file",
		Long: `Add labels from a CSV file with the columns id and label, one label a line; - reads
standard input. A first line that names the columns may put label first. Importing a
file twice does no harm.
` + settingsHelp,
		Example: `  inlet label import labels.csv`,
		Args:    cobra.ExactArgs(1),
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, args []string) error {
			in := cmd.InOrStdin()
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer file.Close()
				in = file
			}
			table, err := io.ReadAll(io.LimitReader(in, maxTable+1))
			if err != nil {
				return err
			}
			if len(table) > maxTable {
				return errors.New("the file is larger than 16 MiB: split it")
			}

			done, err := op.ImportLabels(cmd.Context(), table)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), countOf(done.Set, "label"))
			for _, id := range done.Unknown {
				fmt.Fprintf(cmd.ErrOrStderr(), "unknown: %s\n", plain(id))
			}
			return nil
		}),
	}
}
