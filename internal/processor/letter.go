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

// noticeTo is a notice to a party at its address.
func noticeTo(who party.Party, about party.NoticeAbout) party.Notice {
	return party.Notice{About: about, To: who.Email, Language: who.Language}
}
