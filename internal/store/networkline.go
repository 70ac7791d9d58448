package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

var networkLineTable = table[payment.NetworkLine]{name: "network_lines", fields: fields[payment.NetworkLine]{
	textField("account_id", func(l *payment.NetworkLine) *payment.NetworkAccountID { return &l.Account }),
	textField("line_id", func(l *payment.NetworkLine) *string { return &l.ID }),
	textField("type", func(l *payment.NetworkLine) *payment.LineType { return &l.Type }),
	numberField("amount", func(l *payment.NetworkLine) *int64 { return &l.Micro }),
	numberField("fee", func(l *payment.NetworkLine) *int64 { return &l.Fee }),
	textField("source", func(l *payment.NetworkLine) *string { return &l.Source }),
	textField("payment", func(l *payment.NetworkLine) *string { return &l.Payment }),
	textField("payout", func(l *payment.NetworkLine) *string { return &l.Payout }),
	timeField("created", func(l *payment.NetworkLine) *time.Time { return &l.Created }),
}}

var (
	networkLineColumns = networkLineTable.list()
	scanNetworkLine    = networkLineTable.scanner()
	saveNetworkLine    = networkLineTable.insertText(`ON CONFLICT (account_id, line_id) DO UPDATE SET
		type = excluded.type, payment = excluded.payment,
		payout = CASE excluded.payout WHEN '' THEN network_lines.payout ELSE excluded.payout END`)
)

// SaveNetworkLine writes a line of a network's own books. A line that came before
// learns which payout has paid it out.
func (tx *Tx) SaveNetworkLine(l payment.NetworkLine) error {
	return tx.one("adding a line of a network's books", saveNetworkLine, networkLineTable.fields.values(&l)...)
}

// NetworkLines reads the lines of an account from a time until before another,
// the oldest first.
func (tx *ReadTx) NetworkLines(a payment.NetworkAccountID, from, to time.Time) ([]payment.NetworkLine, error) {
	return list(tx, "reading lines of a network's books", scanNetworkLine, `
		SELECT `+networkLineColumns+` FROM network_lines
		WHERE account_id = $1 AND created >= $2 AND created < $3 ORDER BY created, line_id`,
		a, micros(from), micros(to))
}

// NetworkLinesOf reads the lines that a payout has paid out, and its own.
func (tx *ReadTx) NetworkLinesOf(a payment.NetworkAccountID, payout string) ([]payment.NetworkLine, error) {
	return list(tx, "reading lines of a payout", scanNetworkLine, `
		SELECT `+networkLineColumns+` FROM network_lines
		WHERE account_id = $1 AND payout = $2 AND payout <> '' ORDER BY created, line_id`, a, payout)
}

// movementReach is how long before a step its transaction was received, at most:
// the longest life of a hold, and the time of a refund at a network.
const movementReach = 60 * 24 * time.Hour

// A NetworkStep is a step of a transaction that has a payment at a network.
type NetworkStep struct {
	Transaction payment.Transaction
	Verb        payment.Verb
	At          time.Time
	Reference   string // the network's object of the transaction
}

// NetworkSteps reads the steps of a caller's transactions at an account that move
// money there, from a time until before another.
func (tx *ReadTx) NetworkSteps(
	a payment.NetworkAccountID, c party.CallerID, from, to time.Time,
) ([]NetworkStep, error) {
	scan := func(row scanner) (s NetworkStep, err error) {
		var at int64
		s.Transaction, err = scanTransaction(behind{row, []any{&s.Verb, &at, &s.Reference}})
		s.At = when(at)
		return s, err
	}
	return list(tx, "reading movements at a network", scan, `
		SELECT s.verb, s.at, n.reference, `+joined("t", transactionColumns)+`
		FROM transactions t
		JOIN network_payments n ON n.caller_id = t.caller_id AND n.transaction_id = t.transaction_id
		JOIN steps s ON s.caller_id = t.caller_id AND s.transaction_id = t.transaction_id
		WHERE t.caller_id = $1 AND t.received > 0 AND t.received >= $2 AND t.received < $3 AND n.account_id = $4
			AND s.at >= $5 AND s.at < $6
			AND s.verb IN ('Capture', 'Charge', 'Return', 'LateCharge', 'LateReturn', 'Transfer')
		ORDER BY s.at, t.transaction_id`,
		c, micros(from.Add(-movementReach)), micros(to), a, micros(from), micros(to))
}

// NetworkReference is the network's payment that a transaction belongs to: its
// own, or that of the payment that it refunds or disputes.
func (tx *ReadTx) NetworkReference(c party.CallerID, t payment.Transaction) (string, error) {
	for t.Parent != "" && t.Link == "" {
		parent, found, err := tx.Transaction(c, t.Parent)
		if err != nil || !found {
			return "", err
		}
		t = parent
	}
	known, _, err := tx.NetworkPayment(c, t.ID)
	return known.Reference, err
}
