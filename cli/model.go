package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"inlet/client"
)

func modelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Train, compare and serve models of your labels",
		Long: `Train, compare and serve models. A model learns from the labels of pictures, and
predicts labels for all others. The server trains by itself when enough labels have
changed, and serves a new model only if it is better than the one before.
` + settingsHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef(cmd, "name a subcommand: list, show, train or promote")
		},
	}
	cmd.AddCommand(modelListCommand(), modelShowCommand(), modelTrainCommand(), modelPromoteCommand())
	return cmd
}

func modelListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the models, and the training under way",
		Long:  "List the models, the newest first, the training under way and how far the predictions are.\n" + settingsHelp,
		Example: `  inlet model list
  inlet model list --json | jq -r .serving`,
		Args: cobra.NoArgs,
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, _ []string) error {
			got, err := op.Models(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), got)
			}
			return showModels(cmd.OutOrStdout(), got)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print everything as JSON")
	return cmd
}

// longestWhy is how many characters of a model's reason fit beside the figures. The
// JSON has all of it.
const longestWhy = 60

const noModel = `There is no model yet. A model needs at least two labels with enough pictures each:
eight, unless the server's INLET_TRAIN_MIN says otherwise.
See: inlet label list, inlet model train
`

// showModels writes a table of the models, and what the server does with them.
func showModels(out io.Writer, got client.Models) error {
	if len(got.Models) == 0 {
		if _, err := io.WriteString(out, noModel); err != nil {
			return err
		}
		return showProgress(out, got)
	}

	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MODEL\tTRAINED\tPICTURES\tLABELS\tRIGHT\tF1\t\tWHY")
	for _, m := range got.Models {
		state := ""
		if m.Serving {
			state = "serving"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%.1f%%\t%.2f\t%s\t%s\n", plain(m.Version), m.TrainedAt.Local().Format("2006-01-02 15:04"),
			humanize.Comma(m.Images), len(m.Labels), 100*m.Metrics.Accuracy, m.Metrics.MacroF1, state, cut(plain(m.Reason), longestWhy))
	}
	if err := table.Flush(); err != nil {
		return err
	}

	return showProgress(out, got)
}

// showProgress writes how far the predictions and the training are.
func showProgress(out io.Writer, got client.Models) error {
	fmt.Fprintln(out)
	if got.Serving != nil {
		fmt.Fprintf(out, "Predicted: %s of %s\n", humanize.Comma(got.Predicted.Done), countOf(got.Predicted.Total, "picture"))
	}
	if t := got.Training; t != nil {
		fmt.Fprintf(out, "Training:  %s, %.0f%%\n", plain(t.Stage), 100*t.Progress)
	}
	_, err := fmt.Fprintf(out, "Labels changed since the last training: %s\n", humanize.Comma(got.Pending.LabelsChanged))
	if got.Last != nil && err == nil {
		_, err = fmt.Fprintf(out, "Last training: %s\n", plain(got.Last.Outcome))
	}
	return err
}

func modelShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show VERSION",
		Short:   "Show a model with all of its metrics, as JSON",
		Long:    "Show a model with its confusion matrix, learning curve and calibration, as JSON.\n" + settingsHelp,
		Example: `  inlet model show v3 | jq .metrics`,
		Args:    cobra.ExactArgs(1),
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, args []string) error {
			doc, err := op.Model(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var text bytes.Buffer
			if err := json.Indent(&text, doc, "", "  "); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), &text)
			return err
		}),
	}
}

func modelTrainCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a model now",
		Long: "Ask the server to train a model now. With --wait show its progress until it has ended,\n" +
			"and fail unless it stored a model, promoted or not.\n" + settingsHelp,
		Example: `  inlet model train
  inlet model train --wait`,
		Args: cobra.NoArgs,
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, _ []string) error {
			t, err := op.Train(cmd.Context())
			problem, refused := errors.AsType[*client.ProblemError](err)
			if err != nil && (!wait || !refused || problem.Code != "already-training") {
				return err
			}
			if !wait {
				fmt.Fprintf(cmd.OutOrStdout(), "asked for: %s\nSee: inlet model list\n", plain(t.ID))
				return nil
			}
			return awaitTraining(cmd, op, t.ID)
		}),
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the training has ended")
	return cmd
}

// awaitTraining tells each stage of a training, and in the end its outcome, which is
// an error if it stored no model. An empty id stands for the training that runs.
func awaitTraining(cmd *cobra.Command, op *client.Operator, id string) error {
	for stage := ""; ; {
		got, err := op.Models(cmd.Context())
		if err != nil {
			return err
		}
		if id == "" && got.Training != nil {
			id = got.Training.ID
		}
		if got.Training == nil || got.Training.ID != id {
			return outcomeOf(cmd, got, id)
		}
		if got.Training.Stage != stage {
			stage = got.Training.Stage
			fmt.Fprintln(cmd.ErrOrStderr(), plain(stage)+"…")
		}

		select {
		case <-cmd.Context().Done():
			return context.Cause(cmd.Context())
		case <-time.After(time.Second):
		}
	}
}

// outcomeOf prints the outcome of a training that has ended; an empty id stands for
// the last one.
func outcomeOf(cmd *cobra.Command, got client.Models, id string) error {
	last := got.Last
	if last == nil || id != "" && (last.ID == nil || *last.ID != id) {
		return fmt.Errorf("the training %s has ended, and another one since; see: inlet model list", plain(id))
	}
	if last.Model == nil {
		return errors.New(plain(last.Outcome))
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), plain(last.Outcome))

	return err
}

func modelPromoteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "promote VERSION",
		Short:   "Serve a model from now on",
		Long:    "Serve a model from now on: the newest one in spite of its metrics, or an earlier one\nagain.\n" + settingsHelp,
		Example: `  inlet model promote v2`,
		Args:    cobra.ExactArgs(1),
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, args []string) error {
			m, err := op.Promote(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s serves now; the predictions follow\n", plain(m.Version))
			return nil
		}),
	}
}
