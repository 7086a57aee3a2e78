package workers

import (
	"errors"
	"testing"
	"time"
)

func TestWindowsAreWholeMinutes(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	first, wait := currentWindow(at("2026-11-23T10:00:59.5Z"))
	if wait != 500*time.Millisecond {
		t.Errorf("waits %s", wait)
	}
	second, wait := currentWindow(at("2026-11-23T10:01:00Z"))
	if second != first+1 || wait != time.Minute {
		t.Errorf("got window %d after %d, waits %s", second, first, wait)
	}
}

func TestAKeyIsBoundToOneBody(t *testing.T) {
	bound := binding([]byte("body"), "the-id")
	if id, err := boundID(bound, []byte("body")); id != "the-id" || err != nil {
		t.Errorf("got %q, %v", id, err)
	}
	if _, err := boundID(bound, []byte("other")); !errors.Is(err, ErrKeyReused) {
		t.Errorf("got %v", err)
	}
	if _, err := boundID("broken", []byte("body")); err == nil || errors.Is(err, ErrKeyReused) {
		t.Errorf("got %v", err)
	}
}

func TestRedisKeysHoldNoTextOfCallers(t *testing.T) {
	const want = "taxlien-gateway:idempotency:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got := redisKey(""); got != want {
		t.Errorf("got %s", got)
	}
}
