// Package api is the Worker API, version 3, over HTTP.
package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"taxlien-gateway/internal/metrics"
	"taxlien-gateway/internal/raw"
	"taxlien-gateway/internal/tasks"
)

// Version of the Worker API and of this service.
const Version = "3.0.0"

// Tasks is the queue.
type Tasks interface {
	Enqueue(ctx context.Context, id, kind string, payload json.RawMessage) (task tasks.Task, created bool, err error)
	Get(ctx context.Context, id string) (tasks.Task, error)
	Claim(ctx context.Context, kinds []string, lease time.Duration) (tasks.Claim, error)
	CheckLease(ctx context.Context, id, leaseToken string) (delivered string, err error)
	Complete(ctx context.Context, id, leaseToken string, result tasks.Result) (tasks.Task, error)
}

// Bodies keeps the raw results.
type Bodies interface {
	Receive(body io.Reader) (*raw.Incoming, error)
	Open(sha256Hex string) (*os.File, error)
}

// Rate reports whether a caller may make one more request now and, if not, how long to wait.
type Rate interface {
	Allow(ctx context.Context, caller string) (allowed bool, wait time.Duration, err error)
}

// Idempotency returns the task id that belongs to a key.
type Idempotency interface {
	TaskID(ctx context.Context, key string, body []byte, proposed string) (string, error)
}

// API serves all routes.
type API struct {
	Tasks       Tasks
	Bodies      Bodies
	Rate        Rate
	Idempotency Idempotency
	Metrics     *metrics.Metrics
	// MetricsPublic serves /metrics, which needs no token, to every client of the API.
	MetricsPublic bool
	Parts         []Part
	Env           string
	SchemaVersion string
	WorkerToken   string
	Lease         time.Duration
	MaxBodyBytes  int64
	// Started becomes true when the database's schema is verified; before that no task is touched.
	Started *atomic.Bool
}

// Handler returns the routes with their middleware.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("GET /version", a.version)
	if a.MetricsPublic {
		mux.Handle("GET /metrics", a.Metrics.Handler())
	}
	for pattern, handle := range map[string]http.HandlerFunc{
		"POST /v3/tasks":             a.enqueue,
		"POST /v3/tasks/claim":       a.claim,
		"GET /v3/tasks/{id}":         a.get,
		"POST /v3/tasks/{id}/result": a.deliver,
		"GET /v3/tasks/{id}/result":  a.fetch,
	} {
		mux.Handle(pattern, a.limited(a.authorized(handle)))
	}
	return a.observed(recovered(withJSONErrors(mux)))
}

func (a *API) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (a *API) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{
		"service": "taxlien-gateway",
		"version": Version,
		"env":     a.Env,
		"schema":  a.SchemaVersion,
		"go":      runtime.Version(),
	})
}
