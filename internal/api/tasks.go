package api

import (
	"net/http"
	"time"

	"taxlien-gateway/internal/tasks"
)

const (
	maxIdempotencyKey = 255
	maxLeaseSeconds   = 86_400
	maxKinds          = 32
)

type enqueueRequest struct {
	Kind    string     `json:"kind"`
	Payload jsonObject `json:"payload"`
}

func (a *API) enqueue(w http.ResponseWriter, r *http.Request) {
	var request enqueueRequest
	body, ok := a.readJSON(w, r, &request)
	if !ok {
		return
	}
	if !tasks.IsKind(request.Kind) {
		badRequest(w, "invalid_kind", "kind: must be 1 to 64 of a-z, 0-9, _ . -, beginning with a letter or digit")
		return
	}
	id := tasks.NewID()
	if keys, isSet := r.Header["Idempotency-Key"]; isSet {
		if len(keys) != 1 || !isVisibleASCII(keys[0]) || len(keys[0]) > maxIdempotencyKey {
			badRequest(w, "invalid_idempotency_key", "Idempotency-Key: must be one value of 1 to 255 visible ASCII characters")
			return
		}
		var err error
		if id, err = a.Idempotency.TaskID(r.Context(), keys[0], body, id); err != nil {
			fail(w, r, err)
			return
		}
	}
	task, created, err := a.Tasks.Enqueue(r.Context(), id, request.Kind, request.Payload.orEmpty())
	if err != nil {
		fail(w, r, err)
		return
	}
	w.Header().Set("Location", "/v3/tasks/"+task.ID)
	if !created {
		writeJSON(w, http.StatusOK, task)
		return
	}
	writeJSON(w, http.StatusCreated, task)
}

type claimRequest struct {
	Kinds        []string `json:"kinds"`
	LeaseSeconds *int     `json:"lease_seconds"`
}

func (a *API) claim(w http.ResponseWriter, r *http.Request) {
	var request claimRequest
	if _, ok := a.readJSON(w, r, &request); !ok {
		return
	}
	if len(request.Kinds) > maxKinds {
		badRequest(w, "invalid_kinds", "kinds: must be at most 32")
		return
	}
	for _, kind := range request.Kinds {
		if !tasks.IsKind(kind) {
			badRequest(w, "invalid_kinds", "kinds: each must be 1 to 64 of a-z, 0-9, _ . -, beginning with a letter or digit")
			return
		}
	}
	lease := a.Lease
	if request.LeaseSeconds != nil {
		if *request.LeaseSeconds < 1 || *request.LeaseSeconds > maxLeaseSeconds {
			badRequest(w, "invalid_lease_seconds", "lease_seconds: must be a whole number from 1 to 86400")
			return
		}
		lease = time.Duration(*request.LeaseSeconds) * time.Second
	}
	claim, err := a.Tasks.Claim(r.Context(), request.Kinds, lease)
	if err != nil {
		fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, claim)
}

func (a *API) get(w http.ResponseWriter, r *http.Request) {
	id, ok := pathID(w, r)
	if !ok {
		return
	}
	task, err := a.Tasks.Get(r.Context(), id)
	if err != nil {
		fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, task)
}

func pathID(w http.ResponseWriter, r *http.Request) (string, bool) {
	id := r.PathValue("id")
	if !tasks.IsID(id) {
		badRequest(w, "invalid_id", "id: must be a UUID in lower case")
		return "", false
	}
	return id, true
}

func isVisibleASCII(text string) bool {
	for _, c := range []byte(text) {
		if c < 0x21 || c > 0x7e {
			return false
		}
	}
	return text != ""
}
