package store

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

var aggregateTable = table[payment.AggregateInstrument]{name: "aggregate_instruments", fields: fields[payment.AggregateInstrument]{
	textField("caller_id", func(a *payment.AggregateInstrument) *party.CallerID { return &a.Caller }),
	textField("aggregate_id", func(a *payment.AggregateInstrument) *payment.AggregateID { return &a.ID }),
	textField("sender", func(a *payment.AggregateInstrument) *party.ID { return &a.Sender }),
	textField("recipient", func(a *payment.AggregateInstrument) *party.ID { return &a.Recipient }),
	textField("method", func(a *payment.AggregateInstrument) *holdfast.PaymentMethod { return &a.Method }),
	dollarsField("most", func(a *payment.AggregateInstrument) *money.Amount { return &a.Limit }),
	timeField("installed", func(a *payment.AggregateInstrument) *time.Time { return &a.Installed }),
	timeField("expires", func(a *payment.AggregateInstrument) *time.Time { return &a.Expires }),
	dollarsField("balance", func(a *payment.AggregateInstrument) *money.Amount { return &a.Balance }),
	dollarsField("pending", func(a *payment.AggregateInstrument) *money.Amount { return &a.Pending }),
}}

var (
	aggregateColumns = aggregateTable.list()
	scanAggregate    = aggregateTable.scanner()
	insertAggregate  = aggregateTable.insertText("")
)

// Aggregate reads a prepaid or credit instrument by its id alone. The action
// must check whose instrument it is.
func (tx *ReadTx) Aggregate(id payment.AggregateID) (a payment.AggregateInstrument, found bool, err error) {
	a, err = scanAggregate(tx.sql.QueryRow(`
		SELECT `+aggregateColumns+` FROM aggregate_instruments WHERE aggregate_id = $1`, id))
	found, err = maybe("reading an instrument", err)
	return a, found, err
}

// AggregatesOf reads a caller's prepaid and credit instruments, the newest first, at
// most limit. It begins after the instrument with an id, or with the newest.
func (tx *ReadTx) AggregatesOf(
	c party.CallerID, after payment.AggregateID, limit int,
) ([]payment.AggregateInstrument, error) {
	return list(tx, "reading a caller's instruments", scanAggregate, pageOfAggregates, c, cmp.Or(after, lastID), limit)
}

// pageOfAggregates begins with the comparison with the previous page; see listings.
var pageOfAggregates = `
	SELECT ` + aggregateColumns + ` FROM aggregate_instruments
	WHERE aggregate_id < $2 AND caller_id = $1 ORDER BY aggregate_id DESC LIMIT $3`

// PendingAggregates adds up the pending amounts of all of a recipient's
// instruments with one method, in micro-dollars. It counts only callers in one
// mode, sandbox or live.
func (tx *ReadTx) PendingAggregates(
	recipient party.ID, m holdfast.PaymentMethod, sandbox bool,
) (micro int64, err error) {
	err = tx.sql.QueryRow(`
		SELECT CAST(COALESCE(SUM(a.pending), 0) AS BIGINT)
		FROM aggregate_instruments a JOIN callers c ON c.caller_id = a.caller_id
		WHERE a.recipient = $1 AND a.method = $2 AND a.pending > 0 AND c.sandbox = $3`,
		recipient, m, flag(sandbox)).Scan(&micro)
	if err != nil {
		return 0, fmt.Errorf("adding up pending amounts of instruments: %w", err)
	}
	return micro, nil
}

// InsertAggregate adds an instrument.
func (tx *Tx) InsertAggregate(a payment.AggregateInstrument) error {
	return tx.one("adding an instrument", insertAggregate, aggregateTable.fields.values(&a)...)
}

// ChangeAggregate writes an instrument's balance and expiry. It is ErrStale
// unless they are still as they were read. Even a change that writes the same
// values conflicts with others on PostgreSQL: if two write one row at the same
// time, one runs again.
func (tx *Tx) ChangeAggregate(c payment.AggregateChange) error {
	before, after := c.Before, c.After
	return tx.one("changing an instrument", `
		UPDATE aggregate_instruments SET balance = $1, pending = $2, expires = $3
		WHERE caller_id = $4 AND aggregate_id = $5 AND balance = $6 AND pending = $7 AND expires = $8`,
		after.Balance.Micro, after.Pending.Micro, micros(after.Expires), after.Caller, after.ID,
		before.Balance.Micro, before.Pending.Micro, micros(before.Expires))
}

