// Command inlet collects pictures by link. This package reads the configuration,
// wires the other packages, runs them and stops them.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"inlet/cli"
)

func main() {
	// The first signal begins a graceful stop; a second one ends the process at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "inlet: %v\n", err)
		os.Exit(cli.ExitStatus(err))
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "inlet",
		Short: "Inlet collects pictures by link",
		Long: `Inlet collects pictures by link. Without a command it starts the service, as serve
does. Some of the other commands manage a service, the others use one as a client.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          run(serve),
	}
	serveCommand := &cobra.Command{Use: "serve", Short: "Start the service (the default)", Args: cobra.NoArgs, RunE: run(serve)}
	usage := serveCommand.HelpFunc()
	serveCommand.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		usage(cmd, args)
		fmt.Fprintln(cmd.OutOrStdout(), "\nSettings are environment variables. On one machine the service runs without any:")
		printSettings(cmd.OutOrStdout())
	})

	const group = "service"
	root.AddGroup(&cobra.Group{ID: group, Title: "Commands that run the service:"})
	for _, cmd := range []*cobra.Command{
		serveCommand,
		{Use: "migrate", Short: "Bring the database's schema up to date", Args: cobra.NoArgs, RunE: run(migrate)},
		{Use: "rebuild-stats", Short: "Count everything in Postgres again and replace the statistics in Redis", Args: cobra.NoArgs, RunE: run(rebuildStats)},
		{Use: "healthcheck", Short: "Exit with status 0 if the service on INLET_ADDR runs", Args: cobra.NoArgs, RunE: run(healthcheck)},
		{Use: "version", Short: "Print the version", Args: cobra.NoArgs, Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintln(cmd.OutOrStdout(), version())
		}},
	} {
		cmd.GroupID = group
		root.AddCommand(cmd)
	}
	cli.Add(root)
	return root
}

// run gives a command the configuration.
func run(command func(context.Context, config) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig()
		if err != nil {
			return fmt.Errorf("the configuration is wrong (see inlet serve -h):\n%w", err)
		}
		err = command(cmd.Context(), cfg)
		if cmd.Context().Err() != nil && errors.Is(err, context.Canceled) {
			return nil // a signal came before the service had started
		}
		return err
	}
}

func healthcheck(ctx context.Context, cfg config) error {
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(reachable(host), port)+"/healthz", nil)
	if err != nil {
		return err
	}

	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New("unhealthy: " + res.Status)
	}

	return nil
}

// build returns the binary's version, its commit (empty if unknown), and Go's version.
func build() (release, revision, goVersion string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", "", "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}

	return info.Main.Version, revision, info.GoVersion
}

func version() string {
	release, revision, goVersion := build()
	if revision != "" {
		release += " " + revision[:min(12, len(revision))]
	}
	return "inlet " + release + " " + goVersion
}
