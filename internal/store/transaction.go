package store

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A transactionRow is a row of the table transactions.
type transactionRow struct {
	payment.Transaction
	implied
	nextAsk                                   time.Time
	senderBalanceAfter, recipientBalanceAfter any // to be written; nil for none
}

var transactionTable = table[transactionRow]{name: "transactions", fields: fields[transactionRow]{
	textField("caller_id", func(t *transactionRow) *party.CallerID { return &t.Caller }),
	textField("transaction_id", func(t *transactionRow) *holdfast.TransactionID { return &t.ID }),
	textField("kind", func(t *transactionRow) *payment.Kind { return &t.Kind }),
	textField("reference", func(t *transactionRow) *holdfast.CallerReference { return &t.Reference }),
	textField("sender", func(t *transactionRow) *party.ID { return &t.Sender }),
	textField("recipient", func(t *transactionRow) *party.ID { return &t.Recipient }),
	textField("owner", func(t *transactionRow) *party.ID { return &t.Owner }),
	textField("token_id", func(t *transactionRow) *holdfast.TokenID { return &t.Token }),
	textField("recipient_token", func(t *transactionRow) *holdfast.TokenID { return &t.RecipientToken }),
	textField("instrument_id", func(t *transactionRow) *payment.InstrumentID { return &t.Instrument }),
	textField("method", func(t *transactionRow) *holdfast.PaymentMethod { return &t.Method }),
	textField("aggregate_id", func(t *transactionRow) *payment.AggregateID { return &t.Aggregate }),
	textField("fee_by", func(t *transactionRow) *holdfast.Role { return &t.FeeBy }),
	textField("commission_id", func(t *transactionRow) *holdfast.TransactionID { return &t.CommissionID }),
	textField("parent", func(t *transactionRow) *holdfast.TransactionID { return &t.Parent }),
	textField("link", func(t *transactionRow) *payment.Link { return &t.Link }).orNull(),
	textField("policy", func(t *transactionRow) *holdfast.RefundPolicy { return &t.Policy }),
	textField("caller_description", func(t *transactionRow) *string { return &t.CallerDescription }),
	textField("sender_description", func(t *transactionRow) *string { return &t.SenderDescription }),
	textField("descriptor", func(t *transactionRow) *string { return &t.Descriptor }),
	dollarsField("amount", func(t *transactionRow) *money.Amount { return &t.Amount }),
	maybeDollarsField("fixed_terms", func(t *transactionRow) *money.Amount { return &t.Terms.Fixed }).orNull(),
	numberField("variable_terms", func(t *transactionRow) *money.Rate { return &t.Terms.Variable }).orNull(),
	flagField("counted", func(t *transactionRow) *bool { return &t.Counted }).orNull(),
	timeField("received", func(t *transactionRow) *time.Time { return &t.Received }),
	timeField("deadline", func(t *transactionRow) *time.Time { return &t.Deadline }),

	writeOnly("due", engine.Number, func(t *transactionRow) any { return due(&t.Transaction) }),
	timeField("completed", func(t *transactionRow) *time.Time { return &t.Completed }),
	numberField("steps", func(t *transactionRow) *int { return &t.Steps }),
	numberField("asked", func(t *transactionRow) *int { return &t.Asked }),
	writeOnly("next_ask", engine.Number, func(t *transactionRow) any { return micros(t.nextAsk) }),
	dollarsField("refunded", func(t *transactionRow) *money.Amount { return &t.Refunded }),
	dollarsField("fee_returned", func(t *transactionRow) *money.Amount { return &t.FeeReturned }),
	dollarsField("commission_returned", func(t *transactionRow) *money.Amount { return &t.CommissionReturned }),
	dollarsField("settled", func(t *transactionRow) *money.Amount { return &t.Settled }).orNull(),
	dollarsField("taken", func(t *transactionRow) *money.Amount { return &t.Taken }).orNull(),
	dollarsField("taking", func(t *transactionRow) *money.Amount { return &t.Taking }).orNull(),
	dollarsField("lowered", func(t *transactionRow) *money.Amount { return &t.Lowered }).orNull(),
	flagField("final", func(t *transactionRow) *bool { return &t.Final }).orNull(),
	dollarsField("fee", func(t *transactionRow) *money.Amount { return &t.Fee }).orNull(),
	dollarsField("commission", func(t *transactionRow) *money.Amount { return &t.Commission }).orNull(),
	flagField("sets_aside", func(t *transactionRow) *bool { return &t.SetsAside }).orNull(),
	numberField("linked", func(t *transactionRow) *int { return &t.Linked }).orNull(),
	balanceField("sender_balance", func(t *transactionRow) (*money.Amount, any) {
		return &t.SenderBalance, t.senderBalanceAfter
	}),
	balanceField("recipient_balance", func(t *transactionRow) (*money.Amount, any) {
		return &t.RecipientBalance, t.recipientBalanceAfter
	}),
	numberField("events", func(t *transactionRow) *int { return &t.Events }).orNull(),
	textField("state", func(t *transactionRow) *payment.State { return &t.State }),
	impliedField("status_code", func(t *transactionRow) (string, string) {
		return string(t.StatusCode), string(payment.CodeOf(t.State))
	}, func(t *transactionRow) *sql.NullString { return &t.code }),
	impliedField("status_message", func(t *transactionRow) (string, string) {
		return t.StatusMessage, payment.MessageOf(t.State)
	}, func(t *transactionRow) *sql.NullString { return &t.message }),
	textField("asking", func(t *transactionRow) *payment.Step { return &t.Asking }),
	textField("answers", func(t *transactionRow) *payment.Answers { return &t.Answers }),
	textField("authorization_ref", func(t *transactionRow) *string { return &t.Authorization }),
	textField("ipn_url", func(t *transactionRow) *string { return &t.IPNURL }),
}}

