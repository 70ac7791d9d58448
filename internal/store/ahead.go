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
	requests.Expect(a.tx.sql, requestKey{c, ref})
}

// Token announces [ReadTx.TokenFor] of a token of the caller's own.
func (a Ahead) Token(c party.CallerID, id holdfast.TokenID) { tokens.Expect(a.tx.sql, tokenKey{c, id}) }

// Transaction announces [ReadTx.Transaction].
func (a Ahead) Transaction(c party.CallerID, id holdfast.TransactionID) {
	transactions.Expect(a.tx.sql, transactionKey{c, id})
}

// JSONKey announces [ReadTx.JSONKey].
func (a Ahead) JSONKey(id party.JSONKeyID) { jsonKeys.Expect(a.tx.sql, id) }

// Call announces [ReadTx.Call].
func (a Ahead) Call(c party.CallerID, idempotency string) {
	calls.Expect(a.tx.sql, callKey{c, idempotency})
}

// Party announces [ReadTx.Party].
func (a Ahead) Party(id party.ID) { parties.Expect(a.tx.sql, id) }

// Instrument announces [ReadTx.Instrument].
func (a Ahead) Instrument(owner party.ID, id payment.InstrumentID) {
	instruments.Expect(a.tx.sql, instrumentKey{owner, id})
}
