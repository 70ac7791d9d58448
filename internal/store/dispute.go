package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

var disputeTable = table[payment.Dispute]{name: "disputes", fields: fields[payment.Dispute]{
	textField("account_id", func(d *payment.Dispute) *payment.NetworkAccountID { return &d.Account }),
	textField("dispute_id", func(d *payment.Dispute) *string { return &d.ID }),
	textField("caller_id", func(d *payment.Dispute) *party.CallerID { return &d.Caller }),
	textField("transaction_id", func(d *payment.Dispute) *holdfast.TransactionID { return &d.Transaction }),
	dollarsField("amount", func(d *payment.Dispute) *money.Amount { return &d.Amount }),
	textField("reason", func(d *payment.Dispute) *string { return &d.Reason }),
	textField("status", func(d *payment.Dispute) *string { return &d.Status }),
	flagField("open", func(d *payment.Dispute) *bool { return &d.Open }),
	flagField("won", func(d *payment.Dispute) *bool { return &d.Won }),
	timeField("due", func(d *payment.Dispute) *time.Time { return &d.Due }),
	textField("booked", func(d *payment.Dispute) *holdfast.TransactionID { return &d.Booked }),
	textField("returned", func(d *payment.Dispute) *holdfast.TransactionID { return &d.Returned }),
	timeField("opened", func(d *payment.Dispute) *time.Time { return &d.Opened }),
	timeField("updated", func(d *payment.Dispute) *time.Time { return &d.Updated }),
}}

var (
	disputeColumns = disputeTable.list()
	scanDispute    = disputeTable.scanner()
	insertDispute  = disputeTable.insertText("ON CONFLICT (account_id, dispute_id) DO NOTHING")
	disputeSet     = disputeTable.some("amount, reason, status, open, won, due, booked, returned, updated")
	disputeGuard   = disputeTable.some("account_id, dispute_id, booked, returned")
)

// Disputes reads the disputes of a payment.
func (tx *ReadTx) Disputes(c party.CallerID, id holdfast.TransactionID) (payment.Disputes, error) {
	return list(tx, "reading disputes", scanDispute, `
		SELECT `+disputeColumns+` FROM disputes
		WHERE caller_id = $1 AND transaction_id = $2 ORDER BY opened, dispute_id`, c, id)
}

// OpenDisputes reads an account's disputes that are not decided, the one that
// must be answered first at the head, at most limit.
func (tx *ReadTx) OpenDisputes(a payment.NetworkAccountID, limit int) ([]payment.Dispute, error) {
	return list(tx, "reading open disputes", scanDispute, `
		SELECT `+disputeColumns+` FROM disputes
		WHERE account_id = $1 AND open = 1 ORDER BY due, dispute_id LIMIT $2`, a, limit)
}

// SaveDispute writes a dispute. before is the dispute as it was read; its ID is
// empty if there was none. SaveDispute is ErrStale if another server has added or
// booked it since.
func (tx *Tx) SaveDispute(before, after payment.Dispute) error {
	if before.ID == "" {
		return tx.one("adding a dispute", insertDispute, disputeTable.fields.values(&after)...)
	}
	return tx.one("changing a dispute", `
		UPDATE disputes SET amount = $1, reason = $2, status = $3, open = $4, won = $5, due = $6, booked = $7, returned = $8,
			updated = $9
		WHERE account_id = $10 AND dispute_id = $11 AND booked = $12 AND returned = $13`,
		disputeGuard.appendTo(disputeSet.values(&after), &before)...)
}

// AddDisputeEvent writes an event of a dispute, if its caller has events.
func (tx *Tx) AddDisputeEvent(d payment.Dispute, kind payment.EventType, real time.Time) error {
	caller, has, err := tx.hasEvents(d.Caller)
	if err != nil || !has {
		return err
	}
	hold, err := tx.holdOf(d.Caller, d.Transaction)
	if err != nil {
		return err
	}
	return tx.addCounted(d.Event(kind, hold, caller.Now(real)), real, `
		UPDATE disputes SET events = COALESCE(events, 0) + 1 WHERE account_id = $1 AND dispute_id = $2 RETURNING events`,
		d.Account, d.ID)
}

// holdOf returns the hold that a payment was taken from, or empty.
func (tx *ReadTx) holdOf(c party.CallerID, id holdfast.TransactionID) (holdfast.TransactionID, error) {
	paid, found, err := tx.Transaction(c, id)
	if err != nil || !found {
		return "", err
	}
	if paid.Kind == payment.KindPart {
		id = paid.Parent
	}
	root, found, err := tx.HoldRoot(c, id)
	if !found {
		return "", err
	}
	return root.ID, err
}
