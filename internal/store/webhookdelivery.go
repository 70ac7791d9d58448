package store

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A WebhookDelivery is an event on its way to an endpoint. Its times are real
// time.
type WebhookDelivery struct {
	Endpoint payment.EndpointID
	Position int64     // of the event in the feed
	Created  time.Time // when it was queued, the last time
	Outcome  WebhookOutcome
	NextAt   time.Time // of the next try
	Tries    int       // since it was queued
	Failures int       // those of the tries that count against the endpoint
	LastTry  WebhookTry
}

// A WebhookTry is one request to an endpoint, and its answer.
type WebhookTry struct {
	At     time.Time // zero if there was none
	Took   time.Duration
	Status int    // of HTTP; 0 if there was no answer
	Result string // in words
	Answer string // the beginning of the answer's body
}

// A WebhookOutcome says whether an event is still to be delivered.
type WebhookOutcome string

// The outcomes.
const (
	WebhookWaiting   WebhookOutcome = "Waiting"
	WebhookDelivered WebhookOutcome = "Delivered"
	WebhookGivenUp   WebhookOutcome = "GivenUp"
)

// A webhookKey names a row of the table webhook_deliveries.
type webhookKey struct {
	endpoint payment.EndpointID
	position int64
}

var webhookTable = table[WebhookDelivery]{name: "webhook_deliveries", fields: fields[WebhookDelivery]{
	textField("endpoint_id", func(d *WebhookDelivery) *payment.EndpointID { return &d.Endpoint }),
	numberField("position", func(d *WebhookDelivery) *int64 { return &d.Position }),
	timeField("created", func(d *WebhookDelivery) *time.Time { return &d.Created }),
	textField("outcome", func(d *WebhookDelivery) *WebhookOutcome { return &d.Outcome }),
	timeField("next_at", func(d *WebhookDelivery) *time.Time { return &d.NextAt }),
	numberField("tries", func(d *WebhookDelivery) *int { return &d.Tries }),
	numberField("failures", func(d *WebhookDelivery) *int { return &d.Failures }),
	timeField("tried", func(d *WebhookDelivery) *time.Time { return &d.LastTry.At }),
	durationField("took", func(d *WebhookDelivery) *time.Duration { return &d.LastTry.Took }),
	numberField("status", func(d *WebhookDelivery) *int { return &d.LastTry.Status }),
	textField("result", func(d *WebhookDelivery) *string { return &d.LastTry.Result }),
	textField("answer", func(d *WebhookDelivery) *string { return &d.LastTry.Answer }),
}}

var (
	webhookColumns = webhookTable.list()
	scanWebhook    = webhookTable.scanner()
	insertWebhook  = engine.NewRows(webhookTable.insertion("queueing an event for a webhook endpoint", ""))
	requeue        = webhookTable.insertText(`
		ON CONFLICT (endpoint_id, position) DO UPDATE SET
			outcome = 'Waiting', created = excluded.created, next_at = excluded.next_at, tries = 0, failures = 0`)

	webhooks = engine.Keys[webhookKey]("changing a delivery to a webhook endpoint")
	// An arrival counts in any case. Any other result counts only if no other result
	// was written since.
	arriveWebhook = changeOf(webhooks, &webhookTable, "finishing a delivery to a webhook endpoint", webhookResult,
		"endpoint_id, position", "outcome")
	tryWebhook = changeOf(webhooks, &webhookTable, "trying a delivery to a webhook endpoint again", webhookResult,
		"endpoint_id, position", "outcome, tries")
)

const webhookResult = "outcome, next_at, tries, failures, tried, took, status, result, answer"

