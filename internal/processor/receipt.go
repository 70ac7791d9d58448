package processor

import (
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// tellSender writes the mail to a transaction's sender about a change, in the
// same commit.
func (p *Processor) tellSender(tx *store.Tx, caller party.Caller, c *payment.Change) error {
	about, due := c.Receipt()
	if !due || p.Receipts == nil {
		return nil
	}
	i, _, err := tx.Instrument(c.After.Sender, c.After.Instrument)
	if err != nil {
		return err
	}
	return p.sendReceipt(tx, c.After.Sender, payment.Receipt{
		About: about, Caller: caller, Instrument: i, Transaction: c.After,
	})
}

// sendReceipt writes a receipt to a party, if the server sends mail and the party
// has verified its e-mail address. Guests cannot verify theirs; their mails have a
// link in place of an account.
func (p *Processor) sendReceipt(tx *store.Tx, to party.ID, r payment.Receipt) error {
	if p.Receipts == nil {
		return nil
	}
	account, err := partyOf(&tx.ReadTx, to)
	if err != nil || account.Email == "" || !account.EmailVerified && !account.Guest {
		return err
	}
	if account.Guest {
		if r.Guest, err = p.guestLink(&tx.ReadTx, account.ID, r.Token.Expires); err != nil {
			return err
		}
	}
	r.Language = account.Language
	subject, text := p.Receipts(r)
	return p.Identity.Mail(tx, account.Email, subject, text)
}
