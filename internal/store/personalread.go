package store

import (
	"time"

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

// mailsOf chooses the mails to the party $1, and the mails without a party to the
// address $2 that it has proved. An address that it has not proved may belong to another
// person.
const mailsOf = `(party_id = $1 AND party_id <> '' OR party_id = '' AND lower(recipient) = lower($2))`

// A MailPlace is a position in the mails to a party. The zero MailPlace is the beginning.
type MailPlace struct {
	Created time.Time
	ID      string
}

const pageOfMailsTo = ` FROM mails
	WHERE (created, mail_id) > ($3, $4) AND ` + mailsOf + ` ORDER BY created, mail_id LIMIT $5`

// MailsTo reads the mails to a party that are kept, the oldest first, behind a place, at
// most limit. Those that were delivered are not kept.
func (tx *ReadTx) MailsTo(p party.Party, after MailPlace, limit int) ([]Mail, error) {
	return list(tx, "reading mails to a party", scanMail, `SELECT `+mailColumns+pageOfMailsTo,
		p.ID, p.ProvedEmail(), micros(after.Created), after.ID, limit)
}

// ProofsOf reads the letters by which a party may prove an address, or change its
// password.
func (tx *ReadTx) ProofsOf(owner party.ID) ([]party.Proof, error) {
	return list(tx, "reading letters", scanProof, `
		SELECT `+proofColumns+` FROM proofs WHERE party_id = $1 ORDER BY created`, owner)
}

// InvitationsTo reads the invitations to the address that a party has proved.
func (tx *ReadTx) InvitationsTo(p party.Party) ([]party.Invitation, error) {
	return list(tx, "reading invitations to an address", scanInvitation, `
		SELECT `+invitationColumns+` FROM invitations WHERE email_key = $1 ORDER BY created`,
		party.EmailKey(p.ProvedEmail()))
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
// place, at most limit. It reads the approvals of all members: there are few.
func (tx *ReadTx) ApprovalsOf(member party.ID, after ApprovalPlace, limit int) ([]party.Approval, error) {
	return list(tx, "reading a party's approvals", scanApproval, `
		SELECT `+approvalColumns+` FROM approvals
		WHERE (caller_id, approval_id) > ($2, $3) AND (asked_by = $1 OR decided_by = $1)
		ORDER BY caller_id, approval_id LIMIT $4`, member, after.Caller, after.ID, limit)
}
