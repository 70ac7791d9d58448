package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Finished is the outcome of a look at a page of a card network.
type Finished struct {
	Visit payment.Visit
	State payment.NetworkPageState
	URL   string // where an open page can still be finished
	// Refused says why the card is not used; empty if it is.
	Refused CardRefusal
}

// A CardRefusal says why a card from a network's page is not used.
type CardRefusal string

// The reasons.
const (
	RefusedByNetwork CardRefusal = "network"   // it could not be kept or held
	RefusedTooOften  CardRefusal = "too often" // guests have paid with it, or with the e-mail address, too often
	RefusedHere      CardRefusal = "here"      // the request does not take it
)

// FinishVisitPage is FinishPage for the browser that comes back from a page. The
// browser names the page, so it is refused unless it is one of the visit's. It is
// ErrNotSender if the visit is another party's.
func (p *Processor) FinishVisitPage(
	ctx context.Context, id payment.VisitID, sender party.ID, page string,
) (f Finished, err error) {
	var all []payment.NetworkPage
	var v payment.Visit
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		if v, _, err = tx.Visit(id); err != nil {
			return err
		}
		all, err = tx.NetworkPagesOf(id)
		return err
	})
	if err == nil && (sender == "" || v.Sender != sender) {
		err = ErrNotSender
	}
	if err != nil {
		return f, err
	}
	at := slices.IndexFunc(all, func(one payment.NetworkPage) bool { return page != "" && one.Page == page })
	switch {
	case at < 0:
		return f, ErrNoPage
	case all[at].Over():
		return Finished{Visit: v, State: all[at].State}, nil
	}
	f, ok, err := p.pageLooks.wait(ctx, p, all[at].Key, true, or(p.NetworkTimeout, networkTimeoutDefault),
		func(ctx context.Context) (Finished, error) { return p.FinishPage(ctx, all[at].Account, page) })
	if err == nil && !ok {
		err = ErrNetwork
	}
	return f, err
}

// FinishPage looks at the network what the buyer did on a page, and writes it
// once: the card is stored and chosen, the hold of the page gets its token, and the
// visit ends. The browser that comes back, an event of the network and the clock may
// all cause the look.
func (p *Processor) FinishPage(ctx context.Context, a payment.NetworkAccountID, page string) (Finished, error) {
	var row payment.NetworkPage
	var f Finished
	err := p.db.View(ctx, func(tx *store.ReadTx) error {
		var found bool
		var err error
		if row, found, err = tx.NetworkPageCalled(a, page); err == nil && !found {
			err = ErrNoPage
		}
		if err != nil {
			return err
		}
		f.State = row.State
		f.Visit, _, err = tx.Visit(row.Visit)
		return err
	})
	if err != nil || row.Over() {
		return f, err
	}
	found, err := p.collected(ctx, row)
	if err != nil {
		return f, err
	}
	f.URL = found.URL
	if found.State == card.PageOpen {
		return f, nil
	}
	ids, instrument := p.agreementIDs(), payment.InstrumentID(p.ids().Other("I"))
	err = p.db.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		step := finishing{p: p, tx: tx, found: found, ids: ids, newID: instrument, real: p.now()}
		err := step.finish(row.Key)
		f.Visit, f.State, f.Refused = step.visit, step.page.State, step.refused
		return err
	})
	if errors.Is(err, store.ErrStale) { // finished at the same moment
		return p.FinishPage(ctx, a, page)
	}
	if err != nil && row.Hold != "" && found.Held != nil {
		err = p.keepHold(row.Hold, *found.Held, err)
	}
	p.at(PointOutcome)
	return f, err
}

