package store

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Ahead names rows that an action is about to read, so that they are read
// together, with the first of them that it reads. It changes nothing else: who
// names a row that is never read has it read for nothing.
type Ahead struct{ tx *ReadTx }

// Ahead says what is read next.
func (tx *ReadTx) Ahead() Ahead { return Ahead{tx} }

// Request is [ReadTx.Request].
func (a Ahead) Request(c party.CallerID, ref holdfast.CallerReference) {
	requests.expect(a.tx, requestKey{c, ref})
}

// Token is [ReadTx.TokenFor] of one of the caller's own.
func (a Ahead) Token(c party.CallerID, id holdfast.TokenID) { tokens.expect(a.tx, tokenKey{c, id}) }

// Transaction is [ReadTx.Transaction].
func (a Ahead) Transaction(c party.CallerID, id holdfast.TransactionID) {
	transactions.expect(a.tx, transactionKey{c, id})
}

// Party is [ReadTx.Party].
func (a Ahead) Party(id party.ID) { parties.expect(a.tx, id) }

// Instrument is [ReadTx.Instrument].
func (a Ahead) Instrument(owner party.ID, id payment.InstrumentID) {
	instruments.expect(a.tx, instrumentKey{owner, id})
}

// expect has a row read together with the next one that the action, in a round,
// waits for.
func (s *source[K, V]) expect(tx *ReadTx, k K) {
	if tx.strand == nil {
		return
	}
	rows := sharedBy(tx.strand.round, s)
	if _, known := rows.found[k]; !known {
		rows.wanted[k] = true
	}
}
