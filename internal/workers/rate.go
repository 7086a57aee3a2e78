package workers

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Rate counts requests in windows of a minute.
type Rate struct {
	client    *redis.Client
	perMinute int64
	now       func() time.Time
}

// NewRate allows each caller perMinute requests in a minute.
func NewRate(client *redis.Client, perMinute int) *Rate {
	return &Rate{client: client, perMinute: int64(perMinute), now: time.Now}
}

// Allow counts one request of a caller. If it is one too many, wait is the time until the next window.
func (r *Rate) Allow(ctx context.Context, caller string) (allowed bool, wait time.Duration, err error) {
	window, wait := currentWindow(r.now())
	key := fmt.Sprintf("%srate:%s:%d", keyPrefix, caller, window)
	pipe := r.client.TxPipeline()
	count := pipe.Incr(ctx, key)
	pipe.Expire(ctx, key, 2*time.Minute)
	if _, err := pipe.Exec(ctx); err != nil {
		return false, 0, err
	}
	return count.Val() <= r.perMinute, wait, nil
}

func currentWindow(now time.Time) (number int64, untilNext time.Duration) {
	number = now.Unix() / 60
	return number, time.Unix((number+1)*60, 0).Sub(now)
}
