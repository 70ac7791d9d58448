package store

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

var networkPaymentTable = table[payment.NetworkPayment]{name: "network_payments", fields: fields[payment.NetworkPayment]{
	textField("caller_id", func(p *payment.NetworkPayment) *party.CallerID { return &p.Caller }),
	textField("transaction_id", func(p *payment.NetworkPayment) *holdfast.TransactionID { return &p.Transaction }),
	textField("account_id", func(p *payment.NetworkPayment) *payment.NetworkAccountID { return &p.Account }),
	textField("reference", func(p *payment.NetworkPayment) *string { return &p.Reference }),
	textField("charge", func(p *payment.NetworkPayment) *string { return &p.Charge }),
	textField("status", func(p *payment.NetworkPayment) *string { return &p.Status }),
	timeField("hold_until", func(p *payment.NetworkPayment) *time.Time { return &p.HoldUntil }),
	textField("authorization_code", func(p *payment.NetworkPayment) *string { return &p.AuthorizationCode }),
	textField("network_transaction", func(p *payment.NetworkPayment) *string { return &p.NetworkTransaction }),
	textField("decline_code", func(p *payment.NetworkPayment) *string { return &p.DeclineCode }),
	textField("advice", func(p *payment.NetworkPayment) *string { return &p.Advice }),
	textField("request_id", func(p *payment.NetworkPayment) *string { return &p.RequestID }),
	timeField("failed_at", func(p *payment.NetworkPayment) *time.Time { return &p.FailedAt }),
	textField("attention", func(p *payment.NetworkPayment) *string { return &p.Attention }),
	timeField("updated", func(p *payment.NetworkPayment) *time.Time { return &p.Updated }),
}}

var (
	networkPaymentColumns = networkPaymentTable.list()
	scanNetworkPayment    = networkPaymentTable.scanner()
)

var networkPayments = engine.NewSource(engine.Source[transactionKey, payment.NetworkPayment]{
	Doing: "reading a payment at its network",
	Query: `SELECT ` + networkPaymentColumns + ` FROM network_payments WHERE caller_id = $1 AND transaction_id = $2`,
	Many: `SELECT ` + networkPaymentColumns + ` FROM network_payments
		WHERE (caller_id, transaction_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
	Args:      func(k transactionKey) []any { return []any{k.caller, k.id} },
	Scan:      scanNetworkPayment,
	Key:       func(p payment.NetworkPayment) transactionKey { return transactionKey{p.Caller, p.Transaction} },
	Order:     `caller_id, transaction_id`,
	MayAppear: "a question that does not know the network's object finds it by the key of the question",
})

// NetworkPayment reads what is known of a transaction at its card network.
func (tx *ReadTx) NetworkPayment(
	c party.CallerID, id holdfast.TransactionID,
) (payment.NetworkPayment, bool, error) {
	return networkPayments.Get(tx.sql, transactionKey{c, id})
}

// NetworkPaymentByReference finds the transaction that an object of a network
// belongs to.
func (tx *ReadTx) NetworkPaymentByReference(
	a payment.NetworkAccountID, reference string,
) (p payment.NetworkPayment, found bool, err error) {
	all, err := list(tx, "looking for a payment by the network's name", scanNetworkPayment, `
		SELECT `+networkPaymentColumns+` FROM network_payments
		WHERE account_id = $1 AND reference = $2 AND reference <> '' LIMIT 1`, a, reference)
	if err != nil || len(all) == 0 {
		return p, false, err
	}
	return all[0], true, nil
}

// NetworkAttention reads the payments of an account that a person must look at,
// the oldest first, at most limit.
func (tx *ReadTx) NetworkAttention(a payment.NetworkAccountID, limit int) ([]payment.NetworkPayment, error) {
	return list(tx, "reading the payments that need attention", scanNetworkPayment, `
		SELECT `+networkPaymentColumns+` FROM network_payments
		WHERE account_id = $1 AND attention <> '' ORDER BY updated, caller_id, transaction_id LIMIT $2`, a, limit)
}

// saveNetworkPayment keeps what was known where the new row says nothing.
var saveNetworkPayment = networkPayments.Change(networkPaymentTable.insertion("writing a payment at its network",
	"ON CONFLICT (caller_id, transaction_id) DO UPDATE SET "+keepingKnown(
		`reference, charge, status, authorization_code, network_transaction, decline_code, advice, request_id, attention`, `''`)+
		", "+keepingKnown("hold_until, failed_at", "0")+", updated = excluded.updated"))

func keepingKnown(columns, nothing string) string {
	var sets []string
	for name := range strings.SplitSeq(columns, ",") {
		name = strings.TrimSpace(name)
		sets = append(sets, name+" = CASE excluded."+name+" WHEN "+nothing+" THEN network_payments."+name+
			" ELSE excluded."+name+" END")
	}
	return strings.Join(sets, ", ")
}

// SaveNetworkPayment writes what a network has said about a transaction. What it
// said earlier stays, unless it says something else now.
func (tx *Tx) SaveNetworkPayment(p payment.NetworkPayment) error {
	return saveNetworkPayment.Write(tx.sql, transactionKey{p.Caller, p.Transaction},
		networkPaymentTable.fields.values(&p)...)
}

var (
	attentionSet   = networkPaymentTable.some("attention, updated")
	attentionKey   = networkPaymentTable.some("caller_id, transaction_id")
	clearAttention = networkPayments.Change(engine.Update{
		Doing: "clearing a payment's attention", Table: networkPaymentTable.name,
		Set: attentionSet.columns(), Key: attentionKey.columns(),
	})
)

// ClearNetworkAttention writes that a person has looked at a payment.
func (tx *Tx) ClearNetworkAttention(p payment.NetworkPayment, now time.Time) error {
	p.Attention, p.Updated = "", now
	return clearAttention.Write(tx.sql, transactionKey{p.Caller, p.Transaction},
		attentionKey.appendTo(attentionSet.values(&p), &p)...)
}

var (
	askedAgain = transactionTable.some("next_ask")
	askAgain   = transactions.Change(engine.Update{
		Doing: "choosing when to ask again", Table: transactionTable.name,
		Set: askedAgain.columns(), Key: transactionKeys.columns(),
		Guard: transactionTable.some("asking").columns(),
	})
)

// AskAgain moves the next turn of a transaction's open question. It is ErrStale
// if the question was answered since the transaction was read.
func (tx *Tx) AskAgain(t payment.Transaction, at time.Time) error {
	row := transactionRow{Transaction: t, nextAsk: at}
	args := transactionKeys.appendTo(askedAgain.values(&row), &row)
	return askAgain.Write(tx.sql, transactionKey{t.Caller, t.ID}, append(args, string(t.Asking))...)
}