// balanceField is the balance of a party after a transaction. It is NULL if the
// transaction moved no money on it, which differs from a balance of 0.
func balanceField(name string, of func(*transactionRow) (read *money.Amount, written any)) field[transactionRow] {
	return field[transactionRow]{
		Column: engine.Column{Name: name, Type: engine.Number},
		value: func(t *transactionRow) any {
			_, after := of(t)
			return after
		},
		dest: func(t *transactionRow) any {
			read, _ := of(t)
			return balanceDest{read}
		},
	}
}

// An implied text is one that a state implies, unless it was stored.
type implied struct{ code, message sql.NullString }

// read sets the code and the message of a status from what was stored.
func (i implied) read(s payment.State, code *holdfast.StatusCode, message *string) {
	*code, *message = payment.CodeOf(s), payment.MessageOf(s)
	if i.code.Valid {
		*code = holdfast.StatusCode(i.code.String)
	}
	if i.message.Valid {
		*message = i.message.String
	}
}

// impliedField is a column that is NULL for the text that the state implies.
func impliedField[T any](name string, of func(*T) (text, implied string), read func(*T) *sql.NullString) field[T] {
	return field[T]{
		Column: engine.Column{Name: name, Type: engine.Text},
		value: func(row *T) any {
			text, implied := of(row)
			if text == implied {
				return nil
			}
			return text
		},
		dest: func(row *T) any { return read(row) },
	}
}

var (
	transactionColumns = transactionTable.list()
	scanTransactionRow = transactionTable.scanner()
)

func scanTransaction(from scanner) (payment.Transaction, error) {
	row, err := scanTransactionRow(from)
	row.read(row.State, &row.StatusCode, &row.StatusMessage)
	return row.Transaction, err
}

type transactionKey struct {
	caller party.CallerID
	id     holdfast.TransactionID
}

