package store

import (
	"fmt"
	"math/rand/v2"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// lanes is how many rows the balance of an account is spread over at most.
// Servers that share a database draw one each, and mostly different ones.
const lanes = 16

func drawLane() int { return rand.IntN(lanes) } //nolint:gosec // spreads rows, no secret

// AccountBalance is what all callers of a mode have left in an account, in
// micro-dollars.
func (tx *ReadTx) AccountBalance(account ledger.AccountID, sandbox bool) (micro int64, err error) {
	err = tx.sql.QueryRowContext(tx.ctx, `
		SELECT CAST(COALESCE(SUM(b.micro), 0) AS BIGINT)
		FROM balances b JOIN callers c ON c.caller_id = b.caller_id
		WHERE b.account = $1 AND c.sandbox = $2`, account, flag(sandbox)).Scan(&micro)
	if err != nil {
		return 0, fmt.Errorf("reading the balance of %s: %w", account, err)
	}
	return micro, nil
}

// addToBalance adds to an account in a caller's books, and returns what is then
// in it in the books of all callers of that mode, as far as this transaction
// sees them.
func (tx *Tx) addToBalance(c party.CallerID, account ledger.AccountID, micro int64) (after int64, err error) {
	err = tx.one("changing a balance", `
		INSERT INTO balances (caller_id, account, lane, micro) VALUES ($1, $2, $3, $4)
		ON CONFLICT (caller_id, account, lane) DO UPDATE SET micro = balances.micro + excluded.micro`,
		c, account, tx.dialect.lane, micro)
	if err != nil {
		return 0, err
	}
	err = tx.sql.QueryRowContext(tx.ctx, `
		SELECT CAST(SUM(b.micro) AS BIGINT)
		FROM balances b JOIN callers c ON c.caller_id = b.caller_id
		WHERE b.account = $1 AND c.sandbox = (SELECT sandbox FROM callers WHERE caller_id = $2)`, account, c).Scan(&after)
	if err != nil {
		return 0, fmt.Errorf("reading the balance of %s: %w", account, err)
	}
	return after, nil
}

// spend has two decisions that rest on a party's balance meet at one row.
func (tx *Tx) spend(p party.ID) error {
	return tx.one("spending from a balance", `
		INSERT INTO spenders (party_id, times) VALUES ($1, 1)
		ON CONFLICT (party_id) DO UPDATE SET times = spenders.times + 1`, p)
}

// Moving is what is on its way to and from a party's account, by callers of a
// mode, in micro-dollars: payments and refunds that a network was asked for and
// has not decided.
func (tx *ReadTx) Moving(p party.ID, sandbox bool) (in, out int64, err error) {
	err = tx.sql.QueryRowContext(tx.ctx, `
		SELECT CAST(COALESCE(SUM(CASE WHEN a.step <> 'Return' THEN a.amount ELSE 0 END), 0) AS BIGINT),
			CAST(COALESCE(SUM(CASE WHEN a.step = 'Return' THEN a.amount ELSE 0 END), 0) AS BIGINT)
		FROM attempts a
		JOIN transactions t ON t.caller_id = a.caller_id AND t.transaction_id = a.transaction_id
		JOIN callers c ON c.caller_id = a.caller_id
		WHERE a.state = 'Open' AND a.step IN ('Capture', 'Charge', 'Return') AND t.state IN ('Pending', 'Settling')
			AND t.recipient = $1 AND c.sandbox = $2`, p, flag(sandbox)).Scan(&in, &out)
	if err != nil {
		return 0, 0, fmt.Errorf("adding up what is moving: %w", err)
	}
	return in, out, nil
}
