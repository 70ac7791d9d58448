package processor

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Case is everything about a hold, or about a payment that belongs to no hold,
// with what can be done now.
type Case struct {
	Caller party.Caller
	Hold   payment.Hold // as of Now; without members for a payment of no hold
	// Payment is the root of the hold, or the payment. It is as of Now.
	Payment payment.Transaction
	// Related are its refunds and disputes, and the marketplace's fees.
	Related   []payment.Transaction
	Token     payment.Token // the sender's; zero if there is none
	Sender    party.Party
	Recipient party.Party
	Card      payment.Instrument
	Network   []payment.NetworkPayment
	Disputes  payment.Disputes
	Notices   []store.Notification // about each of its transactions, and the end of its token
	Possible  []payment.Possible
	Timeline  []Entry   // the oldest first
	Now       time.Time // the caller's
	More      bool      // there is more than the timeline shows
}

// IsHold reports whether the case is a hold.
func (c *Case) IsHold() bool { return len(c.Hold.Members) > 0 }

// ID is the id of the hold or the payment.
func (c *Case) ID() holdfast.TransactionID { return c.Payment.ID }

// caseMost is how many transactions of a case have a timeline.
const caseMost = 150

// CaseOf reads the case of a caller's transaction. The transaction may be any one
// that belongs to it, such as a refund of a part.
func (p *Processor) CaseOf(
	tx *store.ReadTx, caller party.CallerID, id holdfast.TransactionID,
) (c Case, found bool, err error) {
	if c.Caller, found, err = tx.Caller(caller); err != nil || !found {
		return c, false, err
	}
	real := p.now()
	c.Now = c.Caller.Now(real)
	if found, err = c.subject(tx, id); err != nil || !found {
		return c, false, err
	}
	transactions, err := c.relatives(tx)
	if err != nil {
		return c, false, err
	}
	if err := c.people(tx); err != nil {
		return c, false, err
	}
	if err := c.atNetwork(tx, transactions); err != nil {
		return c, false, err
	}
	if err := c.notices(tx, transactions); err != nil {
		return c, false, err
	}
	if err := c.possible(tx, p.RefundWindow); err != nil {
		return c, false, err
	}
	t := timeline{tx: tx, Case: &c, transactions: transactions}
	return c, true, t.read()
}

// subject finds the hold or the payment that a transaction belongs to.
func (c *Case) subject(tx *store.ReadTx, id holdfast.TransactionID) (found bool, err error) {
	t, found, err := tx.Transaction(c.Caller.ID, id)
	for err == nil && found && t.Parent != "" {
		t, found, err = tx.Transaction(c.Caller.ID, t.Parent)
	}
	if err != nil || !found || t.Private() {
		return false, err
	}
	c.Payment = t.AsOf(c.Now)
	if !t.Hold() {
		return true, nil
	}
	h, found, err := tx.Hold(c.Caller.ID, t.ID)
	c.Hold = h.AsOf(c.Now)
	return found, err
}

// relatives reads the transactions that belong to the hold or the payment. It
// returns all transactions of the case.
func (c *Case) relatives(tx *store.ReadTx) (all []payment.Transaction, err error) {
	paid := []payment.Transaction{c.Payment}
	if c.IsHold() {
		paid = append(slices.Clone(c.Hold.Members), c.Hold.Parts...)
	}
	all = slices.Clone(paid)
	for _, t := range paid {
		if len(all) > caseMost {
			c.More = true
			break
		}
		children, err := tx.Children(c.Caller.ID, t.ID)
		if err != nil {
			return nil, err
		}
		for _, child := range children {
			if child.Kind == payment.KindPart || child.Link != "" {
				continue
			}
			all, c.Related = append(all, child), append(c.Related, child)
		}
	}
	if len(all) > caseMost {
		c.More, all = true, all[:caseMost]
	}
	return all, nil
}

// people reads the token, both parties and the card.
func (c *Case) people(tx *store.ReadTx) error {
	t := c.Payment
	if t.Token != "" {
		k, found, err := tx.TokenFor(c.Caller.ID, t.Token)
		if err != nil {
			return err
		}
		if found && k.Caller == c.Caller.ID {
			c.Token = k
		}
	}
	people, err := tx.PartiesWith([]party.ID{t.Sender, t.Recipient})
	if err != nil {
		return err
	}
	c.Sender, c.Recipient = people[t.Sender], people[t.Recipient]
	c.Card, _, err = tx.Instrument(t.Sender, t.Instrument)
	return err
}

// atNetwork reads what is known at a card network.
func (c *Case) atNetwork(tx *store.ReadTx, all []payment.Transaction) error {
	if c.Card.Account == "" {
		return nil
	}
	for _, t := range all {
		known, found, err := tx.NetworkPayment(c.Caller.ID, t.ID)
		if err != nil {
			return err
		}
		if found {
			c.Network = append(c.Network, known)
		}
		disputes, err := tx.Disputes(c.Caller.ID, t.ID)
		if err != nil {
			return err
		}
		c.Disputes = append(c.Disputes, disputes...)
	}
	return nil
}

// notices reads the notices about the case.
func (c *Case) notices(tx *store.ReadTx, all []payment.Transaction) error {
	subjects := []string{string(c.ID())}
	for _, one := range all {
		if one.ID != c.ID() {
			subjects = append(subjects, string(one.ID))
		}
	}
	if c.Token.Cancelled {
		subjects = append(subjects, string(c.Token.ID))
	}
	for _, subject := range subjects {
		some, err := tx.Notifications(c.Caller.ID, subject)
		if err != nil {
			return err
		}
		c.Notices = append(c.Notices, some...)
	}
	return nil
}

// attention reports whether a person must look at the hold at the network first.
func (c *Case) attention() bool {
	return slices.ContainsFunc(c.Network, func(p payment.NetworkPayment) bool { return p.Attention != "" })
}

// possible finds out what can be done now.
func (c *Case) possible(tx *store.ReadTx, window time.Duration) error {
	owner, _, err := tx.Party(c.Caller.Owner)
	if err != nil {
		return err
	}
	several := payment.NetworkKind("").SeveralCaptures()
	if c.Card.Account != "" {
		a, found, err := tx.NetworkAccountSettings(c.Card.Account)
		if err != nil {
			return err
		}
		several = found && a.Kind.SeveralCaptures()
	}
	disputes := make(map[holdfast.TransactionID]payment.Disputes)
	for _, d := range c.Disputes {
		disputes[d.Transaction] = append(disputes[d.Transaction], d)
	}
	in := payment.PossibleInput{
		Hold: c.Hold, Payment: c.Payment, Token: c.Token, Caller: c.Caller, Owner: owner, Several: several,
		Attention: c.attention(), Disputes: disputes, Window: window, Notices: len(c.Notices), Now: c.Now,
	}
	c.Possible = in.Possible()
	return nil
}
