//go:build integration

package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"taxlien-gateway/internal/database"
	"taxlien-gateway/internal/schema"
	"taxlien-gateway/internal/settings"
	"taxlien-gateway/internal/tasks"
	"taxlien-gateway/internal/workers"
	"taxlien-gateway/supabase/migrations"
)

// These tests need the gateway's own settings in the environment, for servers whose data they may change and delete.

// freshDatabase returns settings for an empty database of this test's own.
func freshDatabase(t *testing.T) settings.Settings {
	t.Helper()
	s, err := settings.Load(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	admin := s.DB
	name := "test_" + strings.ToLower(rand.Text())
	exec(t, admin, "create database "+name)
	t.Cleanup(func() { exec(t, admin, "drop database "+name+" with (force)") })
	s.DB.Name = name
	s.RawDir = t.TempDir()
	return s
}

func exec(t *testing.T, db settings.Database, sql string) {
	t.Helper()
	conn := connect(t, db)
	defer closeConn(conn)
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, db settings.Database) *pgx.Conn {
	t.Helper()
	conn, err := database.Connect(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func knownMigrations(t *testing.T) []schema.Migration {
	t.Helper()
	known, err := schema.Load(migrations.Files)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func migrated(t *testing.T) (settings.Settings, *pgxpool.Pool) {
	t.Helper()
	s := freshDatabase(t)
	conn := connect(t, s.DB)
	defer closeConn(conn)
	if _, err := schema.Migrate(t.Context(), conn, knownMigrations(t)); err != nil {
		t.Fatal(err)
	}
	pool, err := database.Pool(context.Background(), s.DB)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return s, pool
}

func TestATaskIsClaimedOnce(t *testing.T) {
	_, pool := migrated(t)
	store := tasks.NewStore(pool)
	const count = 40
	for range count {
		if _, _, err := store.Enqueue(t.Context(), tasks.NewID(), "parcel", []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	var lock sync.Mutex
	claimed := map[string]int{}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for {
				claim, err := store.Claim(t.Context(), nil, time.Minute)
				if err != nil {
					if err != tasks.ErrNone {
						t.Error(err)
					}
					return
				}
				lock.Lock()
				claimed[claim.ID]++
				lock.Unlock()
			}
		})
	}
	wait.Wait()
	for id, times := range claimed {
		if times != 1 {
			t.Errorf("%s was claimed %d times", id, times)
		}
	}
	counts, err := store.CountByState(t.Context())
	if len(claimed) != count || err != nil || counts[tasks.Leased] != count || counts[tasks.Queued] != 0 || counts[tasks.Done] != 0 {
		t.Errorf("%d claimed, %v, %v", len(claimed), counts, err)
	}
}

func TestALeaseRunsOut(t *testing.T) {
	_, pool := migrated(t)
	store := tasks.NewStore(pool)
	ctx := t.Context()
	if _, _, err := store.Enqueue(ctx, tasks.NewID(), "parcel", []byte(`{"n":1}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Claim(ctx, []string{"deed"}, time.Minute); err != tasks.ErrNone {
		t.Errorf("another kind: %v", err)
	}
	first, err := store.Claim(ctx, []string{"deed", "parcel"}, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(60 * time.Millisecond)
	result := tasks.Result{SHA256: strings.Repeat("a", 64), Bytes: 1, ContentType: "text/plain"}
	if _, err := store.Complete(ctx, first.ID, first.LeaseToken, result); err != tasks.ErrStaleLease {
		t.Errorf("after the lease: %v", err)
	}
	second, err := store.Claim(ctx, nil, time.Minute)
	if err != nil || second.ID != first.ID || second.Attempts != 2 || second.LeaseToken == first.LeaseToken {
		t.Fatalf("got %+v, %v", second, err)
	}
	for range 2 {
		done, err := store.Complete(ctx, second.ID, second.LeaseToken, result)
		if err != nil || done.State != tasks.Done || done.Result.SHA256 != result.SHA256 {
			t.Errorf("got %+v, %v", done, err)
		}
	}
	if _, err := store.Complete(ctx, first.ID, first.LeaseToken, result); err != tasks.ErrStaleLease {
		t.Errorf("the first worker, late: %v", err)
	}
	result.SHA256 = strings.Repeat("b", 64)
	if _, err := store.Complete(ctx, second.ID, second.LeaseToken, result); err != tasks.ErrDifferentResult {
		t.Errorf("other bytes: %v", err)
	}
	if _, err := store.Complete(ctx, tasks.NewID(), second.LeaseToken, result); err != tasks.ErrNotFound {
		t.Errorf("no such task: %v", err)
	}
}

func TestTwoRequestsWithOneKeyCreateOneTask(t *testing.T) {
	s, _ := migrated(t)
	client := workers.Connect(s.Redis)
	defer func() { _ = client.Close() }()
	bound := workers.NewIdempotency(client)
	key := rand.Text()
	var lock sync.Mutex
	ids := map[string]bool{}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			id, err := bound.TaskID(t.Context(), key, []byte("body"), tasks.NewID())
			lock.Lock()
			defer lock.Unlock()
			ids[id] = true
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if len(ids) != 1 {
		t.Errorf("got %v", ids)
	}
	if _, err := bound.TaskID(t.Context(), key, []byte("other"), tasks.NewID()); err != workers.ErrKeyReused {
		t.Errorf("got %v", err)
	}
	// The limit of two windows at most: a new minute may begin within the loop.
	rate := workers.NewRate(client, 3)
	allowed := 0
	for range 10 {
		isAllowed, wait, err := rate.Allow(t.Context(), key)
		if err != nil || wait <= 0 || wait > time.Minute {
			t.Fatalf("waits %s, %v", wait, err)
		}
		if isAllowed {
			allowed++
		}
	}
	if allowed < 3 || allowed > 6 {
		t.Errorf("%d of 10 allowed", allowed)
	}
}

// delivery is a result that is being sent while its gateway is stopped.
type delivery struct {
	body     *slowBody
	answered chan int
	stop     func()
	stopped  chan error
}

func startDelivery(t *testing.T) delivery {
	t.Helper()
	s, pool := migrated(t)
	s.Listen = "127.0.0.1:" + strconv.Itoa(freePort(t))
	s.MetricsListen = "127.0.0.1:0"
	claim := claimOne(t, tasks.NewStore(pool))
	ctx, stop := context.WithCancel(t.Context())
	d := delivery{
		body:     &slowBody{started: make(chan struct{}), rest: make(chan struct{})},
		answered: make(chan int, 1), stop: stop, stopped: make(chan error, 1),
	}
	go func() { d.stopped <- serve(ctx, s) }()
	awaitReady(t, s)
	request, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.Listen+"/v3/tasks/"+claim.ID+"/result", d.body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.WorkerToken.Reveal())
	request.Header.Set("X-Lease-Token", claim.LeaseToken)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			d.answered <- 0
			return
		}
		_ = response.Body.Close()
		d.answered <- response.StatusCode
	}()
	<-d.body.started
	time.Sleep(200 * time.Millisecond)
	return d
}

func TestAStopFinishesOpenRequests(t *testing.T) {
	d := startDelivery(t)
	d.stop()
	time.Sleep(200 * time.Millisecond)
	close(d.body.rest)
	if status := <-d.answered; status != http.StatusOK {
		t.Errorf("got %d", status)
	}
	if err := <-d.stopped; err != nil {
		t.Error(err)
	}
}

func TestAStopEndsInTimeIfARequestHangs(t *testing.T) {
	d := startDelivery(t)
	begin := time.Now()
	d.stop()
	if err := <-d.stopped; err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	// The client reports the broken connection only after its body has ended.
	close(d.body.rest)
	if status := <-d.answered; status != 0 {
		t.Errorf("a cut-off delivery was answered with %d", status)
	}
}
