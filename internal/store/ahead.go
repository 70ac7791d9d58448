package store

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Ahead names rows that an action is about to read, so that one query reads
// them together. It changes nothing else. A row that is named and never used is
// read for nothing.
type Ahead struct{ tx *ReadTx }

// Ahead returns the names of the reads that can be announced.
func (tx *ReadTx) Ahead() Ahead { return Ahead{tx} }

// Request announces [ReadTx.Request].
func (a Ahead) Request(c party.CallerID, ref holdfast.CallerReference) {
	requests.expect(a.tx, requestKey{c, ref})
}

// Token announces [ReadTx.TokenFor] of a token of the caller's own.
func (a Ahead) Token(c party.CallerID, id holdfast.TokenID) { tokens.expect(a.tx, tokenKey{c, id}) }

// Transaction announces [ReadTx.Transaction].
func (a Ahead) Transaction(c party.CallerID, id holdfast.TransactionID) {
	transactions.expect(a.tx, transactionKey{c, id})
}

// Party announces [ReadTx.Party].
func (a Ahead) Party(id party.ID) { parties.expect(a.tx, id) }

// Instrument announces [ReadTx.Instrument].
func (a Ahead) Instrument(owner party.ID, id payment.InstrumentID) {
	instruments.expect(a.tx, instrumentKey{owner, id})
}

// expect adds a row to the next read of the action's round.
func (s *source[K, V]) expect(tx *ReadTx, k K) {
	if tx.strand == nil {
		return
	}
	rows := sharedBy(tx.strand.round, s)
	if _, known := rows.found[k]; !known {
		rows.wanted[k] = true
	}
}
