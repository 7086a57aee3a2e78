package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"taxlien-gateway/internal/raw"
	"taxlien-gateway/internal/tasks"
	"taxlien-gateway/internal/workers"
)

const (
	maxJSONBytes = 1 << 20
	// No standard has a status for a client that disconnected; proxies log this one.
	statusClientClosedRequest = 499
)

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func badRequest(w http.ResponseWriter, code, message string) {
	writeError(w, http.StatusBadRequest, code, message)
}

// fail answers with the status of an error; only errors of the gateway or of its dependencies are logged.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	var notRead *raw.ReadError
	switch {
	case errors.Is(r.Context().Err(), context.Canceled):
		w.WriteHeader(statusClientClosedRequest)
	case errors.Is(err, tasks.ErrNone):
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, tasks.ErrNotFound):
		writeError(w, http.StatusNotFound, "not_found", "there is no such task")
	case errors.Is(err, tasks.ErrStaleLease):
		writeError(w, http.StatusConflict, "stale_lease", "the lease ran out or is another worker's; claim again")
	case errors.Is(err, tasks.ErrDifferentResult):
		writeError(w, http.StatusConflict, "different_result", "another result was delivered with this lease")
	case errors.Is(err, tasks.ErrInvalidPayload):
		badRequest(w, "invalid_payload", "payload: holds what the database cannot keep, such as \\u0000")
	case errors.Is(err, workers.ErrKeyReused):
		writeError(w, http.StatusUnprocessableEntity, "idempotency_key_reused", "Idempotency-Key: was used with another body")
	case errors.As(err, &tooLarge):
		writeError(w, http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("the body may have at most %d bytes", tooLarge.Limit))
	case errors.As(err, &notRead):
		badRequest(w, "incomplete_body", "the body ended before its announced length")
	case errors.Is(err, syscall.ENOSPC):
		slog.Error("raw directory is full", "path", r.URL.Path, "error", err)
		writeError(w, http.StatusInsufficientStorage, "storage_full", "the raw directory is full")
	case isOurs(err):
		slog.Error("request failed", "path", r.URL.Path, "error", err)
		writeError(w, http.StatusInternalServerError, "internal", "the gateway failed; its log has the cause")
	default:
		slog.Error("request not served", "path", r.URL.Path, "error", err)
		w.Header().Set("Retry-After", "5")
		writeError(w, http.StatusServiceUnavailable, "unavailable", "a service that the gateway needs does not answer; /readyz names it")
	}
}

// isOurs is true for a refused statement or a missing file, false for a server that cannot be reached.
func isOurs(err error) bool {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return errors.Is(err, syscall.ENOENT)
	}
	switch pgErr.Code[:2] {
	case "08", "53", "57":
		return false
	}
	return true
}

// jsonObject is the text of a JSON object.
type jsonObject struct{ text json.RawMessage }

func (o *jsonObject) UnmarshalJSON(text []byte) error {
	if !bytes.HasPrefix(text, []byte("{")) {
		return errors.New("payload: must be an object")
	}
	o.text = bytes.Clone(text)
	return nil
}

func (o jsonObject) orEmpty() json.RawMessage {
	if o.text == nil {
		return json.RawMessage("{}")
	}
	return o.text
}

// readJSON reads one JSON object without unknown fields into target and returns the text; an empty body reads as {}.
func (a *API) readJSON(w http.ResponseWriter, r *http.Request, target any) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSONBytes))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if !errors.As(err, &tooLarge) {
			err = &raw.ReadError{Err: err}
		}
		fail(w, r, err)
		return nil, false
	}
	if len(body) == 0 {
		return body, true
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(target)
	if err == nil && decoder.Decode(new(json.RawMessage)) != io.EOF {
		err = errors.New("more than one value")
	}
	if err == nil && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		err = errors.New("must be an object")
	}
	if err != nil {
		badRequest(w, "invalid_json", "body: "+err.Error())
		return nil, false
	}
	return body, true
}
