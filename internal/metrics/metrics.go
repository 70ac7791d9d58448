// Package metrics counts and times what a server does, and serves it to
// Prometheus. It is the only package that knows Prometheus: the packages that
// do the work have func fields, which cmd/holdfast connects to a [Set].
package metrics

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Build identifies the program.
type Build struct{ Version, Revision, Go string }

// A Set has the metrics of one server. [New] makes it.
type Set struct {
	now      func() time.Time
	log      *slog.Logger
	registry *prometheus.Registry
	all      []prometheus.Collector // that are registered

	requests *prometheus.CounterVec
	answers  *prometheus.HistogramVec
	commits  *commits
	lateness lateness
	networks networks
}

// durations are the bounds of histograms of times, in seconds. They fit times
// between 0.5 ms and 10 s.
var durations = []float64{.0005, .001, .002, .003, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}

// New makes the metrics of a server. now is real time.
func New(build Build, now func() time.Time, log *slog.Logger) *Set {
	s := &Set{now: now, log: log, registry: prometheus.NewRegistry()}
	s.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "holdfast_requests_total",
		Help: "Requests that were answered. The code says why a request was refused: the error code of the API, or the " +
			"HTTP status of a page.",
	}, []string{"door", "action", "result", "code"})
	s.answers = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "holdfast_request_duration_seconds", Help: "Time from the arrival of a request to its answer.",
		Buckets: durations,
	}, []string{"door", "action", "result"})
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "holdfast_build_info", Help: "The program that runs. The value is always 1.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": build.Revision, "goversion": build.Go},
	}, func() float64 { return 1 })
	s.register(
		s.requests, s.answers, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	s.commits, s.lateness, s.networks = s.newCommits(), s.newLateness(), s.newNetworks()
	return s
}

func (s *Set) register(all ...prometheus.Collector) {
	s.registry.MustRegister(all...)
	s.all = append(s.all, all...)
}

// Path is where Handler answers.
const Path = "/metrics"

// Handler serves the metrics at [Path].
func (s *Set) Handler() http.Handler {
	scrape := promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(s.log.Handler(), slog.LevelError),
		ErrorHandling: promhttp.ContinueOnError,
	})
	mux := http.NewServeMux()
	mux.Handle("GET "+Path, scrape)
	return mux
}