// collected looks at a page at the network.
func (p *Processor) collected(ctx context.Context, row payment.NetworkPage) (card.Collected, error) {
	collector, err := p.collector(ctx, row.Account)
	if err != nil {
		return card.Collected{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, or(p.NetworkTimeout, networkTimeoutDefault))
	defer cancel()
	found, err := collector.Collected(ctx, row.Page)
	if _, foreign := errors.AsType[*card.ForeignError](err); foreign {
		return found, errors.Join(ErrNoPage, err)
	}
	if err != nil {
		p.Log.Warn("a page of the card network could not be looked at", "visit", row.Visit, "error", err)
		return found, errors.Join(ErrNetwork, err)
	}
	if found.Visit != row.Visit || found.Key != row.Key {
		return found, fmt.Errorf("the page of visit %s is another one at the network: %w", row.Visit, ErrNoPage)
	}
	return found, nil
}

// A finishing writes what a buyer did on a page.
type finishing struct {
	p     *Processor
	tx    *store.Tx
	found card.Collected
	ids   [payment.AgreementIDs]holdfast.TokenID
	newID payment.InstrumentID // of the card, if it is a new one
	real  time.Time

	page    payment.NetworkPage
	visit   payment.Visit
	refused CardRefusal
}

func (f *finishing) finish(key string) error {
	row, found, err := f.tx.NetworkPage(key)
	if err != nil || !found {
		return errors.Join(err, missing(found, "page", key))
	}
	f.page = row
	if f.visit, _, err = f.tx.Visit(row.Visit); err != nil || row.Over() {
		return err
	}
	f.page.State, f.page.NextAt = payment.PageExpired, time.Time{}
	if f.found.State == card.PageComplete {
		f.page.State = payment.PageComplete
	}
	if err := f.tx.ChangeNetworkPage(row, f.page); err != nil {
		return err
	}
	if f.page.State == payment.PageExpired {
		return f.dropHold()
	}
	return f.complete()
}

// dropHold ends the hold of a page on which nothing was held.
func (f *finishing) dropHold() error {
	h, found, err := f.hold()
	if err != nil || !found || !h.Undecided() {
		return err
	}
	return f.tx.ChangePageHold(h, h.Dropped(f.real))
}

func (f *finishing) hold() (h payment.PageHold, found bool, err error) {
	if f.page.Hold == "" {
		return h, false, nil
	}
	h, found, err = f.tx.PageHold(f.page.Hold)
	return h, found, errors.Join(err, missing(found, "page hold", string(f.page.Hold)))
}

// complete stores the card of a finished page, and what it is used for.
func (f *finishing) complete() error {
	if h, found, err := f.hold(); err != nil || found && !h.Undecided() {
		f.refused = RefusedHere // it was given up
		return err
	}
	if f.found.Card.Ref == "" || f.found.Reason != "" {
		f.refused = RefusedByNetwork
		return f.dropHold()
	}
	owner, err := partyOf(&f.tx.ReadTx, f.page.Party)
	if err != nil {
		return err
	}
	err = f.p.nameGuest(f.tx, owner.ID, f.found.Name, f.found.Email, f.found.Card.Fingerprint)
	if _, tooMany := errors.AsType[*GuestsError](err); tooMany {
		f.refused, err = RefusedTooOften, nil
	}
	if err != nil {
		return err
	}
	i, err := f.instrument(owner)
	if err != nil {
		return err
	}
	if f.page.Mode == payment.PageKeep {
		return f.choose(i)
	}
	return f.held(i)
}

// instrument stores the card, or finds it among those that the party has already.
// A guest's card is for this visit only, even if the guest has an account by now.
func (f *finishing) instrument(owner party.Party) (payment.Instrument, error) {
	kept := f.found.Card
	var only payment.VisitID
	if f.page.Guest {
		only = f.page.Visit
	}
	have, err := f.tx.Instruments(owner.ID)
	if err != nil {
		return payment.Instrument{}, err
	}
	for _, i := range have {
		same := i.NetworkRef == kept.Ref || kept.Fingerprint != "" && i.Fingerprint == kept.Fingerprint &&
			i.ExpiryMonth == kept.ExpiryMonth && i.ExpiryYear == kept.ExpiryYear
		if i.Method == holdfast.MethodCC && i.UsableAt(f.page.Account) && i.GivenIn == only && same {
			return i, nil
		}
	}
	i := payment.Instrument{
		ID: f.newID, Owner: owner.ID, Method: holdfast.MethodCC, Brand: kept.Brand, Last4: kept.Last4,
		Holder: holder(f.found.Name, owner), ExpiryMonth: kept.ExpiryMonth, ExpiryYear: kept.ExpiryYear, NetworkRef: kept.Ref,
		Account: f.page.Account, Customer: kept.Customer, Funding: kept.Funding, Country: kept.Country,
		Fingerprint: kept.Fingerprint, GivenIn: only, Default: only == "" && !hasDefaultCard(have), Verified: true,
		Created: f.real,
	}
	return i, f.tx.InsertInstrument(i)
}

// holder is the name on a card, which the buyer typed on the network's page. If it
// cannot be stored, for example because it is a card number, it is the owner's name.
func holder(typed string, owner party.Party) string {
	if name := party.GuestName(typed); name != "" {
		return name
	}
	return owner.Name
}

func hasDefaultCard(have []payment.Instrument) bool {
	return slices.ContainsFunc(have, func(i payment.Instrument) bool { return i.Default })
}

// choose makes a kept card the visit's instrument.
func (f *finishing) choose(i payment.Instrument) error {
	if f.refused != "" || f.visit.ID == "" || f.visit.Over() || f.visit.Sender != f.page.Party {
		return nil
	}
	s, err := f.step()
	if err != nil {
		return err
	}
	if !s.asked.Request.Allows(i, s.now()) {
		f.refused = RefusedHere
		return nil
	}
	f.visit.Instrument = i.ID
	return f.tx.UpdateVisit(f.visit)
}

// held writes the outcome of the hold of the page.
func (f *finishing) held(i payment.Instrument) error {
	before, found, err := f.hold()
	if err != nil || !found || !before.Undecided() {
		return err
	}
	if f.found.Held == nil {
		f.refused = RefusedByNetwork
		return f.dropHold()
	}
	after := before.Answered(*f.found.Held, f.real)
	after.Instrument = i.ID
	if after.State != payment.PageHoldHeld {
		f.refused = RefusedByNetwork
		return f.tx.ChangePageHold(before, after)
	}
	if f.refused != "" {
		return f.tx.ChangePageHold(before, after.GiveUp(f.real))
	}
	shown := Shown{Language: f.page.Language, Consent: f.page.Consent}
	f.visit, f.refused, err = f.p.placed(f.tx, placing{before: before, after: after, ids: f.ids, shown: shown})
	return err
}

// step is the step of the page's visit.
func (f *finishing) step() (visitStep, error) { return f.p.stepOf(f.tx, f.visit, f.real) }

// stepOf returns a step of a visit that was just read.
func (p *Processor) stepOf(tx *store.Tx, v payment.Visit, real time.Time) (s visitStep, err error) {
	s = visitStep{ReadTx: &tx.ReadTx, tx: tx, visit: v, real: real, mails: p.Identity.Letters != nil}
	if s.caller, err = callerOf(&tx.ReadTx, v.Caller); err != nil {
		return s, err
	}
	s.asked, err = ReadAsked(&tx.ReadTx, s.caller, v)
	return s, err
}

// CloseVisitPages ends the open pages of a visit, whose buyer has come back to
// choose again. A page that the buyer has finished all the same is finished here.
func (p *Processor) CloseVisitPages(ctx context.Context, id payment.VisitID) error {
	var all []payment.NetworkPage
	err := p.db.View(ctx, func(tx *store.ReadTx) (err error) {
		all, err = tx.NetworkPagesOf(id)
		return err
	})
	for _, one := range all {
		if one.State == payment.PageOpen {
			_, ok, closing := p.pageLooks.wait(ctx, p, "close "+one.Key, true, or(p.NetworkTimeout, networkTimeoutDefault),
				func(ctx context.Context) (Finished, error) { return Finished{}, p.closePage(ctx, one) })
			if closing == nil && !ok {
				closing = ErrNetwork
			}
			err = errors.Join(err, closing)
		}
	}
	return err
}

func (p *Processor) closePage(ctx context.Context, page payment.NetworkPage) error {
	collector, err := p.collector(ctx, page.Account)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, or(p.NetworkTimeout, networkTimeoutDefault))
	defer cancel()
	if err := collector.Close(bounded, page.Page); err != nil {
		p.Log.Warn("a page of the card network could not be closed", "visit", page.Visit, "error", err)
		return ErrNetwork
	}
	_, err = p.FinishPage(ctx, page.Account, page.Page)
	return err
}
