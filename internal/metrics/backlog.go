package metrics

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

const (
	// backlogEvery is how long a reading of the store is used. However often the
	// metrics are scraped, the store is read no more often.
	backlogEvery = 5 * time.Second
	// backlogPatience bounds one reading, so that a store that hangs does not
	// delay the other metrics for longer.
	backlogPatience = 3 * time.Second
	// holdsEvery is how long a reading of the holds of all callers is used. It reads
	// more rows.
	holdsEvery = time.Minute
)

// backlog reads from the store what waits there, and how the database does. All
// servers on one store show the same values.
type backlog struct {
	store store.Reader
	now   func() time.Time
	log   *slog.Logger

	mu       sync.Mutex
	read     time.Time // when the store was read last
	waiting  store.Backlog
	database store.Database
	books    store.BooksState
	failed   error

	holds     []store.HoldsOfCaller
	holdsRead time.Time
}

// Watch adds the metrics of what waits in the store.
func (s *Set) Watch(r store.Reader) { s.register(&backlog{store: r, now: s.now, log: s.log}) }

func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	storeUp = described("holdfast_store_up",
		"1 if the store could be read at the last try, 0 if not. Without the store, the metrics of what waits in it are "+
			"missing.")
	overdue = described("holdfast_transactions_overdue",
		"Open transactions past their deadline by their caller's clock, at most 10,000.")
	overdueAge = described("holdfast_transaction_overdue_seconds",
		"Time since the deadline of the most overdue open transaction.")
	questions = described("holdfast_questions_open",
		"Questions to a card network without an answer, at most 10,000.")
	questionAge = described("holdfast_question_open_seconds",
		"Age of the oldest question to a card network without an answer.")
	notices = described("holdfast_notices_waiting",
		"Notices that wait in the line for their first try, or in their caller's queue, at most 10,000 of each.", "place")
	noticeAge = described("holdfast_notice_waiting_seconds",
		"Time since the oldest waiting notice was due for the first time.", "place")
	mails = described("holdfast_mails",
		"Mails that have not arrived: waiting for a try, given up, or kept in a sandbox's inbox.", "outcome")
	mailWaiting = described("holdfast_mail_waiting_seconds", "How long the oldest waiting mail has been tried.")
	webhooks    = described("holdfast_webhooks_waiting",
		"Events that wait for webhook endpoints, also for paused ones, at most 10,000.")
	webhookAge = described("holdfast_webhook_waiting_seconds",
		"How long an event has waited for a webhook endpoint that is not paused.")
	webhooksGivenUp = described("holdfast_webhooks_given_up",
		"Events of the last 90 days that a webhook endpoint has not taken for three days, at most 10,000.")
	endpointsPaused = described("holdfast_webhook_endpoints_paused", "Webhook endpoints that are paused.", "reason")
	events          = described("holdfast_network_events_waiting",
		"Events of card networks that were not worked off, at most 10,000.")
	eventAge = described("holdfast_network_event_waiting_seconds",
		"Time since the oldest event of a card network that waits was received.")
	eventsGivenUp = described("holdfast_network_events_given_up",
		"Events of card networks of the last 90 days that were given up, at most 10,000.")
	unplaced = described("holdfast_events_unplaced",
		"Events of the JSON API that have no position in the feed yet, so that nobody has seen them, at most 10,000.")
	unplacedAge = described("holdfast_event_unplaced_seconds",
		"Time since the oldest event of the JSON API without a position was written.")
	attention = described("holdfast_network_attention",
		"Transactions that a person must look at at their card network, at most 10,000.")
	standbyWaits = described("holdfast_standby_waits",
		"Sessions of PostgreSQL that have waited for a standby for over a second.")
	standbyLag = described("holdfast_standby_flush_lag_seconds",
		"Time until a standby has written what the primary has. It is missing if the server's user may not see it.",
		"standby")
	deadRows  = described("holdfast_table_dead_rows", "Row versions that VACUUM has not removed from a table.", "table")
	freezeAge = described("holdfast_table_freeze_age",
		"Age of the oldest transaction id in a table, in transactions. PostgreSQL stops at two billion.", "table")
	violations = described("holdfast_books_violations",
		"Rows of the books that the audit has found to be wrong, open or acknowledged.", "state")
	stopped = described("holdfast_callers_stopped",
		"Callers that may not move money until their violations are acknowledged.")
	passAge = described("holdfast_books_pass_age_seconds",
		"Time since the last pass of the audit over the whole books ended; before that, since the first one began.")
	passRows  = described("holdfast_books_pass_rows", "Rows that the present pass of the audit has read, or the last one.")
	holdsOpen = described("holdfast_holds_open",
		"Open transactions of a caller that have a deadline, at most 10,000. Only the first 100 callers that have any are "+
			"listed.", "caller", "mode")
	holdsAtRisk = described("holdfast_holds_at_risk_dollars",
		"What is still held of a caller's holds whose deadline is within 24 hours, of at most 10,000 holds.", "caller", "mode")
	slotBytes = described("holdfast_replication_slot_bytes",
		"Write-ahead log that PostgreSQL keeps for a replication slot.", "slot")
)

