package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func TestOpenRoutes(t *testing.T) {
	f := newFixture(t)
	for path, want := range map[string]string{
		"/healthz": `{"status":"ok"}`,
		"/version": `{"env":"dev","go":"` + runtime.Version() + `","schema":"20260101000000","service":"taxlien-gateway","version":"3.0.0"}`,
	} {
		response := httptest.NewRecorder()
		f.handler.ServeHTTP(response, httptest.NewRequest("GET", path, nil))
		wantAnswer(t, response, 200, want)
	}
	if len(f.rate.callers) != 0 {
		t.Errorf("counted %v", f.rate.callers)
	}
}

func TestUnknownPathsAndMethodsAnswerInJSON(t *testing.T) {
	f := newFixture(t)
	wantError(t, f.send("GET", "/v4/tasks", ""), 404, "not_found")
	got := f.send("DELETE", "/v3/tasks/"+taskID+"/result", "")
	wantError(t, got, 405, "method_not_allowed")
	if allow := got.Header().Get("Allow"); allow != "GET, HEAD, POST" {
		t.Errorf("Allow: %s", allow)
	}
}

func TestReadyNamesEachPart(t *testing.T) {
	f := newFixture(t)
	f.api.Parts = []Part{
		{"database", func(context.Context) (string, error) { return "", nil }},
		{"schema", func(context.Context) (string, error) { return "20260101000000", nil }},
	}
	const served = `"database":{"ok":true}`
	wantAnswer(t, f.send("GET", "/readyz", ""), 200, `{"parts":{`+served+`,"schema":{"ok":true,"detail":"20260101000000"}},"status":"ready"}`)
	f.api.Parts[1].Check = func(context.Context) (string, error) { return "", errors.New("is older") }
	wantAnswer(t, f.send("GET", "/readyz", ""), 503, `{"parts":{`+served+`,"schema":{"ok":false,"detail":"is older"}},"status":"not ready"}`)
}

func TestReadyDoesNotWaitForADeadPart(t *testing.T) {
	f := newFixture(t)
	blocked := make(chan struct{})
	defer close(blocked)
	f.api.Parts = []Part{{"raw", func(context.Context) (string, error) {
		<-blocked
		return "", nil
	}}}
	wantAnswer(t, f.send("GET", "/readyz", ""), 503, `{"parts":{"raw":{"ok":false,"detail":"no answer within 1.5s"}},"status":"not ready"}`)
}

func TestRateLimit(t *testing.T) {
	f := newFixture(t)
	f.rate.refuses = true
	got := f.send("POST", "/v3/tasks/claim", "")
	wantError(t, got, 429, "rate_limited")
	if after := got.Header().Get("Retry-After"); after != "2" {
		t.Errorf("Retry-After: %s", after)
	}
	f.rate.err = errors.New("redis is away")
	wantAnswer(t, f.send("POST", "/v3/tasks/claim", ""), 204, "")
	metrics := f.send("GET", "/metrics", "").Body.String()
	for _, want := range []string{
		"gateway_rate_limited_total 1\n", "gateway_rate_limit_errors_total 1\n",
		`gateway_http_request_duration_seconds_count{route="POST /v3/tasks/claim",status="429"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestNoTaskIsTouchedBeforeTheSchemaIsVerified(t *testing.T) {
	f := newFixture(t)
	f.api.Started.Store(false)
	wantError(t, f.send("POST", "/v3/tasks", `{"kind":"a"}`), 503, "starting")
	if f.queue.task != nil {
		t.Error("was enqueued")
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	response := httptest.NewRecorder()
	recovered(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("bug") })).ServeHTTP(response, httptest.NewRequest("GET", "/", nil))
	wantError(t, response, 500, "internal")
}

func TestMetricsAreClosedByDefault(t *testing.T) {
	f := newFixture(t)
	f.api.MetricsPublic = false
	f.handler = f.api.Handler()
	wantError(t, f.send("GET", "/metrics", ""), 404, "not_found")
}

func TestMetricsHaveNoPathsInLabels(t *testing.T) {
	f := newFixture(t)
	f.send("GET", "/v3/tasks/"+taskID, "")
	f.send("GET", "/made/up/"+taskID, "")
	if metrics := f.send("GET", "/metrics", "").Body.String(); strings.Contains(metrics, taskID) {
		t.Error("a task's id is in a label")
	}
}
