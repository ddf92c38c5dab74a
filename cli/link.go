package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"inlet/client"
)

func linkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "link",
		Short: "Create, list and revoke upload links",
		Long:  "Create, list and revoke upload links.\n" + settingsHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef(cmd, "name a subcommand: create, list or revoke")
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
		Short: "Create an upload link",
		Long: `Create an upload link and print its URL; on a terminal also print it as a QR code
for a phone. Anyone who has the URL can send pictures until the link expires, so
give it only to people whose pictures you want.
` + settingsHelp,
		Example: `  inlet link create --expires 7d --label Wedding
  inlet link create --expires 36h --max-files 100 --max-bytes 2GiB
  link=$(inlet link create) && inlet upload "$link" ~/DCIM`,
		Args: cobra.NoArgs,
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, _ []string) error {
			spec, err := flags.spec()
			if err != nil {
				return usagef(cmd, "%w", err)
			}
			created, err := op.CreateLink(cmd.Context(), spec)
			if err != nil {
				return err
			}
			if flags.json {
				return writeJSON(cmd.OutOrStdout(), created)
			}
			return showLink(cmd, created)
		}),
	}

	f := cmd.Flags()
	f.StringVar(&flags.expires, "expires", "7d",
		"the `TIME` to expire: after 90m, 36h or 7d, or at 2026-01-31T18:00:00Z; within 366 days")
	f.StringVar(&flags.notBefore, "not-before", "", "the `TIME` to begin to work: 2026-01-31 or 2026-01-31T08:00:00Z")
	f.Int64Var(&flags.maxFiles, "max-files", 0, "take at most `N` files in total (0: any number)")
	f.StringVar(&flags.maxBytes, "max-bytes", "", "take at most this `SIZE` in total, such as 500MB or 2GiB")
	f.StringVar(&flags.label, "label", "", "a `TEXT` that tells what the link is for, at most 200 characters")
	f.BoolVar(&flags.json, "json", false, "print the link as JSON")
	return cmd
}

// spec reads the flags.
func (f linkFlags) spec() (client.LinkSpec, error) {
	spec := client.LinkSpec{MaxFiles: f.maxFiles, Label: f.label, ExpiresIn: f.expires}
	if at, err := time.Parse(time.RFC3339, f.expires); err == nil {
		spec.ExpiresIn, spec.ExpiresAt = "", &at
	}
	if f.maxFiles < 0 {
		return spec, errors.New("--max-files must not be negative")
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

// showLink prints the URL, and on a terminal what a person needs besides.
func showLink(cmd *cobra.Command, created client.CreatedLink) error {
	out := cmd.OutOrStdout()
	fmt.Fprintln(out, created.URL)
	screen, ok := terminal(out)
	if !ok {
		return nil
	}

	fmt.Fprintln(out)
	switch err := writeQR(out, created.URL, columns(screen)); {
	case errors.Is(err, errTooNarrow):
		fmt.Fprintln(out, "(This terminal is too narrow for the QR code. Open the URL with /qr.png at its end.)")
	case err != nil:
		return err
	}
	fmt.Fprintf(out, "\nThe link expires on %s. To revoke it: inlet link revoke %s\n",
		created.ExpiresAt.Local().Format("Monday, 2 January 2006, 15:04"), plain(created.ID))
	return nil
}

func linkListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the links that have been used or revoked",
		Long: `List the links that have been used or revoked, newest use first. The server does not
record a link before its first use.
` + settingsHelp,
		Example: `  inlet link list
  inlet link list --json | jq -r 'select(.revoked | not) | .id'`,
		Args: cobra.NoArgs,
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, _ []string) error {
			return listLinks(cmd, op, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document a line")
	return cmd
}

func listLinks(cmd *cobra.Command, op *client.Operator, asJSON bool) error {
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(table, "ID\tLABEL\tFILES\tSIZE\tFIRST USED\tLAST USED\tREVOKED")
	}

	for used, err := range op.Links(cmd.Context()) {
		if err == nil && asJSON {
			err = writeJSON(cmd.OutOrStdout(), used)
		}
		if err != nil {
			return err
		}
		if asJSON {
			continue
		}

		revoked := "-"
		if used.Revoked {
			revoked = "yes"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plain(used.ID), orDash(used.Label),
			humanize.Comma(used.Files), bytesText(used.Bytes), moment(used.FirstUsedAt), moment(used.LastUsedAt), revoked)
	}
	return table.Flush()
}

func linkRevokeCommand() *cobra.Command {
	var erase, sure bool
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke a link before it expires",
		Long: `Revoke a link before it expires. Within two seconds every replica of the server
refuses it. With --erase the server also erases the pictures that came through this
link and through no other. That cannot be undone, so on a terminal the command asks first.
A file that a check answered as known was not sent and is not recorded for the link that
asked: it does not save its picture from being erased.
` + settingsHelp,
		Example: `  inlet link revoke NLQ4533M3KETENUSUXNPCONPL5
  inlet link revoke NLQ4533M3KETENUSUXNPCONPL5 --erase --yes`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeLinks,
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, args []string) error {
			if erase && !sure {
				err := confirm(cmd, "Erase the pictures that came through this link alone? This cannot be undone.")
				if err != nil {
					return err
				}
			}

			if err := op.RevokeLink(cmd.Context(), args[0], erase); err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "revoked")
			return nil
		}),
	}

	cmd.Flags().BoolVar(&erase, "erase", false, "also erase the pictures that came through this link alone")
	cmd.Flags().BoolVar(&sure, "yes", false, "erase without asking")
	return cmd
}

// completeLinks offers the ids of at most 100 links in use that arrive within two
// seconds.
func completeLinks(cmd *cobra.Command, args []string, _ string) (ids []cobra.Completion, _ cobra.ShellCompDirective) {
	op, err := operator(cmd)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}

	ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
	defer cancel()
	for used, err := range op.Links(ctx) {
		if err != nil || len(ids) == 100 {
			break
		}
		if !used.Revoked {
			ids = append(ids, cobra.CompletionWithDesc(plain(used.ID), orDash(used.Label)))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
