package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func command(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	code = run(t.Context(), args, func(name string) string { return env[name] }, &out, &errors)
	return code, out.String(), errors.String()
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		args                   []string
		code                   int
		stdout, stderrHasFirst string
	}{
		{[]string{"version"}, 0, "gateway 3.0.0 (" + runtime.Version() + ")\n", ""},
		{[]string{"help"}, 0, usage, ""},
		{nil, 2, "", "usage: gateway <command>"},
		{[]string{"serve", "now"}, 2, "", "usage: gateway <command>"},
		{[]string{"server"}, 2, "", `gateway: no command "server"`},
		{[]string{"serve"}, 1, "", "DEPLOY_ENV: is not set. Set it to the environment's name, e.g. dev."},
		{[]string{"migrate"}, 1, "", "DEPLOY_ENV: is not set. Set it to the environment's name, e.g. dev."},
	} {
		code, stdout, stderr := command(t, nil, c.args...)
		first, _, _ := strings.Cut(stderr, "\n")
		if code != c.code || stdout != c.stdout || first != c.stderrHasFirst {
			t.Errorf("%v: exit %d\nout: %s\nerr: %s", c.args, code, stdout, stderr)
		}
	}
}

func TestSelfcheckStopsAtBadSettings(t *testing.T) {
	env := map[string]string{"DEPLOY_ENV": "dev", "DB_HOST": "db", "DB_NAME": "g", "DB_USER": "g", "REDIS_ADDR": "redis:6379",
		"DB_PASSWORD_FILE": "/nowhere", "REDIS_PASSWORD_FILE": "/nowhere", "WORKER_TOKEN_FILE": "/nowhere", "RAW_DIR": t.TempDir(), "DB_PORT": "x"}
	code, stdout, stderr := command(t, env, "selfcheck")
	if lines := strings.Split(strings.TrimSpace(stdout), "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], "FAIL settings: DB_PORT: must be") {
		t.Errorf("got:\n%s", stdout)
	}
	if code != 1 || stderr != "selfcheck failed: settings\n" {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestHealth(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "path %s", r.URL.Path)
	}))
	address := server.Listener.Addr().String()
	// A proxy in the environment must not be used.
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	env := map[string]string{"GATEWAY_LISTEN": address}
	if code, _, stderr := command(t, env, "health"); code != 0 || stderr != "" {
		t.Errorf("exit %d: %s", code, stderr)
	}
	status = http.StatusServiceUnavailable
	if code, _, stderr := command(t, env, "health"); code != 1 || stderr != "not healthy: 503 Service Unavailable: path /readyz\n" {
		t.Errorf("exit %d: %s", code, stderr)
	}
	server.Close()
	if code, _, stderr := command(t, env, "health"); code != 1 || !strings.HasPrefix(stderr, "not healthy: ") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
