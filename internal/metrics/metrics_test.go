package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// scrape returns the gateway's own lines without the histogram's buckets.
func scrape(m *Metrics) []string {
	response := httptest.NewRecorder()
	m.Handler().ServeHTTP(response, httptest.NewRequest("GET", "/metrics", nil))
	var own []string
	for line := range strings.Lines(response.Body.String()) {
		if strings.HasPrefix(line, "gateway_") && !strings.Contains(line, "_bucket{") {
			own = append(own, strings.TrimSpace(line))
		}
	}
	return own
}

func TestAScrapeReportsAllMetrics(t *testing.T) {
	m := New("1.2.3", func(context.Context) (map[string]int64, error) { return map[string]int64{"queued": 2, "done": 1}, nil })
	m.Observe("GET /v3/tasks/{id}", 200, 500*time.Millisecond)
	m.RawBytes.Add(7)
	m.RateLimited.Inc()
	want := []string{
		`gateway_build_info{go_version="` + runtime.Version() + `",version="1.2.3"} 1`,
		`gateway_http_request_duration_seconds_sum{route="GET /v3/tasks/{id}",status="200"} 0.5`,
		`gateway_http_request_duration_seconds_count{route="GET /v3/tasks/{id}",status="200"} 1`,
		`gateway_rate_limit_errors_total 0`,
		`gateway_rate_limited_total 1`,
		`gateway_raw_bytes_written_total 7`,
		`gateway_tasks{state="done"} 1`,
		`gateway_tasks{state="queued"} 2`,
		`gateway_tasks_counted 1`,
	}
	if got := scrape(m); !slices.Equal(got, want) {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
}

func TestAScrapeSucceedsWithoutTheDatabase(t *testing.T) {
	m := New("1.2.3", func(ctx context.Context) (map[string]int64, error) {
		if _, isLimited := ctx.Deadline(); !isLimited {
			t.Error("the count has no deadline")
		}
		return nil, errors.New("no database")
	})
	got := scrape(m)
	if !slices.Contains(got, "gateway_tasks_counted 0") || slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, "gateway_tasks{") }) {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
}
