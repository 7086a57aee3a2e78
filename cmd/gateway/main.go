// Command gateway is the Worker API, version 3.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"taxlien-gateway/internal/api"
	"taxlien-gateway/internal/settings"
)

const usage = `usage: gateway <command>

  serve      answer requests until SIGTERM
  migrate    apply the pending migrations
  selfcheck  prove that this binary can serve here; change nothing
  health     ask the gateway on this machine whether it is ready
  version    print the version
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) != 1 {
		_, _ = fmt.Fprint(stderr, usage)
		return 2
	}
	var err error
	switch args[0] {
	case "serve":
		err = withSettings(getenv, stderr, func(s settings.Settings) error { return serve(ctx, s) })
	case "migrate":
		err = withSettings(getenv, stderr, func(s settings.Settings) error { return migrate(ctx, s, stdout) })
	case "selfcheck":
		err = selfcheck(ctx, getenv, stdout)
	case "health":
		err = health(ctx, getenv)
	case "version":
		_, err = fmt.Fprintf(stdout, "gateway %s (%s)\n", api.Version, runtime.Version())
	case "help", "-h", "--help":
		_, err = fmt.Fprint(stdout, usage)
	default:
		_, _ = fmt.Fprintf(stderr, "gateway: no command %q\n\n%s", args[0], usage)
		return 2
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func withSettings(getenv func(string) string, logs io.Writer, do func(settings.Settings) error) error {
	s, err := settings.Load(getenv)
	if err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: s.LogLevel})).With("env", s.Env))
	return do(s)
}
