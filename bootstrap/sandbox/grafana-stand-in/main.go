// Command grafana-stand-in replaces Grafana if its image cannot be pulled: it reads the real provisioning files,
// refuses broken ones, and answers a small part of Grafana's HTTP API. It shows no dashboards and says so.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "grafana-stand-in: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	settings, err := loadSettings(os.LookupEnv)
	if err != nil {
		return err
	}
	provisioned, err := loadProvisioning(settings.provisioningDir)
	if err != nil {
		return err
	}
	for _, line := range complaints(settings.provisioningDir) {
		fmt.Println(line)
	}
	state, err := recordStart(settings.dataDir, time.Now(), settings.adminPassword)
	if err != nil {
		return err
	}
	server := &http.Server{
		Addr:              settings.address,
		Handler:           newHandler(settings, provisioned, state),
		ReadHeaderTimeout: 10 * time.Second,
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	fmt.Printf("grafana-stand-in: listens on %s, start %d, %d data sources, %d dashboards\n",
		settings.address, state.Starts, len(provisioned.dataSources), len(provisioned.dashboards))
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ending); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}
