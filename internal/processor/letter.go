package processor

import (
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// tell writes a letter in the transaction of what it tells of. Where mail cannot
// be sent, nobody is told.
func (p *Processor) tell(tx *store.Tx, n party.Notice) error {
	if p.Letters == nil {
		return nil
	}
	subject, text := p.Letters(n)
	return tx.InsertMail(party.Mail{ID: p.ids().Other("M"), To: n.To, Subject: subject, Text: text, Created: p.now()})
}

// tellOwner tells a party what has happened to its account, if it has proved to
// read the mail of its address. Before that the address may be anybody's, and
// whoever signed up with it could have them written to without end.
func (p *Processor) tellOwner(tx *store.Tx, account party.Party, n party.Notice) error {
	if !account.EmailVerified {
		return nil
	}
	n.To, n.Language = account.Email, account.Language
	return p.tell(tx, n)
}
