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
	return s.Post(tx, party.Mail{ID: s.MailID(), To: n.To, Party: n.Party, Subject: subject, Text: text})
}

// Mail writes a mail in the same database transaction as the event that it reports.
func (s *Service) Mail(tx *store.Tx, to, subject, text string) error {
	return s.Post(tx, party.Mail{ID: s.MailID(), To: to, Subject: subject, Text: text})
}

// MailID returns the id of a new mail.
func (s *Service) MailID() string { return s.IDs().Other("M") }

// Post writes a mail with an id of its own in the same database transaction as the
// event that it reports.
func (s *Service) Post(tx *store.Tx, m party.Mail) error {
	m.Created = s.Now()
	return tx.InsertMail(m)
}

// TellOwner writes to a party about its account, if it has verified its e-mail
// address. An address that is not verified may belong to a stranger, who would
// otherwise get such letters again and again.
func (s *Service) TellOwner(tx *store.Tx, account party.Party, n party.Notice) error {
	if !account.EmailVerified {
		return nil
	}
	n.To, n.Party, n.Language = account.Email, account.ID, account.Language
	return s.Tell(tx, n)
}
