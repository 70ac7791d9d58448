package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A server leases an endpoint, not its deliveries. So no two servers send the same
// delivery at the same time, an ordered endpoint needs nothing else for its order,
// and a delivery that arrives at the first try is written twice only: when it is
// queued and when it has arrived.

// A WebhookClaim says which endpoints to take, and for how long. Its times are
// real time.
type WebhookClaim struct {
	Now       time.Time
	Until     time.Time // the end of the leases
	PerCaller int       // the most leases of one caller, including those it has already
	Most      int       // the most endpoints to take, of all callers
}

// A WebhookLease is an endpoint that one server has claimed. No other sends to it
// until the lease ends.
type WebhookLease struct {
	WebhookEndpoint
	LeasedUntil time.Time
	Unreadable  error // why its secrets cannot be read; nil if they can
}

// An endpointDue is an endpoint with deliveries that wait, and when its next one
// is due.
type endpointDue struct {
	id          payment.EndpointID
	caller      party.CallerID
	leasedUntil int64
	dueAt       int64
}

// webhookQueues are the endpoints with waiting deliveries. The query goes through
// the index from one to the next, so the number of deliveries does not matter.
const webhookQueues = `
	WITH RECURSIVE queues AS (
		SELECT (
			SELECT endpoint_id FROM webhook_deliveries WHERE outcome = 'Waiting'
			ORDER BY endpoint_id LIMIT 1) AS whose
		UNION ALL
		SELECT (
			SELECT endpoint_id FROM webhook_deliveries WHERE outcome = 'Waiting' AND endpoint_id > whose
			ORDER BY endpoint_id LIMIT 1)
		FROM queues WHERE whose IS NOT NULL)`

// DueEndpoints returns the endpoints that ClaimEndpoints may take, so that an idle
// server does not write. Each caller gets one place after the other, and the
// endpoint that has not been served for the longest time comes first.
func (tx *ReadTx) DueEndpoints(c WebhookClaim) ([]payment.EndpointID, error) {
	all, err := list(tx, "looking for webhook endpoints with deliveries that are due",
		func(row scanner) (d endpointDue, err error) {
			return d, row.Scan(&d.id, &d.caller, &d.leasedUntil, &d.dueAt)
		}, webhookQueues+`
		SELECT e.endpoint_id, e.caller_id, e.leased_until, CASE e.ordered
			WHEN 1 THEN (
				SELECT next_at FROM webhook_deliveries WHERE endpoint_id = whose AND outcome = 'Waiting'
				ORDER BY position LIMIT 1)
			ELSE (
				SELECT next_at FROM webhook_deliveries WHERE endpoint_id = whose AND outcome = 'Waiting'
				ORDER BY next_at LIMIT 1)
			END AS due_at
		FROM queues JOIN webhook_endpoints e ON e.endpoint_id = whose WHERE e.pause = ''`)
	if err != nil {
		return nil, err
	}
	return c.choose(all), nil
}

func (c WebhookClaim) choose(all []endpointDue) (chosen []payment.EndpointID) {
	now := micros(c.Now)
	taken := map[party.CallerID]int{}
	all = slices.DeleteFunc(all, func(e endpointDue) bool {
		if e.leasedUntil > now {
			taken[e.caller]++
			return true
		}
		return e.dueAt > now
	})
	slices.SortFunc(all, func(a, b endpointDue) int {
		return cmp.Or(cmp.Compare(a.leasedUntil, b.leasedUntil), cmp.Compare(a.dueAt, b.dueAt), cmp.Compare(a.id, b.id))
	})
	places := map[payment.EndpointID]int{}
	for _, e := range all {
		taken[e.caller]++
		places[e.id] = taken[e.caller]
	}
	all = slices.DeleteFunc(all, func(e endpointDue) bool { return places[e.id] > c.PerCaller })
	slices.SortStableFunc(all, func(a, b endpointDue) int { return cmp.Compare(places[a.id], places[b.id]) })
	for _, e := range all[:min(len(all), c.Most)] {
		chosen = append(chosen, e.id)
	}
	return chosen
}

// ClaimEndpoints leases endpoints, except those that another server has taken. A
// paused store gives none.
func (tx *Tx) ClaimEndpoints(c WebhookClaim, chosen []payment.EndpointID) (leases []WebhookLease, err error) {
	if tx.paused() {
		return nil, nil
	}
	for _, id := range chosen {
		rows, err := list(tx.Unlocked(claimsLock), "claiming a webhook endpoint", scanEndpointRow, `
			SELECT `+endpointColumns+` FROM webhook_endpoints
			WHERE endpoint_id = $1 AND pause = '' AND leased_until <= $2`+tx.dialect.claiming("webhook_endpoints"),
			id, micros(c.Now))
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			continue
		}
		if err := tx.one("leasing a webhook endpoint", `
			UPDATE webhook_endpoints SET leased_until = $1 WHERE endpoint_id = $2 AND leased_until = $3`,
			micros(c.Until), id, micros(rows[0].leasedUntil)); err != nil {
			return nil, err
		}
		e, unreadable := tx.dialect.unsealed(rows[0])
		leases = append(leases, WebhookLease{e, when(micros(c.Until)), unreadable})
	}
	return leases, nil
}

// ReleaseEndpoint ends a lease, unless it has ended by itself. Endpoints that were
// served last are claimed last.
func (tx *Tx) ReleaseEndpoint(l WebhookLease, now time.Time) error {
	_, err := tx.exec("releasing a webhook endpoint", `
		UPDATE webhook_endpoints SET leased_until = $1 WHERE endpoint_id = $2 AND leased_until = $3`,
		micros(now), l.ID, micros(l.LeasedUntil))
	return err
}
