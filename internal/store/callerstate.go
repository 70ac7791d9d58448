package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// A CallerState is what waits of one caller. Each number is at most 10,000.
type CallerState struct {
	InDoubt        int // questions to a card network without an answer
	Notices        int // notifications that wait for another try
	Webhooks       int // events that wait for an endpoint
	WebhooksPaused int // endpoints that get nothing
	Violations     int // faults of the books that nobody has acknowledged
	Approvals      int // actions that a second member can still decide on
}

// CallerState reads what waits of a caller at a real time. It reads partial indexes
// of what is open.
func (tx *ReadTx) CallerState(c party.CallerID, real time.Time) (s CallerState, err error) {
	for _, n := range []struct {
		to    *int
		query string
		args  []any
	}{
		{&s.InDoubt, `
			SELECT 1 FROM (SELECT caller_id FROM transactions WHERE ` + inDoubt + ` ORDER BY next_ask LIMIT 10000) AS asked
			WHERE caller_id = $2`, []any{micros(real), c}},
		{
			&s.Notices, `
			SELECT 1 FROM deliveries WHERE caller_id = $1 AND outcome = 'Waiting' ORDER BY caller_id, leased_until, next_at`,
			[]any{c},
		},
		{&s.Webhooks, `
			SELECT 1 FROM webhook_endpoints e JOIN webhook_deliveries d ON d.endpoint_id = e.endpoint_id
			WHERE e.caller_id = $1 AND d.outcome = 'Waiting'`, []any{c}},
		{&s.WebhooksPaused, `SELECT 1 FROM webhook_endpoints WHERE caller_id = $1 AND pause <> ''`, []any{c}},
		{&s.Violations, `SELECT 1 FROM book_violations WHERE caller_id = $1 AND acknowledged = 0`, []any{c}},
		{
			&s.Approvals, `SELECT 1 FROM approvals WHERE caller_id = $1 AND state = 'Asked' AND asked_at > $2`,
			[]any{c, micros(real.Add(-party.ApprovalLife))},
		},
	} {
		if *n.to, err = tx.upTo(n.query, backlogMost, n.args...); err != nil {
			return s, err
		}
	}
	return s, nil
}
