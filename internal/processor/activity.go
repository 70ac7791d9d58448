package processor

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// An ActivityPage is a page of an account's transactions, in the sandbox or
// with real money, with the names to show.
type ActivityPage struct {
	payment.Activity
	Sandbox bool
	Real    time.Time
	// Named makes Read look up the names in a transaction before it asks Matches
	// about the transaction.
	Named bool

	Parties map[party.ID]string
	Callers map[party.CallerID]party.Caller
	Reasons map[holdfast.TokenID]string // paymentReason of tokens; for payments without a description
	Balance money.Amount                // the account's current balance
}

// activityReadMax is how many transactions are read at a time.
const activityReadMax = 256

// Read fills the page. It merges the transactions of the account's own callers,
// those that paid the account through other callers, and those that the account
// paid. Each transaction is shown in its state by its own caller's clock.
func (p *ActivityPage) Read(tx *store.ReadTx) error {
	p.Parties, p.Callers, p.Reasons = map[party.ID]string{}, map[party.CallerID]party.Caller{},
		map[holdfast.TokenID]string{}
	own, err := tx.CallersOf(p.Account)
	if err != nil {
		return err
	}
	listing := store.Listing{From: p.Filter.Start, To: p.Filter.End, Ascending: p.Filter.Ascending}
	recipient, sender := listing, listing
	recipient.Recipient, sender.Sender = p.Account, p.Account
	sources := []*source{{Listing: recipient}, {Listing: sender}}
	for _, c := range own {
		if c.Sandbox == p.Sandbox {
			listing.Caller = c.ID
			sources = append(sources, &source{Listing: listing})
		}
	}
	if err := p.merge(tx, sources); err != nil {
		return err
	}
	if p.Balance, err = ReadBalance(tx, p.Account, p.Sandbox); err != nil {
		return err
	}
	return p.readNames(tx, p.Rows)
}

// A source is a listing with the transactions that were read but are not on the
// page yet.
type source struct {
	store.Listing
	waiting []payment.Transaction
	ended   bool
}

func (p *ActivityPage) first(tx *store.ReadTx, s *source) (t payment.Transaction, ok bool, err error) {
	if len(s.waiting) == 0 && !s.ended {
		if s.waiting, err = tx.Next(&s.Listing, activityReadMax); err != nil {
			return t, false, err
		}
		s.ended = len(s.waiting) < activityReadMax
		if p.Named {
			if err := p.readNames(tx, s.waiting); err != nil {
				return t, false, err
			}
		}
	}
	if len(s.waiting) == 0 {
		return t, false, nil
	}
	return s.waiting[0], true, nil
}

// merge adds transactions to the page in the order of their time, each once,
// until the page is full or no more are left.
func (p *ActivityPage) merge(tx *store.ReadTx, sources []*source) error {
	var last holdfast.TransactionID
	for {
		var next *source
		var t payment.Transaction
		for _, s := range sources {
			candidate, ok, err := p.first(tx, s)
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
			continue // it was in two sources
		}
		last = t.ID
		caller, err := p.caller(tx, t.Caller)
		if err != nil {
			return err
		}
		if caller.Sandbox == p.Sandbox && !p.Add(t.AsOf(caller.Now(p.Real))) {
			return nil
		}
	}
}

func (p *ActivityPage) before(a, b payment.Transaction) bool {
	if !a.Received.Equal(b.Received) {
		return a.Received.Before(b.Received) == p.Filter.Ascending
	}
	return (a.ID < b.ID) == p.Filter.Ascending
}

func (p *ActivityPage) caller(tx *store.ReadTx, id party.CallerID) (party.Caller, error) {
	if c, known := p.Callers[id]; known {
		return c, nil
	}
	c, found, err := tx.Caller(id)
	if err == nil && !found {
		err = fmt.Errorf("caller %s of a transaction is missing", id)
	}
	p.Callers[id] = c
	return c, err
}

// readNames reads the names of the parties of some transactions. On the
// account's own page it also reads the reasons that senders approved, for
// transactions without a description.
func (p *ActivityPage) readNames(tx *store.ReadTx, rows []payment.Transaction) error {
	var unnamed []party.ID
	var undescribed []payment.Transaction
	for _, t := range rows {
		for _, id := range []party.ID{t.Sender, t.Recipient} {
			if _, known := p.Parties[id]; !known && id != "" {
				unnamed = append(unnamed, id)
			}
		}
		if _, known := p.Reasons[t.Token]; !known && p.Own && t.Approved() && t.SenderDescription == "" {
			undescribed = append(undescribed, t)
		}
	}
	parties, err := tx.PartiesWith(unnamed)
	if err != nil {
		return err
	}
	for _, id := range unnamed {
		account, found := parties[id]
		if !found {
			return fmt.Errorf("party %s of a transaction is missing", id)
		}
		p.Parties[id] = account.Name
	}
	tokens, err := tx.TokensBehind(undescribed)
	if err != nil {
		return err
	}
	for _, t := range undescribed {
		p.Reasons[t.Token] = tokens[t.Token].Reason
	}
	return nil
}
