package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/webhook"
)

// lags are the bounds of histograms of how late background work is, in seconds.
var lags = []float64{.1, .5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600}

// lateness has the metrics of background work.
type lateness struct {
	expiries, releases, warnings prometheus.Histogram

	deliveries *prometheus.CounterVec
	webhooks   *prometheus.CounterVec
	changes    *prometheus.CounterVec
}

func (s *Set) newLateness() lateness {
	l := lateness{
		expiries: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "holdfast_expiry_lag_seconds", Buckets: lags,
			Help: "Time from the deadline of a transaction to its expiry in the books. Callers whose clock was moved are left " +
				"out.",
		}),
		releases: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "holdfast_release_lag_seconds", Buckets: lags,
			Help: "Time from the deadline of a hold to its release at the card network. Callers whose clock was moved are " +
				"left out.",
		}),
		warnings: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "holdfast_warning_lag_seconds", Buckets: lags,
			Help: "Time from the moment at which a warning of a deadline was due until it was given. Callers whose clock was " +
				"moved count as 0.",
		}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "holdfast_notice_deliveries_total",
			Help: "Tries to deliver a notice: it was delivered, the try failed, or it was given up.",
		}, []string{"result"}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "holdfast_webhook_tries_total",
			Help: "Tries to deliver an event to a webhook endpoint.",
		}, []string{"result"}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "holdfast_books_changes_total",
			Help: "Changed transactions that the audit has checked within a minute, or missed because there were too many.",
		}, []string{"result"}),
	}
	for _, result := range []string{"checked", "missed"} {
		l.changes.WithLabelValues(result)
	}
	for _, result := range []ipn.Result{ipn.Delivered, ipn.Failed, ipn.GivenUp} {
		l.deliveries.WithLabelValues(string(result))
	}
	for _, result := range webhook.Results {
		l.webhooks.WithLabelValues(string(result))
	}
	s.register(l.expiries, l.releases, l.warnings, l.deliveries, l.webhooks, l.changes)
	return l
}

// Expired counts an expiry that was written some time after its deadline.
func (s *Set) Expired(lag time.Duration) { s.lateness.expiries.Observe(max(lag, 0).Seconds()) }

// Released counts a release some time after the deadline of its hold.
func (s *Set) Released(lag time.Duration) { s.lateness.releases.Observe(max(lag, 0).Seconds()) }

// Warned counts a warning that was given some time after it was due.
func (s *Set) Warned(lag time.Duration) { s.lateness.warnings.Observe(max(lag, 0).Seconds()) }

// Delivered counts a try to deliver a notice.
func (s *Set) Delivered(r ipn.Result) { s.lateness.deliveries.WithLabelValues(string(r)).Inc() }

// WebhookTried counts a try to deliver an event to a webhook endpoint.
func (s *Set) WebhookTried(r webhook.Result) { s.lateness.webhooks.WithLabelValues(string(r)).Inc() }

// BooksChecked counts changed transactions that the audit has checked, and those
// that it missed.
func (s *Set) BooksChecked(checked, missed int) {
	s.lateness.changes.WithLabelValues("checked").Add(float64(checked))
	s.lateness.changes.WithLabelValues("missed").Add(float64(missed))
}
