package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Attempts in the store are the questions in the rows of their transactions.

// AttemptsDue reports whether ClaimAttempts would find anything, so that an
// idle server does not write.
func (tx *ReadTx) AttemptsDue(now time.Time) (bool, error) {
	due, err := list(tx, "looking for questions in doubt", scanID, `
		SELECT transaction_id FROM transactions WHERE asking <> '' AND next_ask <= $1 LIMIT 1`, micros(now))
	return len(due) > 0, err
}

var (
	claimed      = transactionTable.some("asked, next_ask")
	claimAttempt = transactions.Change(engine.Update{
		Doing: "claiming a question", Table: transactionTable.name,
		Set: claimed.columns(), Key: transactionKeys.columns(),
	})
)

// ClaimAttempts takes at most limit transactions whose questions are in doubt
// at now. It moves the next turn of each to nextAsk, given how often the
// question was asked, so that no other server asks meanwhile. It reads no other
// table, because PostgreSQL would join all questions in doubt before it takes
// the first few.
//
// Half of them are due the longest, and half the shortest. If one account has a
// hundred thousand releases that its network takes slowly, the questions of other
// accounts still have their turn soon after they are due.
func (tx *Tx) ClaimAttempts(
	now time.Time, limit int, nextAsk func(asked int) time.Time,
) (all []payment.Transaction, err error) {
	taken := make(map[transactionKey]bool)
	for _, half := range []struct {
		order string
		most  int
	}{{"next_ask", (limit + 1) / 2}, {"next_ask DESC", limit / 2}} {
		some, err := list(tx.Unlocked(claimsLock), "reading questions in doubt", scanTransaction, `
			SELECT `+transactionColumns+` FROM transactions
			WHERE asking <> '' AND next_ask <= $1
			ORDER BY `+half.order+` LIMIT $2`+tx.dialect.claiming("transactions"), micros(now), half.most)
		if err != nil {
			return nil, err
		}
		for _, t := range some {
			if key := (transactionKey{t.Caller, t.ID}); !taken[key] {
				taken[key], all = true, append(all, t)
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	rows := make([][]any, len(all))
	for i := range all {
		all[i].Asked++
		row := transactionRow{Transaction: all[i], nextAsk: nextAsk(all[i].Asked)}
		rows[i] = transactionKeys.appendTo(claimed.values(&row), &row)
	}
	return all, claimAttempt.WriteMany(tx.sql, rows)
}

// A Doubt is a question that the network has not answered, with the current
// state of its transaction.
type Doubt struct {
	payment.Attempt
	Of payment.Transaction
}

// Doubts reads the cards of transactions with open questions. It leaves out a
// question whose card does not exist, so that the other questions are still
// asked.
func (tx *ReadTx) Doubts(asked []payment.Transaction) ([]Doubt, error) {
	var keys []instrumentKey
	for _, t := range asked {
		keys = append(keys, instrumentKey{t.Sender, t.Instrument})
	}
	with, err := instruments.GetAll(tx.sql, keys)
	if err != nil {
		return nil, err
	}
	known, err := tx.known(asked, with)
	if err != nil {
		return nil, err
	}
	doubts := make([]Doubt, 0, len(asked))
	for _, t := range asked {
		instrument, found := with[instrumentKey{t.Sender, t.Instrument}]
		a := t.Question()
		if a == nil || !found {
			continue
		}
		a.Card = instrument.Stored()
		doubts = append(doubts, Doubt{a.Knowing(known[transactionKey{t.Caller, t.ID}]), t})
	}
	return doubts, nil
}

// known reads what is known of transactions at their card networks. Those of the
// sandbox are not looked for.
func (tx *ReadTx) known(
	all []payment.Transaction, with map[instrumentKey]payment.Instrument,
) (map[transactionKey]payment.NetworkPayment, error) {
	var keys []transactionKey
	for _, t := range all {
		if with[instrumentKey{t.Sender, t.Instrument}].Account != "" {
			keys = append(keys, transactionKey{t.Caller, t.ID})
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	return networkPayments.GetAll(tx.sql, keys)
}
