// Package settings reads the gateway's settings from environment variables and its secrets from files.
package settings

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"
)

// Settings is all that can be configured.
type Settings struct {
	Env                string
	Listen             string
	MetricsListen      string
	MetricsPublic      bool
	DB                 Database
	Redis              Redis
	WorkerToken        Secret
	RawDir             string
	RateLimitPerMinute int
	Lease              time.Duration
	MaxBodyBytes       int64
	LogLevel           slog.Level
}

// Database is how PostgreSQL is reached.
type Database struct {
	Host     string
	Port     int
	Name     string
	User     string
	Password Secret
}

// Redis is how Redis is reached.
type Redis struct {
	Addr     string
	Password Secret
}

// Secret is a value that no log and no message shows.
type Secret string

// String keeps a secret out of whatever formats it.
func (s Secret) String() string { return "(set)" }

// GoString keeps a secret out of %#v.
func (s Secret) GoString() string { return "(set)" }

// MarshalText keeps a secret out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte("(set)"), nil }

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// InvalidError holds one line for each setting that is wrong.
type InvalidError struct{ Problems []string }

func (e *InvalidError) Error() string { return strings.Join(e.Problems, "\n") }

const (
	defaultListen        = ":8081"
	defaultMetricsListen = ":9102"
)

// Load reads all settings and reports every problem at once as an *InvalidError.
func Load(getenv func(string) string) (Settings, error) {
	r := &reader{getenv: getenv}
	s := Settings{
		Env:           r.required("DEPLOY_ENV", "the environment's name, e.g. dev"),
		Listen:        r.listen(),
		MetricsListen: r.metricsListen(),
		MetricsPublic: r.flag("METRICS_PUBLIC"),
		DB: Database{
			Host:     r.required("DB_HOST", "the host name of PostgreSQL, e.g. db"),
			Port:     r.whole("DB_PORT", 5432, 1, 65535, "the port of PostgreSQL"),
			Name:     r.required("DB_NAME", "the name of the database, e.g. gateway"),
			User:     r.required("DB_USER", "the database role, e.g. gateway"),
			Password: r.secretFile("DB_PASSWORD_FILE", "/run/secrets/db_password"),
		},
		Redis: Redis{
			Addr:     r.hostPort("REDIS_ADDR", r.required("REDIS_ADDR", "host:port of Redis, e.g. redis:6379"), "redis:6379"),
			Password: r.secretFile("REDIS_PASSWORD_FILE", "/run/secrets/redis_password"),
		},
		WorkerToken:        r.secretFile("WORKER_TOKEN_FILE", "/run/secrets/worker_token"),
		RawDir:             r.directory("RAW_DIR", "/data/raw"),
		RateLimitPerMinute: r.whole("RATE_LIMIT_PER_MINUTE", 600, 1, 1_000_000, "requests that one worker address may make in a minute"),
		Lease:              time.Duration(r.whole("LEASE_SECONDS", 60, 1, 86_400, "seconds for which a claimed task belongs to its worker")) * time.Second,
		MaxBodyBytes:       int64(r.whole("MAX_BODY_MIB", 32, 1, 1024, "the largest result in MiB")) << 20,
		LogLevel:           r.logLevel(),
	}
	if len(r.problems) > 0 {
		return Settings{}, &InvalidError{Problems: r.problems}
	}
	return s, nil
}

// ReadyURL is the readiness URL for a process on the same machine.
func ReadyURL(getenv func(string) string) (string, error) {
	r := &reader{getenv: getenv}
	host, port, _ := net.SplitHostPort(r.listen())
	if len(r.problems) > 0 {
		return "", &InvalidError{Problems: r.problems}
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/readyz", nil
}

type reader struct {
	getenv   func(string) string
	problems []string
}

func (r *reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *reader) required(name, meaning string) string {
	value := r.getenv(name)
	if value == "" {
		r.problem("%s: is not set. Set it to %s.", name, meaning)
	}
	return value
}

func (r *reader) listen() string {
	value := r.getenv("GATEWAY_LISTEN")
	if value == "" {
		return defaultListen
	}
	return r.hostPort("GATEWAY_LISTEN", value, defaultListen)
}

func (r *reader) metricsListen() string {
	value := r.getenv("METRICS_LISTEN")
	if value == "" {
		return defaultMetricsListen
	}
	return r.hostPort("METRICS_LISTEN", value, defaultMetricsListen)
}

func (r *reader) flag(name string) bool {
	switch value := r.getenv(name); value {
	case "", "false":
		return false
	case "true":
		return true
	default:
		r.problem("%s: must be true or false (got %q). Set it to e.g. false.", name, value)
		return false
	}
}

func (r *reader) hostPort(name, value, example string) string {
	if value == "" {
		return value
	}
	_, port, err := net.SplitHostPort(value)
	if number, portErr := strconv.Atoi(port); err != nil || portErr != nil || number < 1 || number > 65535 {
		r.problem("%s: must be host:port with a port from 1 to 65535 (got %q). Set it to e.g. %s.", name, value, example)
	}
	return value
}

func (r *reader) whole(name string, byDefault, least, most int, meaning string) int {
	value := r.getenv(name)
	if value == "" {
		return byDefault
	}
	number, err := strconv.Atoi(value)
	if err != nil || number < least || number > most {
		r.problem("%s: must be a whole number from %d to %d (got %q). Set it to %s, e.g. %d.", name, least, most, value, meaning, byDefault)
	}
	return number
}

func (r *reader) logLevel() slog.Level {
	levels := map[string]slog.Level{"": slog.LevelInfo, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	value := r.getenv("LOG_LEVEL")
	level, isKnown := levels[value]
	if !isKnown {
		r.problem("LOG_LEVEL: must be debug, info, warn or error (got %q). Set it to e.g. info.", value)
	}
	return level
}
