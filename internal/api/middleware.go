package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

const (
	requestTimeout = 60 * time.Second
	rateTimeout    = 500 * time.Millisecond
)

func (a *API) isWorker(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	// Hashed, so that the comparison takes the same time for each length.
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(a.WorkerToken))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

func (a *API) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.isWorker(r) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeError(w, http.StatusUnauthorized, "unauthorized", "Authorization: must be Bearer and the worker token")
			return
		}
		if !a.Started.Load() {
			w.Header().Set("Retry-After", "5")
			writeError(w, http.StatusServiceUnavailable, "starting", "the gateway waits for its database; /readyz has details")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// limited runs before authorized, so that guessing tokens is limited too, with a counter of its own.
func (a *API) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			address = r.RemoteAddr
		}
		caller := "stranger:" + address
		if a.isWorker(r) {
			caller = "worker:" + address
		}
		ctx, cancel := context.WithTimeout(r.Context(), rateTimeout)
		allowed, wait, err := a.Rate.Allow(ctx, caller)
		cancel()
		if err != nil {
			// A delivered result matters more than an exact count.
			slog.Warn("request not counted", "error", err)
			a.Metrics.RateLimitErrors.Inc()
		} else if !allowed {
			a.Metrics.RateLimited.Inc()
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			writeError(w, http.StatusTooManyRequests, "rate_limited", "too many requests in this minute; Retry-After is the time to wait")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				slog.Error("panic", "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
				writeError(w, http.StatusInternalServerError, "internal", "the gateway failed; its log has the cause")
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// withJSONErrors answers in JSON if the mux knows no route, and hands the matched pattern to observed.
func withJSONErrors(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		refused := &statusOnly{header: http.Header{}}
		mux.ServeHTTP(refused, r)
		if refused.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", refused.header.Get("Allow"))
			writeError(w, http.StatusMethodNotAllowed, "method_not_allowed", "this path takes "+refused.header.Get("Allow"))
			return
		}
		writeError(w, http.StatusNotFound, "not_found", "there is no such path")
	})
}

func (a *API) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		took := time.Since(start)
		route := r.Pattern
		level := slog.LevelInfo
		if route == "" {
			route = "none"
		} else if !strings.Contains(route, "/v3/") {
			level = slog.LevelDebug
		}
		a.Metrics.Observe(route, recorder.status, took)
		slog.Log(r.Context(), level, "request", "method", r.Method, "route", route, "path", r.URL.Path,
			"status", recorder.status, "ms", took.Milliseconds(), "remote", r.RemoteAddr)
	})
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.MaxBytesReader and the controllers reach the connection.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(p []byte) (int, error) { return len(p), nil }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
