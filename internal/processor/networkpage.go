package processor

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Errors of pages of card networks.
var (
	// ErrNoPage means that a page is not one of the visit's.
	ErrNoPage = errors.New("the visit has no such page of a card network")
	// ErrTooManyPages means that the visit has had too many pages or declined cards.
	// The sender may be trying out stolen cards.
	ErrTooManyPages = errors.New("too many cards were tried in this visit")
	// ErrHoldFirst means that the visit's token is made after the hold is placed.
	ErrHoldFirst = errors.New("the visit needs a hold before its token")
	// ErrNetwork means that the card network cannot be asked now.
	ErrNetwork = errors.New("the card network cannot be asked now")
)

const (
	visitPagesMax    = 30 // pages of a network in one visit
	visitDeclinesMax = 8  // cards that may be declined in one visit
)

// A PageOpening is what a door knows of a network's page that is to be opened.
type PageOpening struct {
	// Done and Back are where the network's page sends the browser. "{PAGE}" in Done
	// stands for the page's id.
	Done, Back string
	Language   string // of the page, such as "de-CH"
}

// collector returns the client of an account, which makes and reads pages.
func (p *Processor) collector(ctx context.Context, a payment.NetworkAccountID) (card.Collector, error) {
	c, err := p.client(ctx, a)
	if err != nil {
		return nil, errors.Join(ErrNetwork, err)
	}
	return c, nil
}

// TakesTypedCards reports whether cards may be typed on the account pages: only
// the sandbox takes them.
func (p *Processor) TakesTypedCards() bool {
	_, ok := p.Network.(card.Verifier)
	return ok && !p.Live
}

// An openedPage is a network's page that a commit has written down before the
// network was asked for it.
type openedPage struct {
	payment.NetworkPage
	hold   *payment.PageHold
	title  string
	caller party.CallerID
}

// KeepCard opens a page of the network on which the visit's sender gives a card
// for later payments, and returns its address. If the visit is over, there is no
// address.
func (p *Processor) KeepCard(
	ctx context.Context, id payment.VisitID, sender party.ID, o PageOpening,
) (payment.Visit, string, error) {
	var page openedPage
	v, err := p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		if v.Sender != sender {
			return v, ErrNotSender
		}
		if !s.asked.Request.Offers(holdfast.MethodCC) || s.caller.Network == "" {
			return v, holdfast.Errorf(holdfast.InvalidPaymentInstrument, "a card cannot be given here")
		}
		var err error
		page, err = s.openPage(payment.PageKeep, nil, Shown{Language: o.Language})
		return v, err
	})
	if err != nil || v.Over() {
		return v, "", err
	}
	address, err := p.open(ctx, page, o)
	return v, address, err
}

// HoldCard opens a page of the network on which the visit's sender gives a card
// and the amount is held on it, and returns its address. The sender agrees to the
// request by this, so the token is installed when the page is finished. If the
// visit is over, there is no address.
func (p *Processor) HoldCard(
	ctx context.Context, id payment.VisitID, sender party.ID, shown Shown, o PageOpening,
) (payment.Visit, string, error) {
	holdID := payment.PageHoldID(p.ids().Other("H"))
	var page openedPage
	v, err := p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v, ready, err := s.ready(sender, shown)
		if err != nil || !ready {
			return v, err
		}
		if !s.holdsOnPage() || v.Instrument != payment.CardOnPage {
			return v, ErrNotShown
		}
		h := s.newHold(holdID)
		h.NextAt = payment.PageUntil(s.real).Add(payment.PageLife) // the page decides before
		page, err = s.openPage(payment.PageHolding, &h, shown)
		if err != nil {
			return v, err
		}
		return v, s.tx.InsertPageHold(h)
	})
	if err != nil || v.Over() {
		return v, "", err
	}
	address, err := p.open(ctx, page, o)
	return v, address, err
}

func (s visitStep) holdsOnPage() bool { return s.asked.Request.HoldsOnPage(s.caller) }

// alone makes steps of the visit that open a page or place a hold come one after
// the other, also on several servers: each writes the visit's row before it looks
// which pages and holds there are.
func (s visitStep) alone() error { return s.tx.UpdateVisit(s.visit) }

