package store

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// InsertTokens adds many tokens whose references are known to be free, such as
// those of a benchmark.
func (tx *Tx) InsertTokens(tokens []payment.Token) error {
	rows := make([][]any, len(tokens))
	for i, t := range tokens {
		rows[i] = tokenRow(t)
	}
	return tx.writeMany(insertToken, rows)
}

// Standings reads the states of some of a caller's transactions, without those
// that do not exist. It serves to compare many transactions with the answers
// that were given.
func (tx *ReadTx) Standings(
	c party.CallerID, ids []holdfast.TransactionID,
) (map[holdfast.TransactionID]payment.State, error) {
	keys := make([]transactionKey, len(ids))
	for i, id := range ids {
		keys[i] = transactionKey{c, id}
	}
	found := make(map[transactionKey]row[payment.Transaction], len(ids))
	if err := transactions.readMany(tx, keys, found); err != nil {
		return nil, err
	}
	standings := make(map[holdfast.TransactionID]payment.State, len(ids))
	for key, t := range found {
		if t.found {
			standings[key.id] = t.value.State
		}
	}
	return standings, nil
}

// PartiesWith reads the parties with the given ids, without those that do not
// exist.
func (tx *ReadTx) PartiesWith(ids []party.ID) (map[party.ID]party.Party, error) {
	found := make(map[party.ID]row[party.Party], len(ids))
	for _, id := range ids {
		found[id] = row[party.Party]{}
	}
	if err := parties.readAll(tx, found); err != nil {
		return nil, err
	}
	all := make(map[party.ID]party.Party, len(found))
	for id, p := range found {
		if p.found {
			all[id] = p.value
		}
	}
	return all, nil
}

// TokensBehind reads the senders' tokens of some transactions, keyed by token
// id.
func (tx *ReadTx) TokensBehind(some []payment.Transaction) (map[holdfast.TokenID]payment.Token, error) {
	found := make(map[tokenKey]row[payment.Token], len(some))
	for _, t := range some {
		found[tokenKey{t.Caller, t.Token}] = row[payment.Token]{}
	}
	if err := tokens.readAll(tx, found); err != nil {
		return nil, err
	}
	all := make(map[holdfast.TokenID]payment.Token, len(found))
	for key, t := range found {
		if t.found {
			all[key.id] = t.value
		}
	}
	return all, nil
}

// Kind is the kind of database: "SQLite" or "PostgreSQL".
func (r Reader) Kind() string { return r.dialect.name }
