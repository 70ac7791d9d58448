package processor

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A FindingKind is a kind of object that a search finds.
type FindingKind string

// The kinds.
const (
	FoundHold     FindingKind = "hold"
	FoundPayment  FindingKind = "payment" // of no hold
	FoundToken    FindingKind = "token"
	FoundVisit    FindingKind = "visit"     // to the payment pages; a checkout is one
	FoundPageHold FindingKind = "page_hold" // that no payment has adopted
	FoundRefused  FindingKind = "refused"   // a request that made nothing
)

// FindingKinds lists every kind.
var FindingKinds = []FindingKind{FoundHold, FoundPayment, FoundToken, FoundVisit, FoundPageHold, FoundRefused}

// A Finding is one object that a search has found, as it is now.
type Finding struct {
	Kind      FindingKind
	Caller    party.CallerID
	ID        string
	Reference holdfast.CallerReference
	State     string
	Message   string // why it is in the state
	Amount    money.Amount
	Open      money.Amount // of a hold
	Created   time.Time    // by the caller's clock, as is Deadline
	Deadline  time.Time
	Buyer     party.Party        // zero if nobody is known
	Card      payment.Instrument // zero if none is known

	sender     party.ID
	instrument payment.InstrumentID
	token      holdfast.TokenID
}

// Found is the result of a search.
type Found struct {
	All  []Finding // holds and payments first
	More bool      // there is more
}

// Only is the hold or the payment that the search is about: the only one, if all
// else that was found belongs to it by its token or by a reference.
func (f Found) Only() (one Finding, found bool) {
	if f.More || len(f.All) == 0 || f.All[0].Kind != FoundHold && f.All[0].Kind != FoundPayment {
		return one, false
	}
	one = f.All[0]
	references := []holdfast.CallerReference{one.Reference}
	for _, other := range f.All[1:] {
		if other.Kind == FoundToken && other.token == one.token {
			references = append(references, other.Reference)
		}
	}
	for _, other := range f.All[1:] {
		belongs := other.Kind == FoundToken && other.token == one.token || slices.Contains(references, other.Reference)
		if other.Kind == FoundHold || other.Kind == FoundPayment || other.Caller != one.Caller || !belongs {
			return Finding{}, false
		}
	}
	return one, true
}

// Find looks for what some callers have. See [store.ReadTx.Find].
func (p *Processor) Find(tx *store.ReadTx, callers []party.Caller, q payment.Query, limit int) (Found, error) {
	real := p.now()
	ids := make([]party.CallerID, len(callers))
	now := make(map[party.CallerID]time.Time, len(callers))
	for i, c := range callers {
		ids[i], now[c.ID] = c.ID, c.Now(real)
	}
	all, err := tx.Find(ids, q, limit)
	if err != nil {
		return Found{}, err
	}
	found := Found{More: all.More}
	for _, h := range all.Holds {
		found.All = append(found.All, foundHold(h.AsOf(now[h.Root().Caller])))
	}
	for _, t := range all.Payments {
		found.All = append(found.All, foundPayment(t.AsOf(now[t.Caller])))
	}
	for _, t := range all.Tokens {
		found.All = append(found.All, foundToken(t, now[t.Caller]))
	}
	for _, v := range all.Visits {
		found.All = append(found.All, foundVisit(v, now[v.Caller]))
	}
	for _, h := range all.PageHolds {
		found.All = append(found.All, Finding{
			Kind: FoundPageHold, Caller: h.Caller, ID: string(h.ID), Reference: holdfast.CallerReference(h.Reference),
			State: string(h.State), Message: h.DeclineCode, Amount: h.Amount, Created: h.Created, Deadline: h.HoldUntil,
			sender: h.Party, instrument: h.Instrument, token: h.Token,
		})
	}
	for _, r := range all.Refused {
		found.All = append(found.All, Finding{
			Kind: FoundRefused, Caller: r.Caller, ID: string(r.Reference), Reference: r.Reference,
			State: string(r.Refusal.Code), Message: r.Refusal.Message, Created: r.Received,
		})
	}
	return found, found.people(tx)
}

func foundHold(h payment.Hold) Finding {
	root := h.Root()
	return Finding{
		Kind: FoundHold, Caller: root.Caller, ID: string(root.ID), Reference: root.Reference, State: string(h.State()),
		Message: root.StatusMessage, Amount: h.Amount(), Open: h.Open(), Created: root.Received, Deadline: h.Deadline(),
		sender: root.Sender, instrument: root.Instrument, token: root.Token,
	}
}

func foundPayment(t payment.Transaction) Finding {
	return Finding{
		Kind: FoundPayment, Caller: t.Caller, ID: string(t.ID), Reference: t.Reference, State: string(t.State),
		Message: t.StatusMessage, Amount: t.Amount, Created: t.Received,
		sender: t.Sender, instrument: t.Instrument, token: t.Token,
	}
}

func foundToken(t payment.Token, now time.Time) Finding {
	return Finding{
		Kind: FoundToken, Caller: t.Caller, ID: string(t.ID), Reference: t.Reference, State: string(t.State(now)),
		Message: t.Reason, Amount: t.Amount, Created: t.Installed, Deadline: t.Expires,
		sender: t.Holder(), instrument: t.Instrument, token: t.ID,
	}
}

func foundVisit(v payment.Visit, now time.Time) Finding {
	return Finding{
		Kind: FoundVisit, Caller: v.Caller, ID: string(v.ID), Reference: v.Reference, State: stateOfVisit(v, now),
		Message: v.Message, Created: v.Created, Deadline: v.Expires, sender: v.Sender, instrument: v.Instrument,
	}
}

// stateOfVisit is the state of a checkout, or "Open" or the return status of another
// visit.
func stateOfVisit(v payment.Visit, now time.Time) string {
	switch {
	case v.IsCheckout():
		return string(v.CheckoutAt(now))
	case v.Status == "":
		return string(payment.CheckoutOpen)
	}
	return string(v.Status)
}

// people adds the buyers and their cards.
func (f *Found) people(tx *store.ReadTx) error {
	var ids []party.ID
	for _, one := range f.All {
		if one.sender != "" {
			ids = append(ids, one.sender)
		}
	}
	people, err := tx.PartiesWith(ids)
	if err != nil {
		return err
	}
	for i := range f.All {
		one := &f.All[i]
		one.Buyer = people[one.sender]
		if one.instrument == "" {
			continue
		}
		if one.Card, _, err = tx.Instrument(one.sender, one.instrument); err != nil {
			return err
		}
	}
	return nil
}
