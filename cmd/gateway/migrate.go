package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"taxlien-gateway/internal/database"
	"taxlien-gateway/internal/schema"
	"taxlien-gateway/internal/settings"
	"taxlien-gateway/supabase/migrations"
)

const closeConnTimeout = 2 * time.Second

func migrate(ctx context.Context, s settings.Settings, out io.Writer) error {
	known, err := schema.Load(migrations.Files)
	if err != nil {
		return err
	}
	conn, err := database.Connect(ctx, s.DB)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer closeConn(conn)
	applied, err := schema.Migrate(ctx, conn, known)
	for _, migration := range applied {
		_, _ = fmt.Fprintf(out, "applied %s\n", migration)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	_, _ = fmt.Fprintf(out, "schema is at %s, %d applied now\n", schema.Latest(known), len(applied))
	return nil
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), closeConnTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}