// TouchAggregateOf writes the row of a token's prepaid or credit instrument, if
// it has one, without changing it. It makes the action conflict with others
// that write the row.
func (tx *Tx) TouchAggregateOf(c party.CallerID, token holdfast.TokenID) error {
	_, err := tx.exec("touching the instrument of a token", `
		UPDATE aggregate_instruments SET balance = balance
		WHERE caller_id = $1 AND aggregate_id IN (
			SELECT aggregate_id FROM tokens WHERE caller_id = $1 AND token_id = $2 AND aggregate_id <> '')`, c, token)
	return err
}

// TouchSettledWith writes the rows of the credit instruments that are settled
// with an instrument, without changing them. It reports whether there is a debt
// on one of them.
func (tx *Tx) TouchSettledWith(owner party.ID, i payment.InstrumentID) (owed bool, err error) {
	if _, err := tx.exec("touching the instruments that a card settles", `
		UPDATE aggregate_instruments SET balance = balance WHERE sender = $1 AND EXISTS (SELECT 1`+settledWith+`)`,
		owner, i); err != nil {
		return false, err
	}
	debts, err := tx.DebtsSettledWith(owner, i)
	return len(debts) > 0, err
}

// settledWith selects the tokens that settle a credit instrument with a given
// instrument. It repeats the condition of the index by credit instrument; by another one,
// it would read all tokens of the sender.
const settledWith = `
	FROM tokens k
	WHERE k.sender = $1 AND k.sender <> '' AND k.instrument_id = $2 AND k.token_use = 'Settle' AND k.cancelled = 0
		AND k.caller_id = aggregate_instruments.caller_id AND k.aggregate_id = aggregate_instruments.aggregate_id
		AND k.aggregate_id <> ''`

// DebtsSettledWith reads the credit instruments that have a debt and are
// settled with an instrument, at most a hundred.
func (tx *ReadTx) DebtsSettledWith(owner party.ID, i payment.InstrumentID) ([]payment.AggregateInstrument, error) {
	return list(tx, "looking for debts that a card settles", scanAggregate, debtsSettledWith, owner, i)
}

var debtsSettledWith = `
	SELECT ` + aggregateColumns + ` FROM aggregate_instruments
	WHERE sender = $1 AND balance > 0 AND EXISTS (SELECT 1` + settledWith + `) ORDER BY aggregate_id LIMIT 100`

// AggregateTokens reads the tokens of a prepaid or credit instrument, including
// cancelled ones. Go sorts them, because with ORDER BY SQLite would read all
// tokens of the caller.
func (tx *ReadTx) AggregateTokens(c party.CallerID, id payment.AggregateID) ([]payment.Token, error) {
	tokens, err := list(tx, "reading the tokens of an instrument", scanToken, `
		SELECT `+tokenColumns+` FROM tokens
		WHERE caller_id = $1 AND aggregate_id = $2 AND aggregate_id <> ''`, c, id)
	slices.SortFunc(tokens, func(a, b payment.Token) int { return cmp.Compare(a.ID, b.ID) })
	return tokens, err
}

// An AggregatePlace is a position in the list of OverAggregates.
type AggregatePlace struct {
	Caller  party.CallerID
	Expires time.Time
	ID      payment.AggregateID
}

// OverAggregates reads expired prepaid instruments that still have a balance,
// by their callers' clocks. It begins after a position and reads at most limit.
// The cross join makes SQLite use the index of expiry times for each caller.
func (tx *ReadTx) OverAggregates(
	real time.Time, after AggregatePlace, limit int,
) ([]payment.AggregateInstrument, error) {
	return list(tx, "looking for expired prepaid balances", scanAggregate, `
		SELECT `+joined("a", aggregateColumns)+`
		FROM callers c CROSS JOIN aggregate_instruments a
		WHERE a.caller_id = c.caller_id AND a.method = 'Prepaid' AND a.balance > 0
			AND a.expires > 0 AND a.expires <= $1 + c.clock_offset
			AND (c.caller_id > $2 OR c.caller_id = $2 AND (a.expires > $3 OR a.expires = $3 AND a.aggregate_id > $4))
		ORDER BY c.caller_id, a.expires, a.aggregate_id LIMIT $5`,
		micros(real), after.Caller, micros(after.Expires), after.ID, limit)
}

// Fundings reads the payments that funded an instrument and are not fully
// refunded, the newest first, at most limit.
func (tx *ReadTx) Fundings(c party.CallerID, id payment.AggregateID, limit int) ([]payment.Transaction, error) {
	return list(tx, "reading the fundings of an instrument", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE caller_id = $1 AND aggregate_id = $2 AND kind = 'FundPrepaid' AND state = 'Success' AND refunded < amount
		ORDER BY received DESC, transaction_id DESC LIMIT $3`, c, id, limit)
}