// Describe implements [prometheus.Collector].
func (b *backlog) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		storeUp, overdue, overdueAge, questions, questionAge, notices, noticeAge, mails, mailWaiting,
		events, eventAge, eventsGivenUp, unplaced, unplacedAge, attention, webhooks, webhookAge, webhooksGivenUp,
		endpointsPaused,
		standbyWaits, standbyLag, deadRows, freezeAge, slotBytes, violations, stopped, passAge, passRows,
		holdsOpen, holdsAtRisk,
	} {
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
	b.collectWaiting(to, now)
	b.collectDatabase(to)
	b.collectBooks(to, now)
	for _, h := range b.holds {
		mode := "live"
		if h.Sandbox {
			mode = "sandbox"
		}
		to <- gauge(holdsOpen, h.Open, string(h.Caller), mode)
		to <- dollars(holdsAtRisk, h.AtRisk, string(h.Caller), mode)
	}
}

func (b *backlog) collectBooks(to chan<- prometheus.Metric, now time.Time) {
	to <- gauge(violations, b.books.Open, "open")
	to <- gauge(violations, b.books.Acknowledged, "acknowledged")
	to <- gauge(stopped, b.books.Stopped)
	a := b.books.Audit
	since := a.Finished
	if since.IsZero() {
		since = a.Created
	}
	if since.IsZero() { // no server has begun yet
		return
	}
	to <- seconds(passAge, max(now.Sub(since), 0))
	to <- gauge(passRows, a.Rows)
}

func (b *backlog) collectWaiting(to chan<- prometheus.Metric, now time.Time) {
	w := b.waiting
	to <- gauge(overdue, w.Overdue.Rows)
	to <- seconds(overdueAge, w.Overdue.Oldest)
	to <- gauge(questions, w.Asking.Rows)
	to <- seconds(questionAge, w.Asking.Oldest)
	for place, some := range map[string]store.Waiting{"line": w.Line, "queues": w.Queues} {
		to <- gauge(notices, some.Rows, place)
		to <- seconds(noticeAge, some.Oldest, place)
	}
	to <- gauge(events, w.Events.Rows)
	to <- seconds(eventAge, w.Events.Oldest)
	to <- gauge(eventsGivenUp, w.EventsGivenUp)
	to <- gauge(unplaced, w.Unplaced.Rows)
	to <- seconds(unplacedAge, w.Unplaced.Oldest)
	to <- gauge(attention, w.Attention)
	to <- gauge(webhooks, w.Webhooks.Rows)
	to <- seconds(webhookAge, w.Webhooks.Oldest)
	to <- gauge(webhooksGivenUp, w.WebhooksGivenUp)
	for _, why := range []payment.EndpointPause{payment.PausedByWish, payment.PausedGone, payment.PausedFailing} {
		to <- gauge(endpointsPaused, w.PausedEndpoints[why], strings.ToLower(string(why)))
	}
	for _, outcome := range []store.MailOutcome{store.MailWaiting, store.MailGivenUp, store.MailKept} {
		to <- gauge(mails, w.Mails[outcome].Mails, string(outcome))
	}
	var age time.Duration
	if oldest := w.Mails[store.MailWaiting].Oldest; !oldest.IsZero() {
		age = max(now.Sub(oldest), 0)
	}
	to <- seconds(mailWaiting, age)
}

func (b *backlog) collectDatabase(to chan<- prometheus.Metric) {
	if !b.database.Known {
		return
	}
	to <- gauge(standbyWaits, b.database.StandbyWaits)
	for _, s := range b.database.Standbys {
		to <- seconds(standbyLag, s.FlushLag, s.Name)
	}
	for _, t := range b.database.Tables {
		to <- gauge(deadRows, t.DeadRows, t.Name)
		to <- gauge(freezeAge, t.FreezeAge, t.Name)
	}
	for _, s := range b.database.Slots {
		to <- gauge(slotBytes, s.Bytes, s.Name)
	}
}

func (b *backlog) refresh() {
	ctx, cancel := context.WithTimeout(context.Background(), backlogPatience)
	defer cancel()
	now := b.now()
	b.failed = b.store.View(ctx, func(tx *store.ReadTx) (err error) {
		if b.waiting, err = tx.Backlog(now); err != nil {
			return err
		}
		if b.books, err = tx.Books(); err != nil {
			return err
		}
		if b.database, err = tx.Database(); err != nil || b.holdsRead.Add(holdsEvery).After(now) && !now.Before(b.holdsRead) {
			return err
		}
		b.holds, err = tx.HoldsByCaller(now)
		b.holdsRead = now
		return err
	})
	if b.failed != nil {
		b.log.Error("the metrics of the store cannot be read", "error", b.failed)
	}
}

func gauge(d *prometheus.Desc, value int, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
}

func dollars(d *prometheus.Desc, value money.Amount, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value.Micro)/1e6, labels...)
}

func seconds(d *prometheus.Desc, value time.Duration, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value.Seconds(), labels...)
}
