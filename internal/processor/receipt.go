package processor

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// receiptLinkLife is how long the link to a receipt works. A tax year and the time
// to declare it are shorter.
const receiptLinkLife = 2 * 366 * 24 * time.Hour

// PrepareReceipts makes the key of the links in receipts, unless the store has it.
// Receipts that are written without it have no link.
func (p *Processor) PrepareReceipts(ctx context.Context) error { return p.makeLinkKey(ctx) }

// tellSender writes the mail to a transaction's sender about a change, in the
// same commit.
func (p *Processor) tellSender(tx *store.Tx, caller party.Caller, c *payment.Change) error {
	about, due := c.Receipt()
	if !due || p.Receipts == nil || !caller.BuyerMails {
		return nil
	}
	i, _, err := tx.Instrument(c.After.Sender, c.After.Instrument)
	if err != nil {
		return err
	}
	order, err := orderReference(&tx.ReadTx, c.After)
	if err != nil {
		return err
	}
	r := payment.Receipt{About: about, Caller: caller, Instrument: i, Transaction: c.After, Reference: order}
	if about == payment.ReceiptReleased {
		r.Released, r.Held = c.Releases()
	}
	return p.sendReceipt(tx, c.After.Sender, r)
}

// orderReference is the caller's reference of the payment or the hold that a
// transaction belongs to: the parent of a refund, of a part or of a linked hold.
func orderReference(tx *store.ReadTx, t payment.Transaction) (string, error) {
	for t.Parent != "" {
		parent, found, err := tx.Transaction(t.Caller, t.Parent)
		if err != nil || !found {
			return "", errors.Join(err, missing(found, "parent", string(t.Parent)))
		}
		t = parent
	}
	return payment.ShownReference(t.Reference), nil
}

// sendReceipt writes a receipt to a party, if the server and the caller send mails
// and the party has verified its e-mail address. Guests cannot verify theirs; their
// mails have a link in place of an account.
func (p *Processor) sendReceipt(tx *store.Tx, to party.ID, r payment.Receipt) error {
	if p.Receipts == nil || !r.Caller.BuyerMails {
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
	if r.Transaction.ID != "" {
		if r.Page, err = p.receiptLink(&tx.ReadTx, r.Transaction); err != nil {
			return err
		}
	}
	r.Language = account.Language
	m := party.Mail{
		ID: receiptID(r), To: account.Email, Party: account.ID,
		About: party.MailAbout{Caller: r.Caller.ID, Object: string(r.Token.ID), Kind: party.MailKind(r.About)},
	}
	if r.Transaction.ID != "" {
		m.About.Object = string(r.Transaction.ID)
	}
	m.Subject, m.Text = p.Receipts(r)
	return p.Identity.Post(tx, m)
}

// receiptID is the id of the mail with a receipt. Timelines find the mail by it, so it
// needs no index. A step has at most one receipt, and so has an approval.
func receiptID(r payment.Receipt) string {
	if r.Transaction.ID != "" {
		return receiptOfStep(r.Transaction.ID, r.Transaction.Steps)
	}
	return receiptOfToken(r.Token)
}

func receiptOfStep(id holdfast.TransactionID, step int) string {
	return "M" + string(id) + "-" + strconv.Itoa(step)
}

func receiptOfToken(k payment.Token) string { return "M" + string(k.Handle()) }

// receiptLink makes the link to a transaction's receipt. It is empty if the store
// has no key.
func (p *Processor) receiptLink(tx *store.ReadTx, t payment.Transaction) (string, error) {
	key, err := p.readLinkKey(tx)
	if errors.Is(err, errNoLinkKey) {
		return "", nil
	}
	return party.ReceiptLink(key, t.Caller, t.ID, p.now().Add(receiptLinkLife)), err
}

// ReceiptBy returns the transaction whose receipt a link shows, and the reference of
// its order. A link that was not made here, or is too old, is identity.ErrLinkOver.
func (p *Processor) ReceiptBy(ctx context.Context, link string) (t payment.Transaction, order string, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		key, err := p.readLinkKey(tx)
		if errors.Is(err, errNoLinkKey) {
			return identity.ErrLinkOver
		}
		if err != nil {
			return err
		}
		caller, id, ok := party.ReadReceiptLink(key, link, p.now())
		if !ok {
			return identity.ErrLinkOver
		}
		found := false
		if t, found, err = tx.Transaction(caller, id); err == nil && !found {
			err = identity.ErrLinkOver
		}
		if err == nil {
			order, err = orderReference(tx, t)
		}
		return err
	})
	return t, order, err
}
