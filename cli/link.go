package cli

import (
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

func linkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "link",
		Short: "Make, list and revoke upload links",
		Long:  "Make, list and revoke upload links.\n" + settingsHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef(cmd, "say what to do: create, list or revoke")
		},
	}
	cmd.AddCommand(linkCreateCommand(), linkListCommand(), linkRevokeCommand())
	return cmd
}

// linkFlags are those of link create.
type linkFlags struct {
	expires, notBefore, maxBytes, label string
	maxFiles                            int64
	json                                bool
}

func linkCreateCommand() *cobra.Command {
	var flags linkFlags
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an upload link",
		Long: `Make an upload link and print its URL; on a terminal also as a QR code, for a
phone. Whoever has the URL can send pictures until the link expires, so treat it
as a secret.
` + settingsHelp,
		Example: `  inlet link create --expires 7d --label Wedding
  inlet link create --expires 36h --max-files 100 --max-bytes 2GiB
  link=$(inlet link create) && inlet upload "$link" ~/DCIM`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec, err := flags.spec()
			if err != nil {
				return usagef(cmd, "%w", err)
			}
			op, err := operator(cmd)
			if err != nil {
				return err
			}
			made, err := op.CreateLink(cmd.Context(), spec)
			if err != nil {
				return advised(err)
			}
			if flags.json {
				return writeJSON(cmd.OutOrStdout(), made)
			}
			return showLink(cmd, made)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.expires, "expires", "7d", "when it ends: after a time such as 90m, 36h or 7d, or at 2026-01-31T18:00:00Z; at most 366 days")
	f.StringVar(&flags.notBefore, "not-before", "", "when it begins, as a date or a time such as 2026-01-31T08:00:00Z")
	f.Int64Var(&flags.maxFiles, "max-files", 0, "how many files it takes in its life (0: any number)")
	f.StringVar(&flags.maxBytes, "max-bytes", "", "how many bytes it takes in its life, such as 500MB or 2GiB")
	f.StringVar(&flags.label, "label", "", "what it is for, at most 200 characters")
	f.BoolVar(&flags.json, "json", false, "print the server's document")
	return cmd
}

// spec reads the flags.
func (f linkFlags) spec() (client.LinkSpec, error) {
	spec := client.LinkSpec{MaxFiles: f.maxFiles, Label: f.label, ExpiresIn: f.expires}
	if at, err := time.Parse(time.RFC3339, f.expires); err == nil {
		spec.ExpiresIn, spec.ExpiresAt = "", &at
	}
	if f.maxFiles < 0 {
		return spec, errors.New("--max-files is negative")
	}
	if f.notBefore != "" {
		at, err := parseTime(f.notBefore)
		if err != nil {
			return spec, fmt.Errorf("--not-before %w", err)
		}
		spec.NotBefore = &at
	}
	if f.maxBytes != "" {
		n, err := parseSize(f.maxBytes)
		if err != nil {
			return spec, fmt.Errorf("--max-bytes %w", err)
		}
		spec.MaxBytes = n
	}
	return spec, nil
}

// showLink prints the URL alone to whatever is no terminal.
func showLink(cmd *cobra.Command, made client.CreatedLink) error {
	out := cmd.OutOrStdout()
	fmt.Fprintln(out, made.URL)
	screen, ok := terminal(out)
	if !ok {
		return nil
	}
	fmt.Fprintln(out)
	switch err := writeQR(out, made.URL, columns(screen)); {
	case errors.Is(err, errTooNarrow):
		fmt.Fprintln(out, "(For the QR code the terminal is too narrow; it is also at the URL with /qr.png.)")
	case err != nil:
		return err
	}
	fmt.Fprintf(out, "\nGood until %s. To revoke it: inlet link revoke %s\n",
		made.ExpiresAt.Local().Format("Monday, 2 January 2006, 15:04"), plain(made.ID))
	return nil
}

func linkListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the links that have been used or revoked",
		Long: `List the links that have been used or revoked, newest use first. A link that
nobody has used yet is written down nowhere.
` + settingsHelp,
		Example: `  inlet link list
  inlet link list --json | jq -r 'select(.revoked | not) | .id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			op, err := operator(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				return listJSON(cmd, op)
			}
			return listTable(cmd, op)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document a line")
	return cmd
}

func listJSON(cmd *cobra.Command, op *client.Operator) error {
	for link, err := range op.Links(cmd.Context()) {
		if err != nil {
			return advised(err)
		}
		if err := writeJSON(cmd.OutOrStdout(), link); err != nil {
			return err
		}
	}
	return nil
}

func listTable(cmd *cobra.Command, op *client.Operator) error {
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tLABEL\tFILES\tSIZE\tFIRST USED\tLAST USED\tREVOKED")
	for link, err := range op.Links(cmd.Context()) {
		if err != nil {
			return advised(err)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plain(link.ID), plain(orDash(link.Label)),
			humanize.Comma(link.Files), bytesText(link.Bytes), moment(link.FirstUsedAt), moment(link.LastUsedAt), yes(link.Revoked))
	}
	return table.Flush()
}

func linkRevokeCommand() *cobra.Command {
	var erase, sure bool
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke a link before its time",
		Long: `Revoke a link before its time. It is refused from now on, everywhere within two
seconds. With --erase the pictures that came through it, and through no other
link, are erased too, which cannot be undone: on a terminal that is asked first.
` + settingsHelp,
		Example: `  inlet link revoke 0192a7c4-…
  inlet link revoke 0192a7c4-… --erase --yes`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeLinks,
		RunE: func(cmd *cobra.Command, args []string) error {
			op, err := operator(cmd)
			if err != nil {
				return err
			}
			if erase && !sure {
				agreed, err := confirm(cmd, "Erase the pictures that came through this link alone? This cannot be undone.")
				if err != nil {
					return err
				}
				if !agreed {
					return errors.New("nothing was done")
				}
			}
			if err := op.RevokeLink(cmd.Context(), args[0], erase); err != nil {
				return advised(err)
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "revoked")
			return nil
		},
	}
	cmd.Flags().BoolVar(&erase, "erase", false, "also erase the pictures that came through it alone")
	cmd.Flags().BoolVar(&sure, "yes", false, "do not ask")
	return cmd
}

// completeLinks offers the ids of the links in use, as far as they are known
// quickly.
func completeLinks(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const enough = 100
	op, err := operator(cmd)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
	defer cancel()
	var ids []cobra.Completion
	for link, err := range op.Links(ctx) {
		if err != nil || len(ids) == enough {
			break
		}
		if !link.Revoked {
			ids = append(ids, cobra.CompletionWithDesc(plain(link.ID), plain(orDash(link.Label))))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// writeJSON writes a document as one line. Addresses stay as they are.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
