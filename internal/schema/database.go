package schema

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// lockKey is the advisory lock of every process that migrates this schema ("taxlien" in ASCII).
const lockKey int64 = 0x7461786c69656e

const createTable = `
	create table if not exists schema_migrations (
		version text primary key,
		name text not null,
		sha256 text not null,
		applied_at timestamptz not null default now()
	)`

// Querier is a connection, a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Pending returns the migrations that a database still lacks; ErrNewer, ErrChanged and ErrOutOfOrder when it doesn't fit.
func Pending(ctx context.Context, db Querier, known []Migration) ([]Migration, error) {
	applied, err := readApplied(ctx, db)
	if err != nil {
		return nil, err
	}
	return pending(known, applied)
}

// Version returns the newest applied migration's version, "" for a database without any.
func Version(ctx context.Context, db Querier) (string, error) {
	applied, err := readApplied(ctx, db)
	if err != nil || len(applied) == 0 {
		return "", err
	}
	return applied[len(applied)-1].Version, nil
}

// Verify returns ErrPending, or an error of Pending, unless the database is exactly what this binary expects.
func Verify(ctx context.Context, db Querier, known []Migration) error {
	missing, err := Pending(ctx, db, known)
	if err == nil && len(missing) > 0 {
		return fmt.Errorf("%w: it lacks %s. Run: gateway migrate", ErrPending, missing[0])
	}
	return err
}

// Migrate applies the pending migrations, each in its own transaction, and returns those that it applied.
func Migrate(ctx context.Context, conn *pgx.Conn, known []Migration) (applied []Migration, err error) {
	// A migration that waits for a lock blocks every later query on that table.
	if _, err := conn.Exec(ctx, `set lock_timeout = '30s'`); err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `select pg_advisory_lock($1)`, lockKey); err != nil {
		return nil, fmt.Errorf("another migration is running: %w", err)
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, lockKey) }()
	if _, err := conn.Exec(ctx, createTable); err != nil {
		return nil, err
	}
	missing, err := Pending(ctx, conn, known)
	if err != nil {
		return nil, err
	}
	for _, migration := range missing {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return apply(ctx, tx, migration) })
		if err != nil {
			return applied, err
		}
		applied = append(applied, migration)
	}
	return applied, nil
}

// Prove runs the pending migrations in one transaction, rolls it back, and returns them.
func Prove(ctx context.Context, conn *pgx.Conn, known []Migration) ([]Migration, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	// Shorter than in Migrate: the running gateway waits behind this.
	if _, err := tx.Exec(ctx, `set local lock_timeout = '5s'`); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, lockKey); err != nil {
		return nil, fmt.Errorf("another migration is running: %w", err)
	}
	missing, err := Pending(ctx, tx, known)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	if _, err := tx.Exec(ctx, createTable); err != nil {
		return nil, err
	}
	for _, migration := range missing {
		if err := apply(ctx, tx, migration); err != nil {
			return nil, err
		}
	}
	return missing, nil
}

func apply(ctx context.Context, tx pgx.Tx, migration Migration) error {
	// The simple protocol: a file holds several statements.
	if _, err := tx.Conn().PgConn().Exec(ctx, migration.SQL).ReadAll(); err != nil {
		return fmt.Errorf("%s: %w", migration, err)
	}
	if status := tx.Conn().PgConn().TxStatus(); status != 'T' {
		return fmt.Errorf("%s: ended its transaction (status %c). Remove what ends it", migration, status)
	}
	_, err := tx.Exec(ctx, `insert into schema_migrations (version, name, sha256) values ($1, $2, $3)`,
		migration.Version, migration.Name, migration.SHA256)
	return err
}

func readApplied(ctx context.Context, db Querier) ([]Applied, error) {
	var exists bool
	err := db.QueryRow(ctx, `select to_regclass('schema_migrations') is not null`).Scan(&exists)
	if err != nil || !exists {
		return nil, err
	}
	rows, err := db.Query(ctx, `select version, name, sha256 from schema_migrations order by version`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Applied])
}
