// Command inlet collects pictures by link. It reads the configuration, wires
// the parts, runs them and stops them; nothing else is here.
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
	// The first signal begins a graceful stop; a second one ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "inlet: %v\n", err)
		os.Exit(cli.ExitStatus(err))
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "inlet",
		Short:         "Inlet collects pictures by link",
		Long:          "Inlet collects pictures by link. Without a command it does what serve does.\nThe other commands are for who runs a service, and for who uses one.",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          run(serve),
	}
	serveCommand := &cobra.Command{Use: "serve", Short: "Start the service (the default)", Args: cobra.NoArgs, RunE: run(serve)}
	usage := serveCommand.HelpFunc()
	serveCommand.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		usage(cmd, args)
		fmt.Fprintln(cmd.OutOrStdout(), "\nSettings are environment variables; none is needed on one machine:")
		printSettings(cmd.OutOrStdout())
	})
	const service = "service"
	root.AddGroup(&cobra.Group{ID: service, Title: "Commands that run the service:"})
	for _, cmd := range []*cobra.Command{
		serveCommand,
		{Use: "migrate", Short: "Bring the database's schema up to date and exit", Args: cobra.NoArgs, RunE: run(migrate)},
		{Use: "rebuild-stats", Short: "Count everything in Postgres again and replace the statistics in Redis", Args: cobra.NoArgs, RunE: run(rebuildStats)},
		{Use: "healthcheck", Short: "Exit 0 if the service on INLET_ADDR lives", Args: cobra.NoArgs, RunE: run(healthcheck)},
		{Use: "version", Short: "Print the version", Args: cobra.NoArgs, Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintln(cmd.OutOrStdout(), version())
		}},
	} {
		cmd.GroupID = service
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
			return nil // it was told to stop before it had begun
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

// version is what the build knows of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "inlet (unknown build)"
	}
	text := "inlet " + info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return text + " " + info.GoVersion
}