// newHold is the hold of the visit, before the network is asked for it.
func (s visitStep) newHold(id payment.PageHoldID) payment.PageHold {
	return payment.PageHold{
		ID: id, Caller: s.caller.ID, Visit: s.visit.ID, Party: s.visit.Sender, Account: s.caller.Network,
		Amount: s.asked.Request.Amount, Descriptor: payment.PageDescriptor(s.asked.Payees[0].Party, s.caller),
		State: payment.PageHoldAsking, Asked: 1, Created: s.real,
	}
}

// openPage writes down that a page is about to be opened.
func (s visitStep) openPage(mode payment.PageMode, h *payment.PageHold, shown Shown) (o openedPage, err error) {
	if err := s.alone(); err != nil {
		return o, err
	}
	before, err := s.NetworkPagesOf(s.visit.ID)
	if err != nil {
		return o, err
	}
	if len(before) >= visitPagesMax {
		return o, ErrTooManyPages
	}
	sender, err := partyOf(s.ReadTx, s.visit.Sender)
	if err != nil {
		return o, err
	}
	until := payment.PageUntil(s.real)
	o = openedPage{hold: h, title: s.caller.Name, caller: s.caller.ID, NetworkPage: payment.NetworkPage{
		Key: payment.PageKey(s.visit.ID, len(before)+1), Visit: s.visit.ID, Account: s.caller.Network,
		Party: s.visit.Sender, Guest: sender.Guest, Mode: mode, Created: s.real, Expires: until, State: payment.PageAsking,
		NextAt: until.Add(payment.PageLife), Language: shown.Language, Consent: shown.Consent,
	}}
	if h != nil {
		o.Hold = h.ID
	}
	return o, s.tx.InsertNetworkPage(o.NetworkPage)
}

// open asks the network for a page that is written down, and returns its address.
// No browser gets the address before the page's id is durable. So a page whose id
// was lost is a page that nobody can finish.
func (p *Processor) open(ctx context.Context, page openedPage, o PageOpening) (address string, err error) {
	p.at(PointIntent)
	collector, err := p.collector(ctx, page.Account)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, or(p.NetworkTimeout, networkTimeoutDefault))
	defer cancel()
	collection := card.Collection{
		Key: page.Key, Account: page.Account, Visit: page.Visit, Caller: string(page.caller), Done: o.Done, Back: o.Back,
		Language: o.Language, Until: page.Expires, Title: page.title,
	}
	owner, err := p.Identity.Party(ctx, page.Party)
	if err != nil {
		return "", err
	}
	// A guest gives name and e-mail on the page that holds the amount. A card that is
	// kept needs a customer in any case.
	if !owner.Guest || page.Mode == payment.PageKeep {
		if collection.Customer, err = p.customer(ctx, collector, page.Account, owner); err != nil {
			return "", err
		}
	}
	if page.hold != nil {
		stored := payment.StoredCard{Account: page.Account, Customer: collection.Customer}
		collection.Hold = &card.PageHold{
			Attempt: page.hold.Question(payment.StepAuthorize, stored, o.Done), Keep: !owner.Guest,
		}
	}
	opened, err := collector.Open(ctx, collection)
	if err != nil {
		p.Log.Warn("a page of the card network could not be opened", "visit", page.Visit, "error", err)
		if !errors.Is(err, card.ErrCustomerGone) {
			return "", ErrNetwork
		}
		err = p.db.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error {
			return tx.ForgetNetworkCustomer(page.Party, page.Account, collection.Customer)
		})
		return "", errors.Join(err, ErrNetwork) // the next page makes another customer
	}
	err = p.db.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		after := page.NetworkPage
		after.Page, after.State = opened.ID, payment.PageOpen
		if !opened.Until.IsZero() {
			after.Expires = Micro(opened.Until)
		}
		after.NextAt = after.LookAgain(p.now())
		return tx.ChangeNetworkPage(page.NetworkPage, after)
	})
	p.at(PointOutcome)
	return opened.URL, err
}

// customer returns the network's name for a party.
func (p *Processor) customer(
	ctx context.Context, collector card.Collector, a payment.NetworkAccountID, owner party.Party,
) (name string, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		name, err = tx.NetworkCustomer(owner.ID, a)
		return err
	})
	if err != nil || name != "" {
		return name, err
	}
	h := card.Holder{Account: a, Party: string(owner.ID), Name: owner.Name, Email: owner.Email}
	if name, err = collector.Customer(ctx, h); err != nil {
		p.Log.Warn("the card network did not make a customer", "party", owner.ID, "error", err)
		return "", ErrNetwork
	}
	return name, p.db.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		return tx.SetNetworkCustomer(owner.ID, a, name)
	})
}
