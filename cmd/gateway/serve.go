package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"taxlien-gateway/internal/api"
	"taxlien-gateway/internal/database"
	"taxlien-gateway/internal/metrics"
	"taxlien-gateway/internal/raw"
	"taxlien-gateway/internal/schema"
	"taxlien-gateway/internal/settings"
	"taxlien-gateway/internal/tasks"
	"taxlien-gateway/internal/workers"
	"taxlien-gateway/supabase/migrations"
)

const (
	// Together less than the 10 s that a stop may take.
	drainTimeout = 8 * time.Second
	closeTimeout = time.Second

	leftoverAge    = time.Hour
	schemaAttempt  = 5 * time.Second
	schemaInterval = time.Second
)

func serve(ctx context.Context, s settings.Settings) error {
	known, err := schema.Load(migrations.Files)
	if err != nil {
		return err
	}
	pool, err := database.Pool(ctx, s.DB)
	if err != nil {
		return err
	}
	client := workers.Connect(s.Redis)
	bodies := raw.New(s.RawDir)
	if removed, err := bodies.RemoveLeftovers(time.Now().Add(-leftoverAge)); err != nil || removed > 0 {
		slog.Warn("leftovers of interrupted deliveries", "removed", removed, "error", err)
	}
	queue := tasks.NewStore(pool)
	var started atomic.Bool
	worker := &api.API{
		Tasks:         queue,
		Bodies:        bodies,
		Rate:          workers.NewRate(client, s.RateLimitPerMinute),
		Idempotency:   workers.NewIdempotency(client),
		Metrics:       metrics.New(api.Version, queue.CountByState),
		MetricsPublic: s.MetricsPublic,
		Parts:         parts(pool, client, bodies, known),
		Env:           s.Env,
		SchemaVersion: schema.Latest(known),
		WorkerToken:   s.WorkerToken.Reveal(),
		Lease:         s.Lease,
		MaxBodyBytes:  s.MaxBodyBytes,
		Started:       &started,
	}
	server := newServer(worker.Handler())
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("GATEWAY_LISTEN: %w", err)
	}
	inside, err := net.Listen("tcp", s.MetricsListen)
	if err != nil {
		return errors.Join(fmt.Errorf("METRICS_LISTEN: %w", err), listener.Close())
	}
	metricsMux := http.NewServeMux()
	metricsMux.Handle("GET /metrics", worker.Metrics.Handler())
	metricsServer := newServer(metricsMux)
	slog.Info("listening", "address", listener.Addr().String(), "version", api.Version)
	failed := make(chan error, 3)
	go func() { failed <- server.Serve(listener) }()
	go func() { failed <- metricsServer.Serve(inside) }()
	go func() {
		if err := awaitSchema(ctx, pool, known); err != nil {
			failed <- err
			return
		}
		started.Store(true)
		slog.Info("serving", "schema", schema.Latest(known))
	}()
	select {
	case err = <-failed:
	case <-ctx.Done():
		slog.Info("draining", "limit", drainTimeout.String())
	}
	return errors.Join(ignoreCancel(ctx, err), drain(server), metricsServer.Close(), closeAll(pool, client))
}

func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      75 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}

// awaitSchema waits for the database without limit; a schema that does not fit is an error at once.
func awaitSchema(ctx context.Context, pool *pgxpool.Pool, known []schema.Migration) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, schemaAttempt)
		err := schema.Verify(attempt, pool, known)
		cancel()
		if err == nil || schema.IsMismatch(err) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		slog.Warn("waiting for the database", "error", err)
		select {
		case <-time.After(schemaInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func ignoreCancel(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// drain cuts off what is not finished in time; none of that was acknowledged, so its worker sends it again.
func drain(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		slog.Warn("requests cut off", "after", drainTimeout.String())
		return server.Close()
	}
	return err
}

// closeAll does not wait for a connection that a cut-off request still holds.
func closeAll(pool *pgxpool.Pool, client *redis.Client) error {
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeTimeout):
	}
	return client.Close()
}
