// Package tasks keeps the queue of tasks in PostgreSQL.
package tasks

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// The states of a task. A leased task whose lease ran out stays leased until it is claimed again.
const (
	Queued = "queued"
	Leased = "leased"
	Done   = "done"
)

// Task is one piece of work and, when it is done, its result.
type Task struct {
	ID             string          `json:"id"`
	Kind           string          `json:"kind"`
	Payload        json.RawMessage `json:"payload"`
	State          string          `json:"state"`
	Attempts       int             `json:"attempts"`
	CreatedAt      time.Time       `json:"created_at"`
	LeaseExpiresAt *time.Time      `json:"lease_expires_at,omitempty"`
	Result         *Result         `json:"result,omitempty"`
}

// Result describes the body that a worker delivered.
type Result struct {
	SHA256      string    `json:"sha256"`
	Bytes       int64     `json:"bytes"`
	ContentType string    `json:"content_type"`
	DoneAt      time.Time `json:"done_at"`
}

// Claim is a task with the token that its result must carry.
type Claim struct {
	Task
	LeaseToken string `json:"lease_token"`
}

var (
	// ErrNotFound means that there is no such task.
	ErrNotFound = errors.New("no such task")
	// ErrNone means that no task can be claimed now.
	ErrNone = errors.New("no task to claim")
	// ErrStaleLease means that the lease ran out or belongs to another worker.
	ErrStaleLease = errors.New("the lease ran out or is another worker's")
	// ErrDifferentResult means that the same lease delivered other bytes before.
	ErrDifferentResult = errors.New("another result was delivered with this lease")
	// ErrInvalidPayload means that PostgreSQL cannot hold the payload.
	ErrInvalidPayload = errors.New("the payload cannot be stored")
)

var (
	kindPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)
	idPattern   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// IsKind reports whether a text may name a kind of task.
func IsKind(text string) bool { return kindPattern.MatchString(text) }

// IsID reports whether a text has the form of a task id or lease token.
func IsID(text string) bool { return idPattern.MatchString(text) }

// NewID returns a random UUID, version 4.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