var transactions = engine.NewSource(engine.Source[transactionKey, payment.Transaction]{
	Doing: "reading a transaction",
	Query: `SELECT ` + transactionColumns + ` FROM transactions WHERE caller_id = $1 AND transaction_id = $2`,
	Many: `SELECT ` + transactionColumns + ` FROM transactions
		WHERE (caller_id, transaction_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
	Args:      func(k transactionKey) []any { return []any{k.caller, k.id} },
	Scan:      scanTransaction,
	Key:       func(t payment.Transaction) transactionKey { return transactionKey{t.Caller, t.ID} },
	Order:     `caller_id, transaction_id`,
	MayAppear: "its id is random and new when it is added, so no action can have looked for it",
})

// Transaction reads one of a caller's transactions.
func (tx *ReadTx) Transaction(c party.CallerID, id holdfast.TransactionID) (payment.Transaction, bool, error) {
	return transactions.Get(tx.sql, transactionKey{c, id})
}

// Transactions reads some of a caller's transactions. It leaves out transactions
// that do not exist.
func (tx *ReadTx) Transactions(
	c party.CallerID, ids []holdfast.TransactionID,
) (map[holdfast.TransactionID]payment.Transaction, error) {
	keys := make([]transactionKey, len(ids))
	for i, id := range ids {
		keys[i] = transactionKey{c, id}
	}
	found, err := transactions.GetAll(tx.sql, keys)
	all := make(map[holdfast.TransactionID]payment.Transaction, len(found))
	for k, t := range found {
		all[k.id] = t
	}
	return all, err
}

// DueCallers reads the callers that have an open transaction past its deadline
// by their clocks. The caller with the most overdue transaction comes first.
func (tx *ReadTx) DueCallers(real time.Time) ([]party.Caller, error) {
	return list(tx, "looking for callers with due transactions",
		func(row scanner) (party.Caller, error) { return scanCaller(row) }, `
		SELECT `+callerColumns+`
		FROM (
			SELECT c.*, (SELECT MIN(due) FROM transactions t WHERE t.caller_id = c.caller_id AND t.due > 0) AS first
			FROM callers c) AS waiting
		WHERE first <= $1 + clock_offset
		ORDER BY first - clock_offset`, micros(real))
}

// A Due identifies a transaction whose deadline has passed.
type Due struct {
	Caller party.CallerID
	ID     holdfast.TransactionID
}

func (d Due) key() transactionKey { return transactionKey{d.Caller, d.ID} }

// DueOf reads which of a caller's open transactions are past their deadline at
// now, the caller's time, at most limit.
func (tx *ReadTx) DueOf(c party.CallerID, now time.Time, limit int) ([]Due, error) {
	scan := func(row scanner) (Due, error) {
		d := Due{Caller: c}
		return d, row.Scan(&d.ID)
	}
	return list(tx, "reading due transactions", scan, `
		SELECT transaction_id FROM transactions
		WHERE caller_id = $1 AND due > 0 AND due <= $2
		ORDER BY due
		LIMIT $3`, c, micros(now), limit)
}

// A Lapse is a transaction past its deadline, with its card. Card is zero if no
// card pays it. Known is what its card network has said.
type Lapse struct {
	payment.Transaction
	Card  payment.StoredCard
	Known payment.NetworkPayment
}

// Lapses reads transactions with their cards. It leaves out transactions that
// do not exist.
func (tx *ReadTx) Lapses(all []Due) ([]Lapse, error) {
	var keys []transactionKey
	for _, d := range all {
		keys = append(keys, d.key())
	}
	of, err := transactions.GetAll(tx.sql, keys)
	if err != nil {
		return nil, err
	}
	var paidWith []instrumentKey
	for _, t := range of {
		paidWith = append(paidWith, instrumentKey{t.Sender, t.Instrument})
	}
	cards, err := instruments.GetAll(tx.sql, paidWith)
	if err != nil {
		return nil, err
	}
	known, err := tx.known(slices.Collect(maps.Values(of)), cards)
	if err != nil {
		return nil, err
	}
	lapses := make([]Lapse, 0, len(all))
	for _, d := range all {
		if t, found := of[d.key()]; found {
			lapses = append(lapses, Lapse{t, cards[instrumentKey{t.Sender, t.Instrument}].Stored(), known[d.key()]})
		}
	}
	return lapses, nil
}

// childrenOf repeats the condition of its partial index, because SQLite cannot
// know that the parameter is not empty. Without the condition, or with ORDER BY,
// SQLite would read all of the caller's transactions.
var childrenOf = `SELECT ` + transactionColumns + ` FROM transactions
	WHERE caller_id = $1 AND parent = $2 AND parent <> ''`

// Children reads the transactions that belong to one, such as the marketplace's
// fee and refunds, the oldest first.
func (tx *ReadTx) Children(c party.CallerID, parent holdfast.TransactionID) ([]payment.Transaction, error) {
	children, err := list(tx, "reading related transactions", scanTransaction, childrenOf, c, parent)
	slices.SortFunc(children, func(a, b payment.Transaction) int {
		return cmp.Or(a.Received.Compare(b.Received), cmp.Compare(a.ID, b.ID))
	})
	return children, err
}

// PaymentsOf reads the payments that were made with a multi-use or recurring
// token, the newest first, at most limit.
func (tx *ReadTx) PaymentsOf(c party.CallerID, token holdfast.TokenID, limit int) ([]payment.Transaction, error) {
	return list(tx, "reading a token's payments", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE caller_id = $1 AND token_id = $2 AND counted = 1 AND kind IN ('Pay', 'Reserve')
		ORDER BY received DESC, transaction_id DESC LIMIT $3`, c, token, limit)
}

// CountPayments counts all payments that were made with a multi-use or
// recurring token.
func (tx *ReadTx) CountPayments(c party.CallerID, token holdfast.TokenID) (n int64, err error) {
	return tx.count("counting a token's payments", `
		SELECT COUNT(1) FROM transactions
		WHERE caller_id = $1 AND token_id = $2 AND counted = 1 AND kind IN ('Pay', 'Reserve')`, c, token)
}

// CountPaid counts the successful ones of the payments that CountPayments
// counts.
func (tx *ReadTx) CountPaid(c party.CallerID, token holdfast.TokenID) (n int64, err error) {
	return tx.count("counting a token's successful payments", `
		SELECT COUNT(1) FROM transactions
		WHERE caller_id = $1 AND token_id = $2 AND counted = 1 AND kind IN ('Pay', 'Reserve') AND state = 'Success'`,
		c, token)
}

func (tx *ReadTx) count(doing, query string, args ...any) (n int64, err error) {
	if err := tx.sql.QueryRow(query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	return n, nil
}

// Postings reads a transaction's postings, in order.
func (tx *ReadTx) Postings(c party.CallerID, id holdfast.TransactionID) ([]ledger.Posting, error) {
	return list(tx, "reading postings", scanPosting, `
		SELECT from_account, to_account, amount FROM postings
		WHERE caller_id = $1 AND transaction_id = $2 ORDER BY step, seq`, c, id)
}

// Attempts reads all questions to the network about a transaction.
func (tx *ReadTx) Attempts(c party.CallerID, id holdfast.TransactionID) ([]payment.Attempt, error) {
	t, _, err := tx.Transaction(c, id)
	return t.Attempts(), err
}

func scanPosting(row scanner) (p ledger.Posting, err error) {
	var amount int64
	err = row.Scan(&p.From, &p.To, &amount)
	p.Amount = dollars(amount)
	return p, err
}
