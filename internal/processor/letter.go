package processor

import (
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// tell writes a letter in the same database transaction as the event that it
// reports. A server that sends no mail writes none.
func (p *Processor) tell(tx *store.Tx, n party.Notice) error {
	if p.Letters == nil {
		return nil
	}
	subject, text := p.Letters(n)
	return p.mail(tx, n.To, subject, text)
}

// mail writes a mail in the same database transaction as the event that it reports.
func (p *Processor) mail(tx *store.Tx, to, subject, text string) error {
	return tx.InsertMail(party.Mail{ID: p.ids().Other("M"), To: to, Subject: subject, Text: text, Created: p.now()})
}

// tellOwner writes to a party about its account, if it has verified its e-mail
// address. An address that is not verified may belong to a stranger, who would
// otherwise get such letters again and again.
func (p *Processor) tellOwner(tx *store.Tx, account party.Party, n party.Notice) error {
	if !account.EmailVerified {
		return nil
	}
	n.To, n.Language = account.Email, account.Language
	return p.tell(tx, n)
}
