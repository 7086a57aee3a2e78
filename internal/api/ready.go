package api

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Part is one dependency of the gateway. Check returns details, or why the part does not work.
type Part struct {
	Name  string
	Check func(ctx context.Context) (string, error)
}

// Less than the two seconds that `gateway health` waits.
const partTimeout = 1500 * time.Millisecond

type partStatus struct {
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

func (a *API) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), partTimeout)
	defer cancel()
	results := make([]partStatus, len(a.Parts))
	var wait sync.WaitGroup
	for i, part := range a.Parts {
		wait.Go(func() { results[i] = check(ctx, part) })
	}
	wait.Wait()
	status, text := http.StatusOK, "ready"
	if !a.Started.Load() {
		status, text = http.StatusServiceUnavailable, "starting"
	}
	parts := make(map[string]partStatus, len(results))
	for i, result := range results {
		parts[a.Parts[i].Name] = result
		if !result.OK {
			status, text = http.StatusServiceUnavailable, "not ready"
		}
	}
	writeJSON(w, status, map[string]any{"status": text, "parts": parts})
}

// check returns at the deadline even if the part does not: a write to a dead disk never returns.
func check(ctx context.Context, part Part) partStatus {
	done := make(chan partStatus, 1)
	go func() {
		detail, err := part.Check(ctx)
		if err != nil {
			done <- partStatus{Detail: err.Error()}
			return
		}
		done <- partStatus{OK: true, Detail: detail}
	}()
	select {
	case result := <-done:
		return result
	case <-ctx.Done():
		return partStatus{Detail: "no answer within " + partTimeout.String()}
	}
}
