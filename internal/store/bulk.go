package store

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// InsertTokens adds many tokens whose references are known to be free, such as
// those of a bench.
func (tx *Tx) InsertTokens(tokens []payment.Token) error {
	rows := make([][]any, len(tokens))
	for i, t := range tokens {
		rows[i] = tokenRow(t)
	}
	return tx.writeMany(insertToken, rows)
}

// A Standing is where one transaction stands.
type Standing struct {
	ID    holdfast.TransactionID
	State payment.State
}

// Standings reads where a caller's transactions stand, by their ids from first
// on, at most most of them: for who compares many with what it was told.
func (tx *ReadTx) Standings(c party.CallerID, first holdfast.TransactionID, most int) ([]Standing, error) {
	return list(tx, "reading where transactions stand", func(row scanner) (s Standing, err error) {
		err = row.Scan(&s.ID, &s.State)
		return s, err
	}, `
		SELECT transaction_id, state FROM transactions
		WHERE caller_id = $1 AND transaction_id >= $2 ORDER BY transaction_id LIMIT $3`, c, first, most)
}

// Kind is which of the databases it is: "SQLite" or "PostgreSQL".
func (r Reader) Kind() string { return r.dialect.name }
