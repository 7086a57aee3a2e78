package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func validEnvironment(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	secret := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(name+"-value\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return map[string]string{
		"DEPLOY_ENV": "dev", "DB_HOST": "db", "DB_NAME": "gateway", "DB_USER": "gateway", "REDIS_ADDR": "redis:6379", "RAW_DIR": dir,
		"DB_PASSWORD_FILE": secret("db"), "REDIS_PASSWORD_FILE": secret("redis"), "WORKER_TOKEN_FILE": secret("token"),
	}
}

func lookup(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestLoadFillsInDefaults(t *testing.T) {
	env := validEnvironment(t)
	s, err := Load(lookup(env))
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Env: "dev", Listen: ":8081", MetricsListen: ":9102", WorkerToken: "token-value", RawDir: env["RAW_DIR"],
		DB:                 Database{Host: "db", Port: 5432, Name: "gateway", User: "gateway", Password: "db-value"},
		Redis:              Redis{Addr: "redis:6379", Password: "redis-value"},
		RateLimitPerMinute: 600, Lease: time.Minute, MaxBodyBytes: 32 << 20,
	}
	if s != want {
		t.Errorf("got %+v", s)
	}
}

func TestLoadNamesEveryProblem(t *testing.T) {
	cases := []struct {
		name, value, want string
	}{
		{"DEPLOY_ENV", "", "DEPLOY_ENV: is not set. Set it to the environment's name, e.g. dev."},
		{"GATEWAY_LISTEN", "8081", `GATEWAY_LISTEN: must be host:port with a port from 1 to 65535 (got "8081"). Set it to e.g. :8081.`},
		{"METRICS_LISTEN", "9102", `METRICS_LISTEN: must be host:port with a port from 1 to 65535 (got "9102"). Set it to e.g. :9102.`},
		{"METRICS_PUBLIC", "yes", `METRICS_PUBLIC: must be true or false (got "yes"). Set it to e.g. false.`},
		{"DB_HOST", "", "DB_HOST: is not set. Set it to the host name of PostgreSQL, e.g. db."},
		{"DB_PORT", "99999", `DB_PORT: must be a whole number from 1 to 65535 (got "99999"). Set it to the port of PostgreSQL, e.g. 5432.`},
		{"DB_PASSWORD_FILE", "", "DB_PASSWORD_FILE: is not set. Set it to the path of a file that holds the value, e.g. /run/secrets/db_password."},
		{"REDIS_ADDR", "redis", `REDIS_ADDR: must be host:port with a port from 1 to 65535 (got "redis"). Set it to e.g. redis:6379.`},
		{"RAW_DIR", "raw", `RAW_DIR: must be an absolute path (got "raw"). Set it to e.g. /data/raw.`},
		{"RATE_LIMIT_PER_MINUTE", "0", `RATE_LIMIT_PER_MINUTE: must be a whole number from 1 to 1000000 (got "0"). Set it to requests that one worker address may make in a minute, e.g. 600.`},
		{"LEASE_SECONDS", "1.5", `LEASE_SECONDS: must be a whole number from 1 to 86400 (got "1.5"). Set it to seconds for which a claimed task belongs to its worker, e.g. 60.`},
		{"MAX_BODY_MIB", "-1", `MAX_BODY_MIB: must be a whole number from 1 to 1024 (got "-1"). Set it to the largest result in MiB, e.g. 32.`},
		{"LOG_LEVEL", "loud", `LOG_LEVEL: must be debug, info, warn or error (got "loud"). Set it to e.g. info.`},
	}
	env := validEnvironment(t)
	var want []string
	for _, c := range cases {
		env[c.name] = c.value
		want = append(want, c.want)
	}
	_, err := Load(lookup(env))
	invalid, ok := err.(*InvalidError)
	if !ok {
		t.Fatalf("got %v", err)
	}
	if !slices.Equal(invalid.Problems, want) {
		t.Errorf("got:\n%v", err)
	}
}

func TestLoadRefusesBadFiles(t *testing.T) {
	env := validEnvironment(t)
	empty := filepath.Join(env["RAW_DIR"], "empty")
	blank := filepath.Join(env["RAW_DIR"], "blank")
	for path, content := range map[string]string{empty: "\n", blank: "two words"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env["DB_PASSWORD_FILE"], env["REDIS_PASSWORD_FILE"], env["WORKER_TOKEN_FILE"], env["RAW_DIR"] = empty, blank, "/nowhere/token", empty
	_, err := Load(lookup(env))
	want := fmt.Sprintf(`DB_PASSWORD_FILE: the file is empty (%s). Write the value into it.
REDIS_PASSWORD_FILE: the value must be one line without blanks (%s). Write it again.
WORKER_TOKEN_FILE: cannot be read (open /nowhere/token: no such file or directory). Make the file readable for the gateway's user, uid %d.
RAW_DIR: is no directory (got %s). Mount the raw volume there.`, empty, blank, os.Getuid(), empty)
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s, err := Load(lookup(validEnvironment(t)))
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(s.Redis)
	if err != nil {
		t.Fatal(err)
	}
	for format, got := range map[string]string{
		"%+v":  fmt.Sprintf("%+v", s.Redis),
		"%#v":  fmt.Sprintf("%#v", s.Redis),
		"json": string(asJSON),
	} {
		want := map[string]string{
			"%+v":  "{Addr:redis:6379 Password:(set)}",
			"%#v":  `settings.Redis{Addr:"redis:6379", Password:(set)}`,
			"json": `{"Addr":"redis:6379","Password":"(set)"}`,
		}[format]
		if got != want {
			t.Errorf("%s: got %s", format, got)
		}
	}
}

func TestReadyURL(t *testing.T) {
	for listen, want := range map[string]string{
		"":               "http://127.0.0.1:8081/readyz",
		":9000":          "http://127.0.0.1:9000/readyz",
		"0.0.0.0:9000":   "http://127.0.0.1:9000/readyz",
		"[::]:9000":      "http://127.0.0.1:9000/readyz",
		"127.0.0.5:9000": "http://127.0.0.5:9000/readyz",
		"[::1]:9000":     "http://[::1]:9000/readyz",
	} {
		got, err := ReadyURL(lookup(map[string]string{"GATEWAY_LISTEN": listen}))
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v", listen, got, err)
		}
	}
	if _, err := ReadyURL(lookup(map[string]string{"GATEWAY_LISTEN": ":x"})); err == nil {
		t.Error("a port that is no number was taken")
	}
}
