package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Grafana stand-in</title></head>
<body><h1>This is a stand-in for Grafana</h1>
<p>Grafana's image could not be pulled, so this small server replaces it. It has read and checked the
provisioning files, answers queries of its data sources, and shows no dashboard. If an image registry answers, the real Grafana runs here.</p>
<p>%d data sources, %d dashboards. See <a href="/api/health">/api/health</a>.</p></body></html>
`

func newHandler(settings settings, all provisioned, state state) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"database": "ok", "version": "stand-in", "stand-in": true, "starts": state.Starts})
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { showPage(w, all) })
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) { showPage(w, all) })
	guarded := http.NewServeMux()
	guarded.HandleFunc("GET /api/datasources", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, append([]dataSource{}, all.dataSources...))
	})
	guarded.HandleFunc("GET /api/datasources/uid/{uid}", func(w http.ResponseWriter, r *http.Request) {
		for _, source := range all.dataSources {
			if source.UID == r.PathValue("uid") {
				answer(w, http.StatusOK, source)
				return
			}
		}
		answer(w, http.StatusNotFound, map[string]string{"message": "Data source not found"})
	})
	guarded.HandleFunc("GET /api/search", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, search(all.dashboards, r.URL.Query().Get("query")))
	})
	guarded.HandleFunc("GET /api/dashboards/uid/{uid}", func(w http.ResponseWriter, r *http.Request) {
		for _, one := range all.dashboards {
			if one.uid == r.PathValue("uid") {
				answer(w, http.StatusOK, map[string]any{"dashboard": one.model, "meta": map[string]any{"provisioned": true}})
				return
			}
		}
		answer(w, http.StatusNotFound, map[string]string{"message": "Dashboard not found"})
	})
	guarded.HandleFunc("POST /api/ds/query", queryHandler(all.dataSources))
	admin := &administrator{user: settings.adminUser, dataDir: settings.dataDir, state: state}
	guarded.HandleFunc("PUT /api/user/password", admin.changePassword)
	mux.Handle("/api/", admin.requireLogin(guarded))
	return mux
}

// administrator is the one account, with the password of the state.
type administrator struct {
	user    string
	dataDir string
	mutex   sync.Mutex
	state   state
}

func (a *administrator) isPassword(password string) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return isSame(sumOf(password), a.state.AdminSHA256)
}

func (a *administrator) requireLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if !isSame(user, a.user) || !a.isPassword(password) {
			answer(w, http.StatusUnauthorized, map[string]string{"message": "Unauthorized"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (a *administrator) changePassword(w http.ResponseWriter, r *http.Request) {
	var asked struct{ OldPassword, NewPassword string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.NewPassword == "" {
		answer(w, http.StatusBadRequest, map[string]string{"message": "bad request data"})
		return
	}
	if !a.isPassword(asked.OldPassword) {
		answer(w, http.StatusUnauthorized, map[string]string{"message": "Invalid old password"})
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	changed := a.state
	changed.AdminSHA256 = sumOf(asked.NewPassword)
	if err := saveState(a.dataDir, changed); err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"message": err.Error()})
		return
	}
	a.state = changed
	answer(w, http.StatusOK, map[string]string{"message": "User password changed"})
}

func isSame(got, want string) bool {
	gotSum, wantSum := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(gotSum[:], wantSum[:]) == 1
}

func search(dashboards []dashboard, query string) []map[string]string {
	found := []map[string]string{}
	for _, one := range dashboards {
		if strings.Contains(strings.ToLower(one.title), strings.ToLower(query)) {
			found = append(found, map[string]string{"uid": one.uid, "title": one.title, "type": "dash-db", "url": "/d/" + one.uid})
		}
	}
	return found
}

func showPage(w http.ResponseWriter, all provisioned) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, page, len(all.dataSources), len(all.dashboards))
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
