// Package database opens connections to PostgreSQL.
package database

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"taxlien-gateway/internal/settings"
)

const connectTimeout = 3 * time.Second

// Pool returns a pool that connects when it is first used.
func Pool(ctx context.Context, s settings.Database) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(address(s))
	if err != nil {
		return nil, err
	}
	prepare(config.ConnConfig, s)
	config.MaxConns = 10
	config.MaxConnIdleTime = 5 * time.Minute
	return pgxpool.NewWithConfig(ctx, config)
}

// Connect opens one connection.
func Connect(ctx context.Context, s settings.Database) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(address(s))
	if err != nil {
		return nil, err
	}
	prepare(config, s)
	return pgx.ConnectConfig(ctx, config)
}

func address(s settings.Database) string {
	address := url.URL{
		Scheme: "postgres",
		User:   url.User(s.User),
		Host:   net.JoinHostPort(s.Host, strconv.Itoa(s.Port)),
		Path:   "/" + s.Name,
		// The stack's own network carries it; the official image has no certificate.
		RawQuery: "sslmode=disable",
	}
	return address.String()
}

func prepare(config *pgx.ConnConfig, s settings.Database) {
	config.Password = s.Password.Reveal()
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["application_name"] = "taxlien-gateway"
}
