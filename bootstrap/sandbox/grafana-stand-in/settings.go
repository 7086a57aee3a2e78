package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

type settings struct {
	address         string
	dataDir         string
	provisioningDir string
	adminUser       string
	adminPassword   string
}

// loadSettings reads the GF_* variables; each may instead be a file named by its variable with __FILE appended.
func loadSettings(lookup func(string) (string, bool)) (settings, error) {
	var problems []error
	get := func(name, otherwise string) string {
		value, isSet := lookup(name)
		file, isFile := lookup(name + "__FILE")
		switch {
		case isSet && isFile:
			problems = append(problems, fmt.Errorf("%s and %s__FILE are both set; set one", name, name))
		case isFile:
			text, err := os.ReadFile(file)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s__FILE: %w", name, err))
			}
			return strings.TrimSpace(string(text))
		case isSet && value != "":
			return value
		}
		return otherwise
	}
	loaded := settings{
		address:         net.JoinHostPort(get("GF_SERVER_HTTP_ADDR", ""), get("GF_SERVER_HTTP_PORT", "3000")),
		dataDir:         get("GF_PATHS_DATA", "/var/lib/grafana"),
		provisioningDir: get("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning"),
		adminUser:       get("GF_SECURITY_ADMIN_USER", "admin"),
		adminPassword:   get("GF_SECURITY_ADMIN_PASSWORD", "admin"),
	}
	if loaded.adminPassword == "" {
		problems = append(problems, errors.New("GF_SECURITY_ADMIN_PASSWORD: is empty"))
	}
	return loaded, errors.Join(problems...)
}

// state proves that the data directory outlives the container.
type state struct {
	StandIn    bool      `json:"stand-in"`
	FirstStart time.Time `json:"firstStart"`
	Starts     int       `json:"starts"`
	// As in the real Grafana, the administrator's password of the first start stays until it is changed by the API.
	AdminSHA256 string `json:"adminSHA256"`
}

func recordStart(dir string, now time.Time, adminPassword string) (state, error) {
	file := filepath.Join(dir, "grafana-stand-in.json")
	current := state{StandIn: true, FirstStart: now.UTC()}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &current)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return state{}, fmt.Errorf("%s: %w", file, err)
	}
	current.Starts++
	if current.AdminSHA256 == "" {
		current.AdminSHA256 = sumOf(adminPassword)
	}
	return current, saveState(dir, current)
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func saveState(dir string, current state) error {
	file := filepath.Join(dir, "grafana-stand-in.json")
	text, err := json.Marshal(current)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("the data directory must be writable for uid %d: %w", os.Getuid(), err)
	}
	return os.Rename(file+".new", file)
}
