package store

import (
	"fmt"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

const aggregateColumns = `caller_id, aggregate_id, sender, recipient, method, most, installed, expires, balance, pending`

func scanAggregate(row scanner) (a payment.AggregateInstrument, err error) {
	var most, installed, expires, balance, pending int64
	err = row.Scan(&a.Caller, &a.ID, &a.Sender, &a.Recipient, &a.Method, &most, &installed, &expires, &balance, &pending)
	a.Limit, a.Balance, a.Pending = dollars(most), dollars(balance), dollars(pending)
	a.Installed, a.Expires = when(installed), when(expires)
	return a, err
}

// Aggregate reads a prepaid or credit instrument by its id alone: whose it is
// decides what is answered.
func (tx *ReadTx) Aggregate(id payment.AggregateID) (a payment.AggregateInstrument, found bool, err error) {
	a, err = scanAggregate(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+aggregateColumns+` FROM aggregate_instruments WHERE aggregate_id = $1`, id))
	found, err = maybe("reading an instrument", err)
	return a, found, err
}

// PendingAggregates is what is being funded or settled on all of a recipient's
// instruments of a kind, by callers of a mode, in micro-dollars.
func (tx *ReadTx) PendingAggregates(recipient party.ID, m holdfast.PaymentMethod, sandbox bool) (micro int64, err error) {
	err = tx.sql.QueryRowContext(tx.ctx, `
		SELECT CAST(COALESCE(SUM(a.pending), 0) AS BIGINT)
		FROM aggregate_instruments a JOIN callers c ON c.caller_id = a.caller_id
		WHERE a.recipient = $1 AND a.method = $2 AND a.pending > 0 AND c.sandbox = $3`, recipient, m, flag(sandbox)).Scan(&micro)
	if err != nil {
		return 0, fmt.Errorf("adding up what is pending on instruments: %w", err)
	}
	return micro, nil
}

// InsertAggregate adds an instrument.
func (tx *Tx) InsertAggregate(a payment.AggregateInstrument) error {
	return tx.one("adding an instrument", `
		INSERT INTO aggregate_instruments (`+aggregateColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		a.Caller, a.ID, a.Sender, a.Recipient, a.Method, a.Limit.Micro, micros(a.Installed), micros(a.Expires), a.Balance.Micro, a.Pending.Micro)
}

// changeAggregate writes an instrument's balance, which must be as it was read.
func (tx *Tx) changeAggregate(c payment.AggregateChange) error {
	before, after := c.Before, c.After
	return tx.one("changing an instrument", `
		UPDATE aggregate_instruments SET balance = $1, pending = $2
		WHERE caller_id = $3 AND aggregate_id = $4 AND balance = $5 AND pending = $6`,
		after.Balance.Micro, after.Pending.Micro, after.Caller, after.ID, before.Balance.Micro, before.Pending.Micro)
}
