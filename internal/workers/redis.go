// Package workers keeps in Redis the callers' request counts and idempotency keys.
package workers

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"taxlien-gateway/internal/settings"
)

const keyPrefix = "taxlien-gateway:"

// Connect returns a client; it opens no connection before the first command.
func Connect(s settings.Redis) *redis.Client {
	redis.SetLogger(logger{})
	return redis.NewClient(&redis.Options{
		Addr:         s.Addr,
		Password:     s.Password.Reveal(),
		DialTimeout:  time.Second,
		ReadTimeout:  time.Second,
		WriteTimeout: time.Second,
		MaxRetries:   1,
		// A request's own deadline counts too.
		ContextTimeoutEnabled: true,
		// For managed Redis only; the plain server answers with an error.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

type logger struct{}

func (logger) Printf(_ context.Context, format string, args ...any) {
	slog.Debug("redis client", "message", fmt.Sprintf(format, args...))
}
