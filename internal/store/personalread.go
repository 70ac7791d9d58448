package store

import (
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// AllAddresses reads a party's addresses, those that it has removed among them.
func (tx *ReadTx) AllAddresses(owner party.ID) ([]party.Address, error) {
	return list(tx, "reading addresses", scanAddress, `
		SELECT `+addressColumns+` FROM addresses WHERE party_id = $1 ORDER BY created, address_id`, owner)
}

// AllInstruments reads a party's instruments, those that it has removed among them.
func (tx *ReadTx) AllInstruments(owner party.ID) ([]payment.Instrument, error) {
	return list(tx, "reading instruments", scanInstrument, `
		SELECT `+instrumentColumns+` FROM instruments WHERE party_id = $1 ORDER BY created, instrument_id`, owner)
}

// AggregatesFor reads the prepaid and credit instruments of a sender.
func (tx *ReadTx) AggregatesFor(sender party.ID) ([]payment.AggregateInstrument, error) {
	return list(tx, "reading a party's instruments", scanAggregate, `
		SELECT `+aggregateColumns+` FROM aggregate_instruments WHERE sender = $1 ORDER BY installed, aggregate_id`, sender)
}

// MailsTo reads the mails to an address that are kept, at most limit. Those that were
// delivered are not kept.
func (tx *ReadTx) MailsTo(address string, limit int) ([]Mail, error) {
	return list(tx, "reading mails to an address", scanMail, `
		SELECT `+mailColumns+` FROM mails WHERE recipient = $1 ORDER BY created, mail_id LIMIT $2`, address, limit)
}

// ProofsOf reads the letters by which a party may prove an address, or change its
// password.
func (tx *ReadTx) ProofsOf(owner party.ID) ([]party.Proof, error) {
	return list(tx, "reading letters", scanProof, `
		SELECT `+proofColumns+` FROM proofs WHERE party_id = $1 ORDER BY created`, owner)
}

// InvitationsTo reads the invitations to an address.
func (tx *ReadTx) InvitationsTo(address string) ([]party.Invitation, error) {
	return list(tx, "reading invitations to an address", scanInvitation, `
		SELECT `+invitationColumns+` FROM invitations WHERE email_key = $1 ORDER BY created`, party.EmailKey(address))
}

// A NetworkCustomer is the name that a card network has given to a party.
type NetworkCustomer struct {
	Account  payment.NetworkAccountID
	Customer string
}

// NetworkCustomers reads the names of a party at card networks.
func (tx *ReadTx) NetworkCustomers(owner party.ID) ([]NetworkCustomer, error) {
	scan := func(row scanner) (c NetworkCustomer, err error) { return c, row.Scan(&c.Account, &c.Customer) }
	return list(tx, "reading names at card networks", scan, `
		SELECT account_id, customer FROM network_customers WHERE party_id = $1 ORDER BY account_id`, owner)
}

// VisitsOf reads the visits in which a party has signed in, behind the visit with an
// id, at most limit.
func (tx *ReadTx) VisitsOf(sender party.ID, after payment.VisitID, limit int) ([]payment.Visit, error) {
	return list(tx, "reading a party's visits", scanVisit, `
		SELECT `+visitColumns+` FROM visits WHERE visit_id > $2 AND party_id = $1 AND party_id <> ''
		ORDER BY visit_id LIMIT $3`, sender, after, limit)
}

// An ApprovalPlace is a position in the approvals of all callers. The zero
// ApprovalPlace is the beginning.
type ApprovalPlace struct {
	Caller party.CallerID
	ID     party.ApprovalID
}

// ApprovalsOf reads the approvals that a party has asked for or decided on, behind a
// place, at most limit. It reads those of others, too: there are few.
func (tx *ReadTx) ApprovalsOf(member party.ID, after ApprovalPlace, limit int) ([]party.Approval, error) {
	return list(tx, "reading a party's approvals", scanApproval, `
		SELECT `+approvalColumns+` FROM approvals
		WHERE (caller_id, approval_id) > ($2, $3) AND (asked_by = $1 OR decided_by = $1)
		ORDER BY caller_id, approval_id LIMIT $4`, member, after.Caller, after.ID, limit)
}
