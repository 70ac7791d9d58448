package store

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A stepRow is a row of the table steps: one step of a transaction's history,
// with its postings and its notice.
type stepRow struct {
	caller      party.CallerID
	transaction holdfast.TransactionID
	payment.HistoryRow
	implied
	postings    []ledger.Posting
	notifyURL   string
	notifyAt    time.Time
	leasedUntil time.Time
	told        time.Time
}

var stepTable = table[stepRow]{name: "steps", fields: fields[stepRow]{
	textField("caller_id", func(s *stepRow) *party.CallerID { return &s.caller }),
	textField("transaction_id", func(s *stepRow) *holdfast.TransactionID { return &s.transaction }),
	numberField("seq", func(s *stepRow) *int { return &s.Seq }),
	timeField("at", func(s *stepRow) *time.Time { return &s.At }),
	dollarsField("amount", func(s *stepRow) *money.Amount { return &s.Amount }),
	textField("before_state", func(s *stepRow) *payment.State { return &s.Before }),
	textField("verb", func(s *stepRow) *payment.Verb { return &s.Verb }),
	textField("after_state", func(s *stepRow) *payment.State { return &s.After }),
	impliedField("status_code", func(s *stepRow) (string, string) {
		return string(s.StatusCode), string(payment.CodeOf(s.After))
	}, func(s *stepRow) *sql.NullString { return &s.code }),
	impliedField("status_message", func(s *stepRow) (string, string) {
		return s.StatusMessage, payment.MessageOf(s.After)
	}, func(s *stepRow) *sql.NullString { return &s.message }),
	writeOnly("postings", engine.Text, func(s *stepRow) any { return postingsText(s.postings) }),
	textField("notify_url", func(s *stepRow) *string { return &s.notifyURL }),
	timeField("notify_at", func(s *stepRow) *time.Time { return &s.notifyAt }),
	timeField("leased_until", func(s *stepRow) *time.Time { return &s.leasedUntil }),
	timeField("told", func(s *stepRow) *time.Time { return &s.told }),
	flagField("late", func(s *stepRow) *bool { return &s.Late }).orNull(),
}}

var (
	stepColumns = stepTable.list()
	scanStepRow = stepTable.scanner()
	insertStep  = engine.NewRows(stepTable.insertion("adding a step", ""))
)

func scanStep(from scanner) (stepRow, error) {
	row, err := scanStepRow(from)
	row.read(row.After, &row.StatusCode, &row.StatusMessage)
	return row, err
}

// postingsText is the column postings: a JSON array of [from, to, micro-dollars],
// or nil for none.
func postingsText(postings []ledger.Posting) any {
	if len(postings) == 0 {
		return nil
	}
	all := make([][3]any, len(postings))
	for i, p := range postings {
		all[i] = [3]any{p.From, p.To, p.Amount.Micro}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // strings and numbers can always be encoded
	}
	return string(text)
}

// addStep writes the row of a step. n is the notification of it, or nil.
func (tx *Tx) addStep(c *payment.Change, n *Notification) error {
	row := stepRow{
		caller: c.After.Caller, transaction: c.After.ID, HistoryRow: c.History(c.After.Steps), postings: c.Postings,
	}
	if n != nil {
		n.Seq = row.Seq
	}
	switch {
	case n == nil:
	case n.Moved:
		if err := tx.InsertNotification(*n); err != nil {
			return err
		}
	default:
		row.notifyAt, row.notifyURL = n.NextAt, n.address()
	}
	return insertStep.Add(tx.sql, stepTable.fields.values(&row)...)
}

// History reads a transaction's steps, in order.
func (tx *ReadTx) History(c party.CallerID, id holdfast.TransactionID) ([]payment.HistoryRow, error) {
	return list(tx, "reading a transaction's history", scanHistory, `
		SELECT `+stepColumns+` FROM steps
		WHERE caller_id = $1 AND transaction_id = $2 ORDER BY seq`, c, id)
}

func scanHistory(from scanner) (payment.HistoryRow, error) {
	row, err := scanStep(from)
	return row.HistoryRow, err
}
