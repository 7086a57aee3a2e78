package api

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"taxlien-gateway/internal/tasks"
)

func TestEnqueueRefusesBadInput(t *testing.T) {
	key := func(value string) []string { return []string{"Idempotency-Key", value} }
	for _, c := range []struct {
		body    string
		headers []string
		status  int
		code    string
	}{
		{"", nil, 400, "invalid_kind"},
		{"{", nil, 400, "invalid_json"},
		{"null", nil, 400, "invalid_json"},
		{"[]", nil, 400, "invalid_json"},
		{`{"kind":"a"} {}`, nil, 400, "invalid_json"},
		{`{"kind":"a","colour":1}`, nil, 400, "invalid_json"},
		{`{"kind":"a","payload":[]}`, nil, 400, "invalid_json"},
		{`{"kind":"a","payload":null}`, nil, 400, "invalid_json"},
		{`{"kind":"A B"}`, nil, 400, "invalid_kind"},
		{`{"kind":"a"}`, key(""), 400, "invalid_idempotency_key"},
		{`{"kind":"a"}`, key("a b"), 400, "invalid_idempotency_key"},
		{`{"kind":"a"}`, key(strings.Repeat("k", 256)), 400, "invalid_idempotency_key"},
		{`{"kind":"` + strings.Repeat("a", 1<<20) + `"}`, nil, 413, "body_too_large"},
	} {
		f := newFixture(t)
		wantError(t, f.send("POST", "/v3/tasks", c.body, c.headers...), c.status, c.code)
		if f.queue.task != nil {
			t.Errorf("%s: was enqueued", c.body)
		}
	}
}

func TestEnqueueOnceForAKey(t *testing.T) {
	f := newFixture(t)
	first := f.send("POST", "/v3/tasks", `{"kind":"parcel","payload":{"county":"Lee"}}`, "Idempotency-Key", "k1")
	id := f.queue.task.ID
	want := `{"id":"` + id + `","kind":"parcel","payload":{"county":"Lee"},"state":"queued","attempts":0,"created_at":"0001-01-01T00:00:00Z"}`
	wantAnswer(t, first, 201, want)
	if got := first.Header().Get("Location"); got != "/v3/tasks/"+id {
		t.Errorf("Location: %s", got)
	}
	wantAnswer(t, f.send("POST", "/v3/tasks", `{"kind":"parcel","payload":{"county":"Lee"}}`, "Idempotency-Key", "k1"), 200, want)
	wantError(t, f.send("POST", "/v3/tasks", `{"kind":"parcel"}`, "Idempotency-Key", "k1"), 422, "idempotency_key_reused")
}

func TestClaim(t *testing.T) {
	f := newFixture(t)
	wantAnswer(t, f.send("POST", "/v3/tasks/claim", ""), 204, "")
	f.queue.task = &tasks.Task{ID: taskID, Kind: "parcel", Payload: []byte("{}"), State: tasks.Queued}
	wantAnswer(t, f.send("POST", "/v3/tasks/claim", `{"kinds":["deed"]}`), 204, "")
	wantAnswer(t, f.send("POST", "/v3/tasks/claim", `{"kinds":["parcel"],"lease_seconds":120}`), 200,
		`{"id":"`+taskID+`","kind":"parcel","payload":{},"state":"leased","attempts":0,"created_at":"0001-01-01T00:00:00Z",`+
			`"lease_expires_at":"1970-01-01T00:02:00Z","lease_token":"`+leaseToken+`"}`)
	for body, code := range map[string]string{
		`{"lease_seconds":0}`:                               "invalid_lease_seconds",
		`{"lease_seconds":86401}`:                           "invalid_lease_seconds",
		`{"lease_seconds":"60"}`:                            "invalid_json",
		`{"kinds":["A"]}`:                                   "invalid_kinds",
		`{"kinds":["a"` + strings.Repeat(`,"a"`, 32) + `]}`: "invalid_kinds",
	} {
		wantError(t, f.send("POST", "/v3/tasks/claim", body), 400, code)
	}
}

func TestGet(t *testing.T) {
	f := newFixture(t)
	wantError(t, f.send("GET", "/v3/tasks/"+taskID, ""), 404, "not_found")
	wantError(t, f.send("GET", "/v3/tasks/7", ""), 400, "invalid_id")
	f.leased()
	wantAnswer(t, f.send("GET", "/v3/tasks/"+taskID, ""), 200,
		`{"id":"`+taskID+`","kind":"parcel","payload":{},"state":"leased","attempts":1,"created_at":"0001-01-01T00:00:00Z"}`)
}

func TestErrorsOfTheDatabase(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{errors.New("dial tcp: connection refused"), 503, "unavailable"},
		{&pgconn.PgError{Code: "57P01"}, 503, "unavailable"},
		{&pgconn.PgError{Code: "42P01"}, 500, "internal"},
		{tasks.ErrInvalidPayload, 400, "invalid_payload"},
	} {
		f := newFixture(t)
		f.queue.err = c.err
		got := f.send("POST", "/v3/tasks", `{"kind":"a"}`)
		wantError(t, got, c.status, c.code)
		if isSet := got.Header().Get("Retry-After") != ""; isSet != (c.status == 503) {
			t.Errorf("%v: Retry-After is set: %v", c.err, isSet)
		}
	}
}

func TestAuthorization(t *testing.T) {
	for _, c := range []struct {
		header string
		status int
	}{
		{"Bearer " + workerToken, 204},
		{"bearer " + workerToken, 204},
		{"", 401},
		{"Bearer ", 401},
		{"Bearer other", 401},
		{"Basic " + workerToken, 401},
		{workerToken, 401},
	} {
		f := newFixture(t)
		request := httptest.NewRequest("POST", "/v3/tasks/claim", nil)
		request.Header.Set("Authorization", c.header)
		response := httptest.NewRecorder()
		f.handler.ServeHTTP(response, request)
		if response.Code != c.status {
			t.Errorf("%q: got %d", c.header, response.Code)
		}
		want := "stranger:192.0.2.1"
		if c.status == 204 {
			want = "worker:192.0.2.1"
		} else {
			wantError(t, response, 401, "unauthorized")
		}
		if len(f.rate.callers) != 1 || f.rate.callers[0] != want {
			t.Errorf("%q: counted %v", c.header, f.rate.callers)
		}
	}
}
