package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"taxlien-gateway/internal/settings"
)

const (
	healthTimeout  = 2 * time.Second
	maxHealthBytes = 4096
)

func health(ctx context.Context, getenv func(string) string) error {
	url, err := settings.ReadyURL(getenv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// A transport of its own: the default one would use a proxy from the environment.
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(request)
	if err != nil {
		return fmt.Errorf("not healthy: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxHealthBytes))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not healthy: %s: %s", response.Status, strings.TrimSpace(string(body)))
	}
	return nil
}
