//go:build integration

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"taxlien-gateway/internal/schema"
	"taxlien-gateway/internal/settings"
	"taxlien-gateway/internal/tasks"
)

func TestMigrationsAreAppliedOnce(t *testing.T) {
	s := freshDatabase(t)
	var wait sync.WaitGroup
	applied := make(chan int, 4)
	for range cap(applied) {
		wait.Go(func() {
			conn := connect(t, s.DB)
			defer closeConn(conn)
			got, err := schema.Migrate(t.Context(), conn, knownMigrations(t))
			if err != nil {
				t.Error(err)
			}
			applied <- len(got)
		})
	}
	wait.Wait()
	close(applied)
	total := 0
	for count := range applied {
		total += count
	}
	if want := len(knownMigrations(t)); total != want {
		t.Errorf("%d applied, want %d", total, want)
	}
}

func TestAFailedMigrationLeavesNothing(t *testing.T) {
	s, pool := migrated(t)
	conn := connect(t, s.DB)
	defer closeConn(conn)
	broken := append(knownMigrations(t), schema.Migration{Version: "29990101000000", Name: "broken", SQL: "create table half (); select 1/0;"})
	if _, err := schema.Migrate(t.Context(), conn, broken); err == nil || !strings.HasPrefix(err.Error(), "29990101000000_broken.sql: ") {
		t.Errorf("got %v", err)
	}
	var isThere bool
	if err := pool.QueryRow(t.Context(), "select to_regclass('half') is not null").Scan(&isThere); err != nil || isThere {
		t.Errorf("half is there: %v, %v", isThere, err)
	}
}

func TestProveChangesNothing(t *testing.T) {
	s := freshDatabase(t)
	conn := connect(t, s.DB)
	defer closeConn(conn)
	proven, err := schema.Prove(t.Context(), conn, knownMigrations(t))
	if err != nil || len(proven) != len(knownMigrations(t)) {
		t.Errorf("proved %v, %v", proven, err)
	}
	var tables int
	err = conn.QueryRow(t.Context(), "select count(*) from pg_tables where schemaname = 'public'").Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
	broken := []schema.Migration{{Version: "29990101000000", Name: "broken", SQL: "select 1/0"}}
	if _, err := schema.Prove(t.Context(), conn, broken); err == nil {
		t.Error("a broken migration was proven")
	}
}

func TestADatabaseThatDoesNotFitIsRefused(t *testing.T) {
	for _, c := range []struct {
		change string
		want   error
	}{
		{"insert into schema_migrations (version, name, sha256) values ('29990101000000', 'later', '')", schema.ErrNewer},
		{"update schema_migrations set sha256 = 'x'", schema.ErrChanged},
	} {
		s, _ := migrated(t)
		s.Listen, s.MetricsListen = "127.0.0.1:0", "127.0.0.1:0"
		exec(t, s.DB, c.change)
		if err := serve(t.Context(), s); !errors.Is(err, c.want) {
			t.Errorf("serve: %v", err)
		}
		if err := migrate(t.Context(), s, io.Discard); !errors.Is(err, c.want) {
			t.Errorf("migrate: %v", err)
		}
		var out bytes.Buffer
		err := selfcheck(t.Context(), settingsAs(s), &out)
		if err == nil || err.Error() != "selfcheck failed: migrations" || !strings.Contains(out.String(), "FAIL migrations: "+c.want.Error()) {
			t.Errorf("selfcheck: %v\n%s", err, &out)
		}
	}
}

func TestServeRequiresMigrate(t *testing.T) {
	s := freshDatabase(t)
	s.Listen, s.MetricsListen = "127.0.0.1:0", "127.0.0.1:0"
	if err := serve(t.Context(), s); !errors.Is(err, schema.ErrPending) {
		t.Errorf("got %v", err)
	}
}

func TestReadyAcceptsANewerSchema(t *testing.T) {
	s, pool := migrated(t)
	exec(t, s.DB, "insert into schema_migrations (version, name, sha256) values ('29990101000000', 'later', '')")
	if version, err := checkSchema(t.Context(), pool, knownMigrations(t)); err != nil || version != "29990101000000" {
		t.Errorf("got %s, %v", version, err)
	}
	exec(t, s.DB, "delete from schema_migrations")
	if _, err := checkSchema(t.Context(), pool, knownMigrations(t)); !errors.Is(err, schema.ErrPending) {
		t.Errorf("got %v", err)
	}
}

func TestServeWaitsForTheDatabase(t *testing.T) {
	s, _ := migrated(t)
	s.Listen, s.MetricsListen = "127.0.0.1:0", "127.0.0.1:0"
	s.DB.Port = freePort(t)
	ctx, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer stop()
	if err := serve(ctx, s); err != nil {
		t.Errorf("gave up: %v", err)
	}
}

// settingsAs returns the environment with the database and directory of a test.
func settingsAs(s settings.Settings) func(string) string {
	return func(name string) string {
		switch name {
		case "DB_NAME":
			return s.DB.Name
		case "RAW_DIR":
			return s.RawDir
		}
		return os.Getenv(name)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

func awaitReady(t *testing.T, s settings.Settings) {
	t.Helper()
	getenv := func(name string) string { return map[string]string{"GATEWAY_LISTEN": s.Listen}[name] }
	var err error
	for range 100 {
		if err = health(t.Context(), getenv); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("not ready after 5 s (last: %v)", err)
}

func claimOne(t *testing.T, store *tasks.Store) tasks.Claim {
	t.Helper()
	if _, _, err := store.Enqueue(t.Context(), tasks.NewID(), "parcel", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	claim, err := store.Claim(t.Context(), nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return claim
}

// slowBody sends its second half when rest is closed.
type slowBody struct {
	started, rest chan struct{}
	step          int
}

func (b *slowBody) Read(p []byte) (int, error) {
	b.step++
	switch b.step {
	case 1:
		close(b.started)
		return copy(p, "first"), nil
	case 2:
		<-b.rest
		return copy(p, "second"), io.EOF
	}
	return 0, io.EOF
}
