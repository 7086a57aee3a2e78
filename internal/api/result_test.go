package api

import (
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"taxlien-gateway/internal/tasks"
)

const (
	helloSHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	resultPath  = "/v3/tasks/" + taskID + "/result"
)

func wantStored(t *testing.T, f *fixture, want int) {
	t.Helper()
	count := 0
	err := filepath.WalkDir(f.rawDir, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			count++
		}
		return err
	})
	if err != nil || count != want {
		t.Errorf("%d files in the raw directory, want %d (%v)", count, want, err)
	}
}

func TestDeliverAndFetch(t *testing.T) {
	f := newFixture(t)
	f.leased()
	want := `{"id":"` + taskID + `","kind":"parcel","payload":{},"state":"done","attempts":1,"created_at":"0001-01-01T00:00:00Z",` +
		`"result":{"sha256":"` + helloSHA256 + `","bytes":5,"content_type":"text/html","done_at":"0001-01-01T00:00:00Z"}}`
	deliver := func(body string) *httptest.ResponseRecorder {
		return f.send("POST", resultPath, body, "X-Lease-Token", leaseToken, "Content-Type", "text/html", "X-Content-SHA256", helloSHA256)
	}
	wantAnswer(t, deliver("hello"), 200, want)
	wantAnswer(t, deliver("hello"), 200, want)
	wantStored(t, f, 1)

	got := f.send("GET", resultPath, "")
	wantAnswer(t, got, 200, "hello")
	for name, want := range map[string]string{
		"Content-Type": "text/html", "X-Content-SHA256": helloSHA256, "Content-Length": "5",
		"X-Content-Type-Options": "nosniff", "ETag": `"` + helloSHA256 + `"`,
	} {
		if got := got.Header().Get(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	wantAnswer(t, f.send("GET", resultPath, "", "If-None-Match", `"`+helloSHA256+`"`), 304, "")
}

func TestDeliverRefuses(t *testing.T) {
	lease := []string{"X-Lease-Token", leaseToken}
	for _, c := range []struct {
		name, path, body string
		headers          []string
		status           int
		code             string
	}{
		{"no lease token", resultPath, "hello", nil, 400, "invalid_lease_token"},
		{"another's lease", resultPath, "hello", []string{"X-Lease-Token", taskID}, 409, "stale_lease"},
		{"no task", "/v3/tasks/" + leaseToken + "/result", "hello", lease, 404, "not_found"},
		{"no path", "/v3/tasks/../result", "hello", lease, 404, "not_found"},
		{"bad id", "/v3/tasks/7/result", "hello", lease, 400, "invalid_id"},
		{"empty", resultPath, "", lease, 400, "empty_body"},
		{"too large", resultPath, strings.Repeat("x", 65), lease, 413, "body_too_large"},
		{"other bytes", resultPath, "hello", append([]string{"X-Content-SHA256", strings.Repeat("0", 64)}, lease...), 400, "sha256_mismatch"},
		{"bad type", resultPath, "hello", append([]string{"Content-Type", "a/b/c"}, lease...), 400, "invalid_content_type"},
	} {
		f := newFixture(t)
		f.leased()
		wantError(t, f.send("POST", c.path, c.body, c.headers...), c.status, c.code)
		wantStored(t, f, 0)
		if f.queue.task.State != tasks.Leased {
			t.Errorf("%s: the task is %s", c.name, f.queue.task.State)
		}
	}
}

func TestDeliverOfOtherBytesUnderADoneLease(t *testing.T) {
	f := newFixture(t)
	f.leased()
	f.queue.task.Result = &tasks.Result{SHA256: strings.Repeat("0", 64)}
	wantError(t, f.send("POST", resultPath, "hello", "X-Lease-Token", leaseToken), 409, "different_result")
	wantStored(t, f, 0)
}

func TestDeliverOfUnknownLength(t *testing.T) {
	for _, c := range []struct {
		body   io.Reader
		status int
		code   string
	}{
		{strings.NewReader(strings.Repeat("x", 65)), 413, "body_too_large"},
		{iotest.ErrReader(io.ErrUnexpectedEOF), 400, "incomplete_body"},
	} {
		f := newFixture(t)
		f.leased()
		request := httptest.NewRequest("POST", resultPath, io.NopCloser(c.body))
		request.ContentLength = -1
		request.Header.Set("Authorization", "Bearer "+workerToken)
		request.Header.Set("X-Lease-Token", leaseToken)
		response := httptest.NewRecorder()
		f.handler.ServeHTTP(response, request)
		wantError(t, response, c.status, c.code)
		wantStored(t, f, 0)
	}
}

func TestNothingIsAcknowledgedThatIsNotOnDisk(t *testing.T) {
	f := newFixture(t)
	f.leased()
	if err := os.WriteFile(filepath.Join(f.rawDir, "2c"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, f.send("POST", resultPath, "hello", "X-Lease-Token", leaseToken), 503, "unavailable")
	if f.queue.task.State != tasks.Leased {
		t.Errorf("the task is %s", f.queue.task.State)
	}
}

func TestFetchWithoutAResultOrItsFile(t *testing.T) {
	f := newFixture(t)
	wantError(t, f.send("GET", resultPath, ""), 404, "not_found")
	f.leased()
	wantError(t, f.send("GET", resultPath, ""), 404, "no_result")
	f.queue.task.Result = &tasks.Result{SHA256: helloSHA256}
	wantError(t, f.send("GET", resultPath, ""), 500, "internal")
	f.queue.err = errors.New("away")
	wantError(t, f.send("GET", resultPath, ""), 503, "unavailable")
}
