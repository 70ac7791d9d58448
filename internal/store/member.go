package store

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

var memberTable = table[party.Member]{name: "members", fields: fields[party.Member]{
	textField("party_id", func(m *party.Member) *party.ID { return &m.Party }),
	textField("caller_id", func(m *party.Member) *party.CallerID { return &m.Caller }),
	textField("role", func(m *party.Member) *party.Role { return &m.Role }),
	maybeDollarsField("refund_limit", func(m *party.Member) *money.Amount { return &m.RefundLimit }),
	timeField("created", func(m *party.Member) *time.Time { return &m.Created }),
}}

var (
	memberColumns = memberTable.list()
	scanMember    = memberTable.scanner()
)

// Memberships reads the memberships of a party, that of the server first.
func (tx *ReadTx) Memberships(id party.ID) ([]party.Member, error) {
	return list(tx, "reading what a party is a member of", scanMember, `
		SELECT `+memberColumns+` FROM members WHERE party_id = $1 ORDER BY caller_id`, id)
}

// Members reads the members of a caller, or of the server if the caller is empty,
// the oldest first.
func (tx *ReadTx) Members(of party.CallerID) ([]party.Member, error) {
	return list(tx, "reading members", scanMember, `
		SELECT `+memberColumns+` FROM members WHERE caller_id = $1 ORDER BY created, party_id`, of)
}

// SetMember adds a member, or changes the role and the limit of one.
func (tx *Tx) SetMember(m party.Member) error {
	return tx.one("writing a member", memberTable.insertText(`
		ON CONFLICT (party_id, caller_id) DO UPDATE SET role = excluded.role, refund_limit = excluded.refund_limit`),
		memberTable.fields.values(&m)...)
}

// RemoveMember removes a member, and reports whether there was one.
func (tx *Tx) RemoveMember(id party.ID, of party.CallerID) (removed bool, err error) {
	rows, err := tx.exec("removing a member", `DELETE FROM members WHERE party_id = $1 AND caller_id = $2`, id, of)
	return rows == 1, err
}

// An invitationRow is a row of the table invitations.
type invitationRow struct {
	party.Invitation
	link     []byte
	emailKey string
}

var invitationTable = table[invitationRow]{name: "invitations", fields: fields[invitationRow]{
	bytesField("link", func(i *invitationRow) *[]byte { return &i.link }),
	textField("email", func(i *invitationRow) *string { return &i.Email }),
	textField("email_key", func(i *invitationRow) *string { return &i.emailKey }),
	textField("caller_id", func(i *invitationRow) *party.CallerID { return &i.Caller }),
	textField("role", func(i *invitationRow) *party.Role { return &i.Role }),
	maybeDollarsField("refund_limit", func(i *invitationRow) *money.Amount { return &i.RefundLimit }),
	textField("language", func(i *invitationRow) *string { return &i.Language }),
	textField("name", func(i *invitationRow) *string { return &i.Name }),
	textField("invited_by", func(i *invitationRow) *party.ID { return &i.InvitedBy }),
	timeField("created", func(i *invitationRow) *time.Time { return &i.Created }),
}}

var (
	invitationColumns = invitationTable.list()
	scanInvitationRow = invitationTable.scanner()
)

func scanInvitation(from scanner) (party.Invitation, error) {
	row, err := scanInvitationRow(from)
	if err == nil && len(row.link) != len(row.Link) {
		err = fmt.Errorf("the hash of an invitation has %d bytes", len(row.link))
	}
	copy(row.Link[:], row.link)
	return row.Invitation, err
}

// Invitation reads the invitation that a link belongs to.
func (tx *ReadTx) Invitation(link party.LinkHash) (i party.Invitation, found bool, err error) {
	i, err = scanInvitation(tx.sql.QueryRow(`
		SELECT `+invitationColumns+` FROM invitations WHERE link = $1`, link[:]))
	found, err = maybe("reading an invitation", err)
	return i, found, err
}

// Invitations reads the invitations of a caller, or of the server if the caller is
// empty, the oldest first.
func (tx *ReadTx) Invitations(of party.CallerID) ([]party.Invitation, error) {
	return list(tx, "reading invitations", scanInvitation, `
		SELECT `+invitationColumns+` FROM invitations WHERE caller_id = $1 ORDER BY created, email_key`, of)
}

// SetInvitation adds an invitation. It replaces an earlier one of the same address,
// and removes the invitations that were made before a time.
func (tx *Tx) SetInvitation(i party.Invitation, before time.Time) error {
	if _, err := tx.exec("forgetting invitations", `
		DELETE FROM invitations WHERE created <= $1`, micros(before)); err != nil {
		return err
	}
	row := invitationRow{i, i.Link[:], party.EmailKey(i.Email)}
	return tx.one("writing an invitation", invitationTable.insertText(`
		ON CONFLICT (caller_id, email_key) DO UPDATE SET link = excluded.link, email = excluded.email, role = excluded.role,
			refund_limit = excluded.refund_limit, language = excluded.language, name = excluded.name,
			invited_by = excluded.invited_by, created = excluded.created`), invitationTable.fields.values(&row)...)
}

// UseInvitation removes an invitation, because it is valid only once. It is ErrStale
// if there is none.
func (tx *Tx) UseInvitation(link party.LinkHash) error {
	return tx.one("using an invitation", `DELETE FROM invitations WHERE link = $1`, link[:])
}

// WithdrawInvitation removes the invitation of an address, and reports whether there
// was one.
func (tx *Tx) WithdrawInvitation(of party.CallerID, email string) (withdrawn bool, err error) {
	rows, err := tx.exec("withdrawing an invitation", `
		DELETE FROM invitations WHERE caller_id = $1 AND email_key = $2`, of, party.EmailKey(email))
	return rows == 1, err
}
