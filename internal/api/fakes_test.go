package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"taxlien-gateway/internal/metrics"
	"taxlien-gateway/internal/raw"
	"taxlien-gateway/internal/tasks"
	"taxlien-gateway/internal/workers"
)

const (
	workerToken = "the-worker-token"
	taskID      = "01873a82-95bf-49e8-aee2-c9599abc38bb"
	leaseToken  = "e9a7ecc5-87f2-406a-9eff-b88912eeb687"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// queue is a table of one task in memory.
type queue struct {
	task  *tasks.Task
	lease string
	err   error
}

func (q *queue) Enqueue(_ context.Context, id, kind string, payload json.RawMessage) (tasks.Task, bool, error) {
	if q.err != nil {
		return tasks.Task{}, false, q.err
	}
	if q.task != nil && q.task.ID == id {
		return *q.task, false, nil
	}
	q.task = &tasks.Task{ID: id, Kind: kind, Payload: payload, State: tasks.Queued}
	return *q.task, true, nil
}

func (q *queue) Get(_ context.Context, id string) (tasks.Task, error) {
	if q.err != nil {
		return tasks.Task{}, q.err
	}
	if q.task == nil || q.task.ID != id {
		return tasks.Task{}, tasks.ErrNotFound
	}
	return *q.task, nil
}

func (q *queue) Claim(_ context.Context, kinds []string, lease time.Duration) (tasks.Claim, error) {
	if q.err != nil {
		return tasks.Claim{}, q.err
	}
	if q.task == nil || q.task.State != tasks.Queued || (len(kinds) > 0 && kinds[0] != q.task.Kind) {
		return tasks.Claim{}, tasks.ErrNone
	}
	until := time.Unix(0, 0).Add(lease).UTC()
	q.task.State, q.task.LeaseExpiresAt, q.lease = tasks.Leased, &until, leaseToken
	return tasks.Claim{Task: *q.task, LeaseToken: q.lease}, nil
}

func (q *queue) CheckLease(ctx context.Context, id, token string) (string, error) {
	task, err := q.Get(ctx, id)
	switch {
	case err != nil:
		return "", err
	case token != q.lease:
		return "", tasks.ErrStaleLease
	case task.Result != nil:
		return task.Result.SHA256, nil
	}
	return "", nil
}

func (q *queue) Complete(ctx context.Context, id, token string, result tasks.Result) (tasks.Task, error) {
	if _, err := q.CheckLease(ctx, id, token); err != nil {
		return tasks.Task{}, err
	}
	q.task.State, q.task.Result, q.task.LeaseExpiresAt = tasks.Done, &result, nil
	return *q.task, nil
}

type rate struct {
	refuses bool
	err     error
	callers []string
}

func (r *rate) Allow(_ context.Context, caller string) (bool, time.Duration, error) {
	r.callers = append(r.callers, caller)
	return !r.refuses, 1500 * time.Millisecond, r.err
}

type keys map[string][2]string

func (k keys) TaskID(_ context.Context, key string, body []byte, proposed string) (string, error) {
	if first, isBound := k[key]; isBound {
		if first[0] != string(body) {
			return "", workers.ErrKeyReused
		}
		return first[1], nil
	}
	k[key] = [2]string{string(body), proposed}
	return proposed, nil
}

type fixture struct {
	queue   *queue
	rate    *rate
	rawDir  string
	api     *API
	handler http.Handler
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{queue: &queue{}, rate: &rate{}, rawDir: t.TempDir()}
	var started atomic.Bool
	started.Store(true)
	f.api = &API{
		Tasks: f.queue, Bodies: raw.New(f.rawDir), Rate: f.rate, Idempotency: keys{}, Started: &started,
		MetricsPublic: true,
		Metrics:       metrics.New("test", func(context.Context) (map[string]int64, error) { return nil, errors.New("not counted here") }),
		Env:           "dev", SchemaVersion: "20260101000000", WorkerToken: workerToken, Lease: time.Minute, MaxBodyBytes: 64,
	}
	f.handler = f.api.Handler()
	return f
}

// leased puts one claimed task into the queue.
func (f *fixture) leased() {
	f.queue.task = &tasks.Task{ID: taskID, Kind: "parcel", Payload: json.RawMessage("{}"), State: tasks.Leased, Attempts: 1}
	f.queue.lease = leaseToken
}

// send makes a request as a worker; headers are names and values in turn.
func (f *fixture) send(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+workerToken)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response := httptest.NewRecorder()
	f.handler.ServeHTTP(response, request)
	return response
}

func wantAnswer(t *testing.T, got *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if text := strings.TrimSpace(got.Body.String()); got.Code != status || text != body {
		t.Errorf("got %d %s\nwant %d %s", got.Code, text, status, body)
	}
}

func wantError(t *testing.T, got *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	var answer struct {
		Error struct{ Code, Message string }
	}
	err := json.Unmarshal(got.Body.Bytes(), &answer)
	if err != nil || got.Code != status || answer.Error.Code != code || answer.Error.Message == "" {
		t.Errorf("got %d %s (%v)\nwant %d %s", got.Code, got.Body, err, status, code)
	}
}
