package queryapi

import (
	"errors"
	"fmt"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// An activityPage is a page of GetAccountActivity with the names that stand in
// it.
type activityPage struct {
	payment.Activity
	parties map[party.ID]string
	callers map[party.CallerID]party.Caller
	balance money.Amount // of the account, as it is now
}

// readMost is how many transactions are read at a time.
const readMost = 256

// read fills the page: out of what the account's own callers did, what
// marketplaces had paid to it, and what it paid itself, in one order.
func (p *activityPage) read(tx *store.ReadTx, asking party.Caller) error {
	own, err := tx.CallersOf(p.Account)
	if err != nil {
		return err
	}
	listing := store.Listing{From: p.Filter.Start, To: p.Filter.End, Ascending: p.Filter.Ascending}
	seller, sender := listing, listing
	seller.Recipient, sender.Sender = p.Account, p.Account
	sources := []*source{{Listing: seller}, {Listing: sender}}
	for _, c := range own {
		if c.Sandbox == asking.Sandbox {
			listing.Caller = c.ID
			sources = append(sources, &source{Listing: listing})
		}
	}
	if err := p.merge(tx, sources, asking.Sandbox); err != nil {
		return err
	}
	micro, err := tx.AccountBalance(ledger.Party(string(p.Account)), asking.Sandbox)
	if err != nil {
		return err
	}
	p.balance = money.Micros(micro)
	return p.readNames(tx)
}

// A source is a listing with what was read of it and not yet looked at.
type source struct {
	store.Listing
	waiting []payment.Transaction
	ended   bool
}

func (s *source) first(tx *store.ReadTx) (t payment.Transaction, ok bool, err error) {
	if len(s.waiting) == 0 && !s.ended {
		if s.waiting, err = tx.Next(&s.Listing, readMost); err != nil {
			return t, false, err
		}
		s.ended = len(s.waiting) < readMost
	}
	if len(s.waiting) == 0 {
		return t, false, nil
	}
	return s.waiting[0], true, nil
}

// merge adds transactions to the page in the order of their time, each once,
// until it is full or there are no more.
func (p *activityPage) merge(tx *store.ReadTx, sources []*source, sandbox bool) error {
	var last holdfast.TransactionID
	for {
		var next *source
		var t payment.Transaction
		for _, s := range sources {
			candidate, ok, err := s.first(tx)
			if err != nil {
				return err
			}
			if ok && (next == nil || p.before(candidate, t)) {
				next, t = s, candidate
			}
		}
		if next == nil {
			return nil
		}
		next.waiting = next.waiting[1:]
		if t.ID == last {
			continue // of two sources
		}
		last = t.ID
		caller, err := p.caller(tx, t.Caller)
		if err != nil {
			return err
		}
		if caller.Sandbox == sandbox && !p.Add(t) {
			return nil
		}
	}
}

func (p *activityPage) before(a, b payment.Transaction) bool {
	if !a.Received.Equal(b.Received) {
		return a.Received.Before(b.Received) == p.Filter.Ascending
	}
	return (a.ID < b.ID) == p.Filter.Ascending
}

func (p *activityPage) caller(tx *store.ReadTx, id party.CallerID) (party.Caller, error) {
	if c, known := p.callers[id]; known {
		return c, nil
	}
	c, found, err := tx.Caller(id)
	if err == nil && !found {
		err = fmt.Errorf("caller %s of a transaction is missing", id)
	}
	p.callers[id] = c
	return c, err
}

func (p *activityPage) readNames(tx *store.ReadTx) error {
	for _, t := range p.Rows {
		for _, id := range []party.ID{t.Sender, t.Recipient} {
			if _, known := p.parties[id]; known {
				continue
			}
			who, found, err := tx.Party(id)
			if err != nil || !found {
				return errors.Join(err, fmt.Errorf("party %s of a transaction (found %t)", id, found))
			}
			p.parties[id] = who.Name
		}
	}
	return nil
}

// write keeps the schema's order. There is one part for each role that the
// account plays, the recipient's before the caller's, as recorded.
func (p *activityPage) write(t payment.Transaction, out *document) {
	caller := p.callers[t.Caller]
	out.open("Transaction")
	out.text("TransactionId", string(t.ID))
	out.date("CallerTransactionDate", t.Received)
	out.date("DateReceived", t.Received)
	out.date("DateCompleted", t.Completed)
	out.amount("TransactionAmount", t.Current())
	out.text("FPSOperation", string(t.Operation()))
	out.text("TransactionStatus", string(t.State.Status()))
	out.text("StatusMessage", t.StatusMessage)
	out.text("StatusCode", string(t.StatusCode))
	if t.Kind == payment.KindRefund {
		out.text("OriginalTransactionId", string(t.Parent))
	}
	for _, role := range t.Roles(p.Account) {
		p.part(t, role, caller, out)
	}
	out.text("PaymentMethod", string(t.Method))
	out.text("SenderName", p.parties[t.Sender])
	out.text("CallerName", caller.Name)
	out.text("RecipientName", p.parties[t.Recipient])
	out.amount("FPSFees", t.FeeCharged())
	out.amount("Balance", p.balanceAfter(t))
	out.text("SenderTokenId", string(t.Token))
	out.text("RecipientTokenId", string(t.RecipientToken))
	out.close("Transaction")
}

func (p *activityPage) part(t payment.Transaction, role holdfast.Role, caller party.Caller, out *document) {
	out.open("TransactionPart")
	switch role {
	case holdfast.RoleSender:
		out.text("InstrumentId", string(t.Aggregate))
		out.text("Role", string(role))
		out.text("Name", p.parties[t.Sender])
		out.text("Description", t.SenderDescription)
	case holdfast.RoleRecipient:
		out.text("InstrumentId", string(t.Aggregate))
		out.text("Role", string(role))
		out.text("Name", p.parties[t.Recipient])
	case holdfast.RoleCaller:
		out.text("Role", string(role))
		out.text("Name", caller.Name)
		out.text("Reference", string(t.Reference))
		out.text("Description", t.CallerDescription)
	}
	fees := money.Micros(0)
	if t.FeeBy == role {
		fees = t.FeeCharged()
	}
	out.amount("FeesPaid", fees)
	out.close("TransactionPart")
}

// balanceAfter is what the account held once the transaction had moved money on
// it, and what it holds now where none was moved.
func (p *activityPage) balanceAfter(t payment.Transaction) money.Amount {
	switch {
	case t.Recipient == p.Account && t.RecipientBalance.Given():
		return t.RecipientBalance
	case t.Sender == p.Account && t.SenderBalance.Given():
		return t.SenderBalance
	}
	return p.balance
}
