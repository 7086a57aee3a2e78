// Package metrics has the gateway's Prometheus metrics.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is the registry of one gateway.
type Metrics struct {
	RateLimited     prometheus.Counter
	RateLimitErrors prometheus.Counter
	RawBytes        prometheus.Counter
	duration        *prometheus.HistogramVec
	registry        *prometheus.Registry
}

// CountTasks returns the number of tasks in each state.
type CountTasks func(ctx context.Context) (map[string]int64, error)

// New registers all metrics; tasks are counted when Prometheus asks.
func New(version string, countTasks CountTasks) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &Metrics{
		RateLimited:     counter("gateway_rate_limited_total", "Requests answered with 429."),
		RateLimitErrors: counter("gateway_rate_limit_errors_total", "Requests let through because Redis did not count them."),
		RawBytes:        counter("gateway_raw_bytes_written_total", "Bytes of results written to the raw directory."),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gateway_http_request_duration_seconds",
			Help:    "Time to answer a request, by route pattern and status.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "status"}),
		registry: prometheus.NewRegistry(),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "gateway_build_info",
		Help:        "Always 1; the labels name the running version.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.RateLimited, m.RateLimitErrors, m.RawBytes, m.duration, build, taskCollector{countTasks},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Observe records one answered request. The route is a pattern, never a path.
func (m *Metrics) Observe(route string, status int, took time.Duration) {
	m.duration.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

const countTimeout = 2 * time.Second

var (
	tasksDesc   = prometheus.NewDesc("gateway_tasks", "Tasks by state.", []string{"state"}, nil)
	countedDesc = prometheus.NewDesc("gateway_tasks_counted", "1 if the tasks could be counted at this scrape, else 0.", nil, nil)
)

type taskCollector struct{ count CountTasks }

func (taskCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- tasksDesc
	descs <- countedDesc
}

func (c taskCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	counts, err := c.count(ctx)
	if err != nil {
		slog.Warn("tasks not counted", "error", err)
		out <- prometheus.MustNewConstMetric(countedDesc, prometheus.GaugeValue, 0)
		return
	}
	out <- prometheus.MustNewConstMetric(countedDesc, prometheus.GaugeValue, 1)
	for state, count := range counts {
		out <- prometheus.MustNewConstMetric(tasksDesc, prometheus.GaugeValue, float64(count), state)
	}
}
