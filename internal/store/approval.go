package store

import (
	"cmp"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

var approvalTable = table[party.Approval]{name: "approvals", fields: fields[party.Approval]{
	textField("approval_id", func(a *party.Approval) *party.ApprovalID { return &a.ID }),
	textField("caller_id", func(a *party.Approval) *party.CallerID { return &a.Caller }),
	textField("idempotency", func(a *party.Approval) *string { return &a.Idempotency }),
	textField("action", func(a *party.Approval) *party.ApprovalAction { return &a.Action }),
	textField("object", func(a *party.Approval) *string { return &a.Object }),
	textField("data", func(a *party.Approval) *string { return &a.Data }),
	dollarsField("amount", func(a *party.Approval) *money.Amount { return &a.Amount }),
	textField("state", func(a *party.Approval) *party.ApprovalState { return &a.State }),
	textField("asked_by", func(a *party.Approval) *party.ID { return &a.AskedBy }),
	timeField("asked_at", func(a *party.Approval) *time.Time { return &a.AskedAt }),
	textField("decided_by", func(a *party.Approval) *party.ID { return &a.DecidedBy }),
	timeField("decided_at", func(a *party.Approval) *time.Time { return &a.DecidedAt }),
}}

var (
	approvalColumns = approvalTable.list()
	scanApproval    = approvalTable.scanner()
)

// Approval reads an approval.
func (tx *ReadTx) Approval(of party.CallerID, id party.ApprovalID) (a party.Approval, found bool, err error) {
	a, err = scanApproval(tx.sql.QueryRow(`
		SELECT `+approvalColumns+` FROM approvals WHERE caller_id = $1 AND approval_id = $2`, of, id))
	found, err = maybe("reading an approval", err)
	return a, found, err
}

// Approvals reads at most limit approvals of a caller, the newest first. They were
// asked for before the approval with the id; empty means the newest.
func (tx *ReadTx) Approvals(of party.CallerID, before party.ApprovalID, limit int) ([]party.Approval, error) {
	return list(tx, "reading approvals", scanApproval, pageOfApprovals, of, cmp.Or(before, lastID), limit)
}

// pageOfApprovals begins with the comparison with the previous page; see listings.
var pageOfApprovals = `
	SELECT ` + approvalColumns + ` FROM approvals
	WHERE approval_id < $2 AND caller_id = $1 ORDER BY approval_id DESC LIMIT $3`

// OpenApprovals reads at most limit approvals of a caller that wait for a decision
// and were asked for after a time, the oldest first.
func (tx *ReadTx) OpenApprovals(of party.CallerID, after time.Time, limit int) ([]party.Approval, error) {
	return list(tx, "reading approvals that wait", scanApproval, `
		SELECT `+approvalColumns+` FROM approvals
		WHERE caller_id = $1 AND state = 'Asked' AND asked_at > $2
		ORDER BY asked_at, approval_id LIMIT $3`, of, micros(after), limit)
}

// LapsedApprovals reads at most limit approvals of all callers that wait for a decision
// and were asked for until a time, the oldest first.
func (tx *ReadTx) LapsedApprovals(until time.Time, limit int) ([]party.Approval, error) {
	return list(tx, "reading approvals that nobody decided on", scanApproval, `
		SELECT `+approvalColumns+` FROM approvals
		WHERE asked_at <= $1 AND state = 'Asked' ORDER BY asked_at LIMIT $2`, micros(until), limit)
}

// AskedWithin counts the approvals of a caller that a member, or commands if it is empty,
// has asked for after a time and until another. It counts at most limit.
func (tx *ReadTx) AskedWithin(
	of party.CallerID, by party.ID, after, until time.Time, limit int,
) (asked int, err error) {
	all, err := list(tx, "counting the approvals of an asker", scanApproval, `
		SELECT `+approvalColumns+` FROM approvals
		WHERE caller_id = $1 AND asked_by = $2 AND asked_at > $3 AND asked_at <= $4 LIMIT $5`,
		of, by, micros(after), micros(until), limit)
	return len(all), err
}

// ApprovalUnder reads the approval that was asked for under an idempotency key, whether
// or not somebody has decided on it.
func (tx *ReadTx) ApprovalUnder(of party.CallerID, idempotency string) (a party.Approval, found bool, err error) {
	a, err = scanApproval(tx.sql.QueryRow(`
		SELECT `+approvalColumns+` FROM approvals WHERE caller_id = $1 AND idempotency = $2`, of, idempotency))
	found, err = maybe("looking for the approval of a call", err)
	return a, found, err
}

// InsertApproval adds an approval. It is ErrStale if its idempotency key has one.
func (tx *Tx) InsertApproval(a party.Approval) error {
	return tx.one("asking for an approval", approvalTable.insertText("ON CONFLICT DO NOTHING"),
		approvalTable.fields.values(&a)...)
}

// DecideApproval writes a decision. It is ErrStale if there was one meanwhile.
func (tx *Tx) DecideApproval(a party.Approval) error {
	return tx.one("deciding on an approval", `
		UPDATE approvals SET state = $1, decided_by = $2, decided_at = $3
		WHERE caller_id = $4 AND approval_id = $5 AND state = 'Asked'`,
		a.State, a.DecidedBy, micros(a.DecidedAt), a.Caller, a.ID)
}
