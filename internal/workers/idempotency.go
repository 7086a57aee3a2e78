package workers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// IdempotencyTTL is how long a repeated key finds its first task.
const IdempotencyTTL = 24 * time.Hour

// ErrKeyReused means that the key was used before with another request.
var ErrKeyReused = errors.New("the idempotency key was used with another request")

// Idempotency remembers which task id belongs to a key.
type Idempotency struct{ client *redis.Client }

// NewIdempotency returns the keys kept in Redis.
func NewIdempotency(client *redis.Client) *Idempotency { return &Idempotency{client: client} }

// TaskID binds a key to the proposed id and the request's body, in one step, and returns the id bound first.
// Concurrent requests with the same key get the same id, so that only one task is created.
func (i *Idempotency) TaskID(ctx context.Context, key string, body []byte, proposed string) (string, error) {
	first, err := i.client.SetArgs(ctx, redisKey(key), binding(body, proposed), redis.SetArgs{Mode: "NX", Get: true, TTL: IdempotencyTTL}).Result()
	if errors.Is(err, redis.Nil) {
		return proposed, nil
	}
	if err != nil {
		return "", err
	}
	return boundID(first, body)
}

func redisKey(key string) string {
	// Hashed: keys are the callers' text and may be long.
	return keyPrefix + "idempotency:" + digest([]byte(key))
}

func binding(body []byte, id string) string { return digest(body) + " " + id }

func boundID(bound string, body []byte) (string, error) {
	fingerprint, id, isWhole := strings.Cut(bound, " ")
	if !isWhole {
		return "", fmt.Errorf("idempotency key holds %q, no fingerprint and id", bound)
	}
	if fingerprint != digest(body) {
		return "", ErrKeyReused
	}
	return id, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