// fanOut queues events that have just got their positions for the endpoints that
// want them. It is a part of the commit that places them, so no event that a
// reader of the feed can see is missing from an endpoint's queue. The events need
// no Data.
func (tx *Tx) fanOut(placed []payment.Event) error {
	callers := map[string]bool{}
	for _, e := range placed {
		callers[string(e.Caller)] = true
	}
	const why = "an endpoint that is added or changed in this moment may get the events of this moment or not"
	endpoints, err := list(tx.Unlocked(why), "reading the endpoints of events", scanEndpointRow, `
		SELECT `+endpointColumns+` FROM webhook_endpoints WHERE caller_id`+tx.dialect.keys(1),
		keyList(slices.Sorted(maps.Keys(callers))))
	if err != nil {
		return err
	}
	var rows [][]any
	for _, e := range placed {
		for _, to := range endpoints {
			if to.Wants(e) {
				d := newWebhook(to.ID, e.Position, e.Placed)
				rows = append(rows, webhookTable.fields.values(&d))
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return insertWebhook.AddMany(tx.sql, rows)
}

func newWebhook(to payment.EndpointID, position int64, now time.Time) WebhookDelivery {
	return WebhookDelivery{Endpoint: to, Position: position, Created: now, Outcome: WebhookWaiting, NextAt: now}
}

// QueueAgain makes events due now at an endpoint, whether or not they were
// delivered.
func (tx *Tx) QueueAgain(to payment.EndpointID, positions []int64, now time.Time) error {
	var statements []engine.Statement
	for _, position := range positions {
		d := newWebhook(to, position, now)
		statements = append(statements, engine.Statement{
			Doing: "queueing an event for a webhook endpoint again", Text: requeue, Args: webhookTable.fields.values(&d),
			Want: 1,
		})
	}
	return tx.sql.Run(statements...)
}

// ResumeWebhooks makes waiting deliveries to an endpoint due now, with as many
// tries as new ones. It looks at limit of them, those behind a position in the
// feed, and returns the position of the last one: 0 if there are no more.
func (tx *Tx) ResumeWebhooks(
	to payment.EndpointID, after int64, now time.Time, limit int,
) (last int64, err error) {
	waiting, err := list(tx.Unlocked("a delivery that is queued meanwhile is new"), "reading waiting deliveries",
		func(row scanner) (position int64, err error) { return position, row.Scan(&position) }, `
		SELECT position FROM webhook_deliveries
		WHERE endpoint_id = $1 AND outcome = 'Waiting' AND position > $2 ORDER BY position LIMIT $3`, to, after, limit)
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	last = waiting[len(waiting)-1]
	_, err = tx.exec("resuming the deliveries to a webhook endpoint", `
		UPDATE webhook_deliveries SET next_at = $1, tries = 0, failures = 0
		WHERE endpoint_id = $2 AND outcome = 'Waiting' AND position > $3 AND position <= $4 AND (next_at > $1 OR tries > 0)`,
		micros(now), to, after, last)
	return last, err
}

// WebhookTried writes the result of a try: after is the delivery with it. It is
// ErrStale if before is no longer how the delivery is stored. An arrival is
// written unless another one was.
func (tx *Tx) WebhookTried(before, after WebhookDelivery) error {
	change := tryWebhook
	if after.Outcome == WebhookDelivered {
		change = arriveWebhook
	}
	return change.Write(tx.sql, webhookKey{before.Endpoint, before.Position}, change.args(&before, &after)...)
}

// An EventDelivery is a delivery with its event.
type EventDelivery struct {
	WebhookDelivery
	Event payment.Event
}

// withEvents adds the events of a caller to deliveries. Each is read by its key, in
// one round trip: a join could read all events of the caller as long as PostgreSQL
// has no statistics.
func (tx *ReadTx) withEvents(
	c party.CallerID, deliveries []WebhookDelivery, err error,
) ([]EventDelivery, error) {
	if err != nil || len(deliveries) == 0 {
		return nil, err
	}
	all := make([]EventDelivery, len(deliveries))
	var reads []engine.Statement
	for i, d := range deliveries {
		all[i].WebhookDelivery = d
		reads = append(reads, engine.Statement{
			Doing: "reading the event of a delivery", Text: eventAt, Args: []any{c, d.Position},
			Row: func(row scanner) error {
				all[i].Event, err = scanEvent(row)
				return err
			},
		})
	}
	err = tx.sql.Run(reads...)
	return slices.DeleteFunc(all, func(d EventDelivery) bool { return d.Event.ID == "" }), err
}

// DueWebhooks reads the deliveries to an endpoint that are due, at most limit. For
// an ordered endpoint they are the first ones of the feed that wait, due or not.
func (tx *ReadTx) DueWebhooks(e payment.Endpoint, now time.Time, limit int) ([]EventDelivery, error) {
	const doing = "reading deliveries that are due"
	if e.Ordered {
		deliveries, err := list(tx, doing, scanWebhook, `
			SELECT `+webhookColumns+` FROM webhook_deliveries
			WHERE endpoint_id = $1 AND outcome = 'Waiting' ORDER BY position LIMIT $2`, e.ID, limit)
		return tx.withEvents(e.Caller, deliveries, err)
	}
	deliveries, err := list(tx, doing, scanWebhook, `
		SELECT `+webhookColumns+` FROM webhook_deliveries
		WHERE endpoint_id = $1 AND outcome = 'Waiting' AND next_at <= $2 ORDER BY next_at, position LIMIT $3`,
		e.ID, micros(now), limit)
	return tx.withEvents(e.Caller, deliveries, err)
}

// A WebhookFilter chooses deliveries to an endpoint.
type WebhookFilter struct {
	Outcome WebhookOutcome // empty means all
	Before  int64          // positions before this one; 0 means all
}

// DeliveriesReadMost is how many deliveries a page of delivered ones looks through.
const DeliveriesReadMost = boundedMax

// Pages of deliveries. Those that wait and those that were given up have an index. Of
// the others, a page looks through $4 rows. They are usually delivered, but there may be
// a hundred thousand newer ones that wait.
var (
	pageOfWebhooks = `
		SELECT ` + webhookColumns + ` FROM webhook_deliveries
		WHERE position < $2 AND endpoint_id = $1 ORDER BY position DESC LIMIT $3`
	pageOfWebhooksIn = map[WebhookOutcome]string{
		WebhookWaiting: `
			SELECT ` + webhookColumns + ` FROM webhook_deliveries
			WHERE position < $2 AND endpoint_id = $1 AND outcome = 'Waiting' ORDER BY position DESC LIMIT $3`,
		WebhookGivenUp: `
			SELECT ` + webhookColumns + ` FROM webhook_deliveries
			WHERE position < $2 AND endpoint_id = $1 AND outcome = 'GivenUp' ORDER BY position DESC LIMIT $3`,
		WebhookDelivered: `
			SELECT ` + webhookColumns + ` FROM (
				SELECT ` + webhookColumns + ` FROM webhook_deliveries
				WHERE position < $2 AND endpoint_id = $1 ORDER BY position DESC LIMIT $4) AS newest
			WHERE outcome = 'Delivered' ORDER BY position DESC LIMIT $3`,
	}
)

// Webhooks reads a page of deliveries to an endpoint, the newest first, at most limit.
// next is the position before which the next page begins, or 0. A page reads a bounded
// number of rows, and may be short if the filter chooses delivered ones.
func (tx *ReadTx) Webhooks(
	e payment.Endpoint, f WebhookFilter, limit int,
) (page []EventDelivery, next int64, err error) {
	query, args := pageOfWebhooks, []any{e.ID, cmp.Or(f.Before, math.MaxInt64), limit + 1}
	if f.Outcome != "" {
		query = pageOfWebhooksIn[f.Outcome]
	}
	if f.Outcome == WebhookDelivered {
		args = append(args, DeliveriesReadMost)
	}
	chosen, err := list(tx, "reading deliveries to a webhook endpoint", scanWebhook, query, args...)
	switch {
	case err != nil:
		return nil, 0, err
	case len(chosen) > limit:
		chosen = chosen[:limit]
		next = chosen[limit-1].Position
	case f.Outcome == WebhookDelivered:
		if next, err = tx.readTo(e, f); err != nil {
			return nil, 0, err
		}
	}
	page, err = tx.withEvents(e.Caller, chosen, err)
	return page, next, err
}

// readTo is the position of the last delivery that a page looked through, or 0 if that
// was the endpoint's first one.
func (tx *ReadTx) readTo(e payment.Endpoint, f WebhookFilter) (position int64, err error) {
	return tx.number(`
		SELECT position FROM webhook_deliveries WHERE position < $2 AND endpoint_id = $1
		ORDER BY position DESC LIMIT 1 OFFSET $3`, e.ID, cmp.Or(f.Before, math.MaxInt64), DeliveriesReadMost-1)
}

// FirstEventSince returns the position of a caller's first event that was placed
// at a time or later, and of its last event: 0 and 0 if there is none. It looks for
// it by halves: events are placed in the order of their positions.
func (tx *ReadTx) FirstEventSince(c party.CallerID, since time.Time) (first, last int64, err error) {
	at := func(which string, from int64) (position, placed int64, err error) {
		_, err = list(tx.Unlocked("placed events never change"), "looking for an event by its time",
			func(row scanner) (int64, error) { return position, row.Scan(&position, &placed) }, `
			SELECT position, placed_at FROM events WHERE caller_id = $1 AND position > 0 AND position >= $2
			ORDER BY position `+which+` LIMIT 1`, c, from)
		return position, placed, err
	}
	last, placed, err := at("DESC", 0)
	if err != nil || last == 0 || placed < micros(since) {
		return 0, 0, err
	}
	// The first event is behind low, and at or before high.
	low, high := int64(0), last
	for low+1 < high {
		middle := low + (high-low)/2
		position, placed, err := at("ASC", middle)
		switch {
		case err != nil:
			return 0, 0, err
		case placed >= micros(since):
			high = middle
		default:
			low = position
		}
	}
	return high, last, nil
}

// EventsWanted reads the positions of the events that an endpoint wants, from a
// position in the feed to another. It looks at limit events, and returns the
// position at which to go on: 0 if there are no more.
func (tx *ReadTx) EventsWanted(e payment.Endpoint, from, to int64, limit int) (wanted []int64, next int64, err error) {
	events, err := list(tx.Unlocked("placed events never change"), "reading events of the feed", scanEvent, `
		SELECT `+eventColumns+` FROM events
		WHERE caller_id = $1 AND position > 0 AND position >= $2 AND position <= $3 ORDER BY position LIMIT $4`,
		e.Caller, from, to, limit)
	for _, one := range events {
		if e.Wants(one) {
			wanted = append(wanted, one.Position)
		}
	}
	if len(events) == limit {
		next = events[limit-1].Position + 1
	}
	return wanted, next, err
}

// MoreEventsThan reports whether a caller has more than some events between two
// positions.
func (tx *ReadTx) MoreEventsThan(c party.CallerID, from, to int64, some int) (bool, error) {
	n, err := tx.upTo(`
		SELECT 1 FROM events WHERE caller_id = $1 AND position > 0 AND position >= $2 AND position <= $3
		ORDER BY position`, some+1, c, from, to)
	return n > some, err
}

// OldWebhooks returns endpoints whose first delivery was queued before a time, and
// endpoints that were removed and have deliveries.
func (tx *ReadTx) OldWebhooks(before time.Time) ([]payment.EndpointID, error) {
	return list(tx, "looking for old deliveries to webhook endpoints",
		func(row scanner) (id payment.EndpointID, err error) { return id, row.Scan(&id) }, `
		WITH RECURSIVE ids AS (
			SELECT (SELECT MIN(endpoint_id) FROM webhook_deliveries) AS id
			UNION ALL
			SELECT (SELECT MIN(endpoint_id) FROM webhook_deliveries WHERE endpoint_id > ids.id) FROM ids WHERE id IS NOT NULL
		)
		SELECT id FROM ids WHERE id IS NOT NULL AND (
			NOT EXISTS (SELECT 1 FROM webhook_endpoints e WHERE e.endpoint_id = ids.id)
			OR (SELECT created FROM webhook_deliveries d WHERE d.endpoint_id = ids.id ORDER BY position LIMIT 1) < $1)`,
		micros(before))
}

// ForgetWebhooks removes deliveries to an endpoint that was removed, or that were
// queued before a time, among its first ones, and reports how many.
func (tx *Tx) ForgetWebhooks(to payment.EndpointID, before time.Time, limit int) (forgotten int, err error) {
	rows, err := tx.exec("forgetting deliveries to a webhook endpoint", `
		DELETE FROM webhook_deliveries WHERE endpoint_id = $1 AND position IN (
			SELECT position FROM webhook_deliveries WHERE endpoint_id = $1 ORDER BY position LIMIT $3)
			AND (created < $2 OR NOT EXISTS (SELECT 1 FROM webhook_endpoints e WHERE e.endpoint_id = $1))`,
		to, micros(before), limit)
	return int(rows), err
}
