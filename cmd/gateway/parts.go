package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"taxlien-gateway/internal/api"
	"taxlien-gateway/internal/raw"
	"taxlien-gateway/internal/schema"
)

func parts(pool *pgxpool.Pool, client *redis.Client, bodies *raw.Store, known []schema.Migration) []api.Part {
	return []api.Part{
		{Name: "database", Check: func(ctx context.Context) (string, error) { return "", pool.Ping(ctx) }},
		{Name: "redis", Check: func(ctx context.Context) (string, error) { return "", client.Ping(ctx).Err() }},
		{Name: "raw", Check: func(context.Context) (string, error) { return "", bodies.CheckWritable() }},
		{Name: "schema", Check: func(ctx context.Context) (string, error) { return checkSchema(ctx, pool, known) }},
	}
}

// checkSchema accepts a newer schema: a deploy migrates before it swaps, and the running gateway continues to serve.
func checkSchema(ctx context.Context, db schema.Querier, known []schema.Migration) (string, error) {
	version, err := schema.Version(ctx, db)
	if err != nil {
		return "", err
	}
	if version < schema.Latest(known) {
		return "", fmt.Errorf("%w: at %q, expected %s", schema.ErrPending, version, schema.Latest(known))
	}
	return version, nil
}
