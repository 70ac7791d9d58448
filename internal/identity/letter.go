package identity

import (
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Tell writes a letter in the same database transaction as the event that it
// reports. A server that sends no mail writes none.
func (s *Service) Tell(tx *store.Tx, n party.Notice) error {
	if s.Letters == nil {
		return nil
	}
	subject, text := s.Letters(n)
	return s.Mail(tx, n.To, subject, text)
}

// Mail writes a mail in the same database transaction as the event that it reports.
func (s *Service) Mail(tx *store.Tx, to, subject, text string) error {
	return tx.InsertMail(party.Mail{ID: s.IDs().Other("M"), To: to, Subject: subject, Text: text, Created: s.Now()})
}

// TellOwner writes to a party about its account, if it has verified its e-mail
// address. An address that is not verified may belong to a stranger, who would
// otherwise get such letters again and again.
func (s *Service) TellOwner(tx *store.Tx, account party.Party, n party.Notice) error {
	if !account.EmailVerified {
		return nil
	}
	n.To, n.Language = account.Email, account.Language
	return s.Tell(tx, n)
}
