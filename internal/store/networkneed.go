package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// NetworkNeed counts what needs an account at a card network at real time.
func (tx *ReadTx) NetworkNeed(id payment.NetworkAccountID, real time.Time) (n payment.NetworkNeed, err error) {
	for _, count := range []struct {
		to    *int64
		query string
		args  []any
	}{
		{&n.Callers, `SELECT COUNT(1) FROM callers WHERE network = $1`, []any{id}},
		{&n.Open, `
			SELECT COUNT(1) FROM transactions t
			JOIN instruments i ON i.party_id = t.sender AND i.instrument_id = t.instrument_id
			WHERE i.network = $1 AND (t.due > 0 OR t.asking <> '')`, []any{id}},
		{&n.Tokens, `
			SELECT COUNT(1) FROM tokens k
			JOIN instruments i ON i.party_id = k.sender AND i.instrument_id = k.instrument_id
			WHERE i.network = $1 AND k.used_by = '' AND k.cancelled = 0 AND k.expires > $2`, []any{id, micros(real)}},
		{&n.PageHolds, `
			SELECT COUNT(1) FROM page_holds
			WHERE account_id = $1 AND state IN ('Asking', 'Action', 'Held', 'Releasing')`, []any{id}},
		{&n.Disputes, `SELECT COUNT(1) FROM disputes WHERE account_id = $1 AND open = 1`, []any{id}},
		{&n.Paid, `
			SELECT COUNT(1) FROM network_payments p
			JOIN transactions t ON t.caller_id = p.caller_id AND t.transaction_id = p.transaction_id
			WHERE p.account_id = $1 AND t.state = 'Success' AND t.kind IN ('Reserve', 'Pay')`, []any{id}},
	} {
		if *count.to, err = tx.count("counting what needs an account at a card network", count.query,
			count.args...); err != nil {
			return n, err
		}
	}
	return n, nil
}

// CallersPast tells what a caller has that keeps it from using the account id:
// anything at all, a payment or an instrument that is not over, and a token that
// can pay at now with a card that is not kept at the account.
func (tx *ReadTx) CallersPast(
	c party.Caller, id payment.NetworkAccountID, now time.Time,
) (began, open, elsewhere bool, err error) {
	for _, look := range []struct {
		to    *bool
		query string
		args  []any
	}{
		{&began, `
			SELECT 1 FROM transactions WHERE caller_id = $1
			UNION ALL SELECT 1 FROM tokens WHERE caller_id = $1
			UNION ALL SELECT 1 FROM visits WHERE caller_id = $1 AND ended = 0`, []any{c.ID}},
		{&open, `
			SELECT 1 FROM transactions WHERE caller_id = $1 AND (due > 0 OR asking <> '')
			UNION ALL SELECT 1 FROM aggregate_instruments WHERE caller_id = $1 AND (balance > 0 OR pending > 0)`, []any{c.ID}},
		{&elsewhere, `
			SELECT 1 FROM tokens k
			LEFT JOIN instruments i ON i.party_id = k.sender AND i.instrument_id = k.instrument_id
			WHERE k.caller_id = $1 AND k.token_use IN ('Pay', 'Fund', 'Settle') AND k.used_by = '' AND k.cancelled = 0
				AND k.expires > $2 AND COALESCE(i.network, '') <> $3`, []any{c.ID, micros(now), id}},
	} {
		found, err := tx.count("looking at a caller's past",
			`SELECT COUNT(1) FROM (SELECT 1 FROM (`+look.query+`) AS a LIMIT 1) AS b`, look.args...)
		if err != nil {
			return began, open, elsewhere, err
		}
		*look.to = found > 0
	}
	return began, open, elsewhere, nil
}
