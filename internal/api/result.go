package api

import (
	"io"
	"mime"
	"net/http"
	"time"

	"taxlien-gateway/internal/raw"
	"taxlien-gateway/internal/tasks"
)

const (
	leaseTokenHeader   = "X-Lease-Token"
	sha256Header       = "X-Content-Sha256"
	defaultContentType = "application/octet-stream"
)

// deliver acknowledges a result only after its bytes and then its row are on disk.
func (a *API) deliver(w http.ResponseWriter, r *http.Request) {
	id, ok := pathID(w, r)
	if !ok {
		return
	}
	leaseToken := r.Header.Get(leaseTokenHeader)
	if !tasks.IsID(leaseToken) {
		badRequest(w, "invalid_lease_token", "X-Lease-Token: must be the lease_token of the claim")
		return
	}
	contentType, ok := deliveredType(w, r)
	if !ok {
		return
	}
	if r.ContentLength > a.MaxBodyBytes {
		fail(w, r, &http.MaxBytesError{Limit: a.MaxBodyBytes})
		return
	}
	body := http.MaxBytesReader(w, r.Body, a.MaxBodyBytes)
	delivered, err := a.Tasks.CheckLease(r.Context(), id, leaseToken)
	if err != nil {
		// Read to its end: a client that is cut off while it sends never sees the answer.
		_, _ = io.Copy(io.Discard, body)
		fail(w, r, err)
		return
	}
	incoming, err := a.Bodies.Receive(body)
	if err != nil {
		fail(w, r, err)
		return
	}
	if !isAcceptable(w, r, incoming) {
		incoming.Discard()
		return
	}
	if delivered != "" && delivered != incoming.SHA256 {
		incoming.Discard()
		fail(w, r, tasks.ErrDifferentResult)
		return
	}
	if err := incoming.Keep(); err != nil {
		fail(w, r, err)
		return
	}
	a.Metrics.RawBytes.Add(float64(incoming.Bytes))
	task, err := a.Tasks.Complete(r.Context(), id, leaseToken,
		tasks.Result{SHA256: incoming.SHA256, Bytes: incoming.Bytes, ContentType: contentType})
	if err != nil {
		fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, task)
}

func isAcceptable(w http.ResponseWriter, r *http.Request, incoming *raw.Incoming) bool {
	if incoming.Bytes == 0 {
		badRequest(w, "empty_body", "the body is empty; send the result's bytes")
		return false
	}
	if announced := r.Header.Get(sha256Header); announced != "" && announced != incoming.SHA256 {
		badRequest(w, "sha256_mismatch", "X-Content-SHA256: is not the SHA-256 of the body, which is "+incoming.SHA256)
		return false
	}
	return true
}

func deliveredType(w http.ResponseWriter, r *http.Request) (string, bool) {
	value := r.Header.Get("Content-Type")
	if value == "" {
		return defaultContentType, true
	}
	if _, _, err := mime.ParseMediaType(value); err != nil || len(value) > 255 {
		badRequest(w, "invalid_content_type", "Content-Type: must be a media type of at most 255 characters")
		return "", false
	}
	return value, true
}

func (a *API) fetch(w http.ResponseWriter, r *http.Request) {
	id, ok := pathID(w, r)
	if !ok {
		return
	}
	task, err := a.Tasks.Get(r.Context(), id)
	if err != nil {
		fail(w, r, err)
		return
	}
	if task.Result == nil {
		writeError(w, http.StatusNotFound, "no_result", "the task has no result yet; its state is "+task.State)
		return
	}
	file, err := a.Bodies.Open(task.Result.SHA256)
	if err != nil {
		fail(w, r, err)
		return
	}
	defer func() { _ = file.Close() }()
	header := w.Header()
	header.Set("Content-Type", task.Result.ContentType)
	// A page that a worker fetched must not run as one of ours.
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "sandbox")
	header.Set(sha256Header, task.Result.SHA256)
	header.Set("ETag", `"`+task.Result.SHA256+`"`)
	http.ServeContent(w, r, "", time.Time{}, file)
}
