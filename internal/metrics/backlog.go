package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	// backlogEvery is how long a reading of the store is used. However often the
	// metrics are scraped, the store is read no more often.
	backlogEvery = 5 * time.Second
	// backlogPatience bounds one reading, so that a store that hangs does not
	// delay the other metrics for longer.
	backlogPatience = 3 * time.Second
)

// backlog reads from the store what waits there. All servers on one store show
// the same values.
type backlog struct {
	store store.Reader
	now   func() time.Time
	log   *slog.Logger

	mu     sync.Mutex
	read   time.Time // when the store was read last
	mails  map[store.MailOutcome]store.MailCount
	failed error
}

// Watch adds the metrics of what waits in the store.
func (s *Set) Watch(r store.Reader) {
	s.registry.MustRegister(&backlog{store: r, now: s.now, log: s.log})
}

var (
	storeUp = prometheus.NewDesc("holdfast_store_up",
		"1 if the store could be read at the last try, 0 if not. Without the store, the metrics of what waits in it are "+
			"missing.", nil, nil)
	mails = prometheus.NewDesc("holdfast_mails",
		"Mails that have not arrived: waiting for a try, given up, or kept in a sandbox's inbox.",
		[]string{"outcome"}, nil)
	mailWaiting = prometheus.NewDesc("holdfast_mail_waiting_seconds",
		"How long the oldest waiting mail has been tried.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (b *backlog) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{storeUp, mails, mailWaiting} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (b *backlog) Collect(to chan<- prometheus.Metric) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.read.IsZero() || now.Sub(b.read) >= backlogEvery || now.Before(b.read) {
		b.refresh()
		b.read = b.now()
	}
	if b.failed != nil {
		to <- gauge(storeUp, 0)
		return
	}
	to <- gauge(storeUp, 1)
	for _, outcome := range []store.MailOutcome{store.MailWaiting, store.MailGivenUp, store.MailKept} {
		to <- gauge(mails, b.mails[outcome].Mails, string(outcome))
	}
	to <- age(mailWaiting, now, b.mails[store.MailWaiting].Oldest)
}

func (b *backlog) refresh() {
	ctx, cancel := context.WithTimeout(context.Background(), backlogPatience)
	defer cancel()
	b.failed = b.store.View(ctx, func(tx *store.ReadTx) (err error) {
		b.mails, err = tx.CountMails()
		return err
	})
	if b.failed != nil {
		b.log.Error("the metrics of the store cannot be read", "error", b.failed)
	}
}

func gauge(d *prometheus.Desc, value int, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
}

// age is the time since a moment; 0 if there is none.
func age(d *prometheus.Desc, now, since time.Time, labels ...string) prometheus.Metric {
	var seconds float64
	if !since.IsZero() {
		seconds = max(now.Sub(since), 0).Seconds()
	}
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, seconds, labels...)
}
