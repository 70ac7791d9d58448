package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// networks has the metrics of requests to card networks.
type networks struct {
	requests      *prometheus.CounterVec
	waited, taken *prometheus.HistogramVec
	differences   *prometheus.GaugeVec
}

// A NetworkRequest is one request to a card network.
type NetworkRequest struct {
	Account  string        // the id of the account
	Endpoint string        // without ids
	Status   int           // of the answer; 0 without one
	Waited   time.Duration // for its turn
	Took     time.Duration
}

func (s *Set) newNetworks() networks {
	n := networks{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "holdfast_network_requests_total",
			Help: "Requests to a card network. The status is the HTTP status of the answer, or none.",
		}, []string{"account", "endpoint", "status"}),
		waited: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "holdfast_network_wait_seconds", Buckets: durations,
			Help: "Time that a request to a card network waited for its turn, so that the account stays below the network's " +
				"limits.",
		}, []string{"account"}),
		taken: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "holdfast_network_request_duration_seconds", Buckets: durations,
			Help: "Time from sending a request to a card network to its answer.",
		}, []string{"account", "endpoint"}),
		differences: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "holdfast_network_differences",
			Help: "Differences between the books and the network's that nobody can explain, in the last daily comparison.",
		}, []string{"account"}),
	}
	s.register(n.requests, n.waited, n.taken, n.differences)
	return n
}

// Reconciled notes how many differences the daily comparison of an account found.
func (s *Set) Reconciled(account string, differences int) {
	s.networks.differences.WithLabelValues(account).Set(float64(differences))
}

// NetworkAsked counts a request to a card network.
func (s *Set) NetworkAsked(r NetworkRequest) {
	status := "none"
	if r.Status != 0 {
		status = strconv.Itoa(r.Status)
	}
	s.networks.requests.WithLabelValues(r.Account, r.Endpoint, status).Inc()
	s.networks.waited.WithLabelValues(r.Account).Observe(max(r.Waited, 0).Seconds())
	s.networks.taken.WithLabelValues(r.Account, r.Endpoint).Observe(max(r.Took, 0).Seconds())
}
