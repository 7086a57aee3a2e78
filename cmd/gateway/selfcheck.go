package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"taxlien-gateway/internal/database"
	"taxlien-gateway/internal/raw"
	"taxlien-gateway/internal/schema"
	"taxlien-gateway/internal/settings"
	"taxlien-gateway/internal/workers"
	"taxlien-gateway/supabase/migrations"
)

const (
	checkTimeout      = 10 * time.Second
	migrationsTimeout = 5 * time.Minute
	allowBreaking     = "ALLOW_BREAKING_MIGRATION"
)

type selfCheck struct {
	name  string
	limit time.Duration
	run   func(ctx context.Context) (string, error)
}

// selfcheck prints one line per check, continues after a failure, and names the failed checks at the end.
func selfcheck(ctx context.Context, getenv func(string) string, out io.Writer) error {
	s, err := settings.Load(getenv)
	if err != nil {
		for problem := range strings.Lines(err.Error()) {
			_, _ = fmt.Fprintf(out, "FAIL settings: %s\n", strings.TrimSpace(problem))
		}
		return errors.New("selfcheck failed: settings")
	}
	_, _ = fmt.Fprintf(out, "ok   settings: environment %s\n", s.Env)
	return runChecks(ctx, out, []selfCheck{
		{"database", checkTimeout, func(ctx context.Context) (string, error) { return checkDatabase(ctx, s.DB) }},
		{"redis", checkTimeout, func(ctx context.Context) (string, error) { return checkRedis(ctx, s.Redis) }},
		{"raw", checkTimeout, func(context.Context) (string, error) { return s.RawDir, raw.New(s.RawDir).CheckWritable() }},
		{"migrations", migrationsTimeout, func(ctx context.Context) (string, error) {
			return checkMigrations(ctx, s.DB, getenv(allowBreaking) == "true")
		}},
	})
}

func runChecks(ctx context.Context, out io.Writer, checks []selfCheck) error {
	var failed []string
	for _, check := range checks {
		if runCheck(ctx, out, check) {
			failed = append(failed, check.name)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("selfcheck failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

func runCheck(ctx context.Context, out io.Writer, check selfCheck) (failed bool) {
	ctx, cancel := context.WithTimeout(ctx, check.limit)
	defer cancel()
	detail, err := check.run(ctx)
	if err != nil {
		// One line per check, even if a driver's error has several.
		_, _ = fmt.Fprintf(out, "FAIL %s: %s\n", check.name, strings.Join(strings.Fields(err.Error()), " "))
		return true
	}
	_, _ = fmt.Fprintf(out, "ok   %s: %s\n", check.name, detail)
	return false
}

func checkDatabase(ctx context.Context, s settings.Database) (string, error) {
	conn, err := database.Connect(ctx, s)
	if err != nil {
		return "", err
	}
	defer closeConn(conn)
	return "PostgreSQL " + conn.PgConn().ParameterStatus("server_version"), nil
}

func checkRedis(ctx context.Context, s settings.Redis) (string, error) {
	client := workers.Connect(s)
	defer func() { _ = client.Close() }()
	return s.Addr, client.Ping(ctx).Err()
}

func checkMigrations(ctx context.Context, s settings.Database, breakingAllowed bool) (string, error) {
	known, err := schema.Load(migrations.Files)
	if err != nil {
		return "", err
	}
	conn, err := database.Connect(ctx, s)
	if err != nil {
		return "", err
	}
	defer closeConn(conn)
	proven, err := schema.Prove(ctx, conn, known)
	if err != nil {
		return "", err
	}
	// An empty database has no gateway to break.
	if len(proven) < len(known) && !breakingAllowed {
		for _, migration := range proven {
			if migration.Breaks != "" {
				return "", fmt.Errorf("%s: breaks the running gateway until it is swapped (%s). Deploy it with ./gatewayctl up <env> --allow-breaking-migration", migration, migration.Breaks)
			}
		}
	}
	return fmt.Sprintf("%d pending, proven and rolled back; ends at %s", len(proven), schema.Latest(known)), nil
}
