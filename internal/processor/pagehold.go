package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// HoldInstrument holds the amount of a visit on a card that the sender has given
// before. The sender agrees to the request by this, so the token is installed
// when the hold is placed. The hold that it returns may be Declined; Asking, if
// the network has not answered yet; or Action, if the buyer must confirm it at
// the bank. returnURL is where the bank's page sends the browser.
func (p *Processor) HoldInstrument(
	ctx context.Context, id payment.VisitID, sender party.ID, shown Shown, returnURL func(payment.PageHoldID) string,
) (v payment.Visit, h payment.PageHold, err error) {
	newID := payment.PageHoldID(p.ids().Other("H"))
	var ask bool
	var wait time.Duration
	v, err = p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		h, ask = payment.PageHold{}, false
		v, ready, err := s.ready(sender, shown)
		if err != nil || !ready {
			return v, err
		}
		if !s.holdsOnPage() || v.Instrument == payment.CardOnPage {
			return v, ErrNotShown
		}
		i, err := s.instrument(v.Sender, v.Instrument)
		if err != nil {
			return v, err
		}
		wait = or(p.Wait, s.caller.WaitFor())
		under, found, err := s.underWayHold(i.ID)
		if err != nil || found {
			h = under
			return v, err
		}
		h, ask = s.newHold(newID), true
		h.Instrument, h.ReturnURL = i.ID, returnURL(newID)
		h.NextAt = s.real.Add(p.patience())
		return v, s.tx.InsertPageHold(h)
	})
	if err != nil || v.Over() || !ask {
		return v, h, err
	}
	p.at(PointIntent)
	return p.askForHold(ctx, v, h, wait)
}

// underWayHold finds the hold of the visit that the buyer must wait for. It gives up
// a hold on another card that waits for the buyer at the bank, because the buyer has
// chosen again.
func (s visitStep) underWayHold(with payment.InstrumentID) (h payment.PageHold, found bool, err error) {
	if err := s.alone(); err != nil {
		return h, false, err
	}
	all, err := s.PageHoldsOf(s.visit.ID)
	if err != nil {
		return h, false, err
	}
	declined := 0
	for _, one := range all {
		switch {
		case one.State == payment.PageHoldDeclined:
			declined++
		case !one.Undecided() || one.OnNetworkPage():
		case one.State == payment.PageHoldAsking || one.Instrument == with:
			h, found = one, true
		default:
			if err := s.tx.ChangePageHold(one, one.GiveUp(s.real)); err != nil {
				return h, false, err
			}
		}
	}
	if declined >= visitDeclinesMax {
		return h, false, ErrTooManyPages
	}
	return h, found, nil
}

// askForHold asks the network to place a hold, and waits a while for the answer.
func (p *Processor) askForHold(
	ctx context.Context, v payment.Visit, h payment.PageHold, wait time.Duration,
) (payment.Visit, payment.PageHold, error) {
	type decided struct {
		v payment.Visit
		h payment.PageHold
	}
	done := make(chan decided, 1)
	if !p.start(func() {
		if v, h, err := p.placeHold(p.untilStopped(), h); err == nil {
			done <- decided{v, h}
		}
		close(done)
	}) {
		return v, h, nil // the server is ending; the next one asks
	}
	patience := time.NewTimer(wait)
	defer patience.Stop()
	select {
	case d, ok := <-done:
		if ok {
			return d.v, d.h, nil
		}
	case <-patience.C:
	case <-ctx.Done():
	}
	return v, h, nil
}

// LookAtHold reads a hold of a visit. If the buyer must confirm the hold at the
// bank, the network is asked whether it is placed, and where the bank's page is.
// returns says that the buyer comes from the bank. It is ErrNotSender if the visit
// is another party's, and ErrNoPage if the hold is not the visit's.
func (p *Processor) LookAtHold(
	ctx context.Context, id payment.VisitID, sender party.ID, hold payment.PageHoldID, returns bool,
) (payment.Visit, payment.PageHold, error) {
	v, h, err := p.readHold(ctx, id, hold)
	if err == nil && (sender == "" || v.Sender != sender) {
		err = ErrNotSender
	}
	if err != nil || h.State != payment.PageHoldAction {
		return v, h, err
	}
	found, ok, err := p.holdLooks.wait(ctx, p, string(h.ID), returns, or(p.Wait, waitOnPage),
		func(ctx context.Context) (payment.PageHold, error) {
			_, after, err := p.placeHold(ctx, h)
			return after, err
		})
	if !ok || err != nil {
		return v, h, nil //nolint:nilerr // it is in the log, and the page looks again
	}
	if v, h, err = p.readHold(ctx, id, hold); err == nil && h.State == payment.PageHoldAction {
		h.Action = found.Action
	}
	return v, h, err
}

func (p *Processor) readHold(
	ctx context.Context, id payment.VisitID, hold payment.PageHoldID,
) (v payment.Visit, h payment.PageHold, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		var found bool
		if h, found, err = tx.PageHold(hold); err != nil {
			return err
		}
		if !found || h.Visit != id {
			return ErrNoPage
		}
		v, _, err = tx.Visit(id)
		return err
	})
	return v, h, err
}

// waitOnPage bounds how long a page that the bank's page leads back to waits for the
// network.
const waitOnPage = 5 * time.Second

// placeHold asks the network for a hold and writes what it says.
func (p *Processor) placeHold(ctx context.Context, h payment.PageHold) (payment.Visit, payment.PageHold, error) {
	answer, err := p.askAboutHold(ctx, h, payment.StepAuthorize)
	doubt, known := errors.AsType[*card.DoubtError](err)
	if err != nil && (!known || doubt.Known == payment.Details{}) {
		return payment.Visit{}, h, err
	}
	ids := p.agreementIDs()
	var v payment.Visit
	var after payment.PageHold
	err = p.db.Complete(context.Background(), func(tx *store.Tx) error {
		before, found, err := tx.PageHold(h.ID)
		if err != nil || !found {
			return errors.Join(err, missing(found, "page hold", string(h.ID)))
		}
		if v, _, err = tx.Visit(before.Visit); err != nil || !before.Undecided() {
			after = before
			return err
		}
		now := p.now()
		if known {
			after = before.Waits(doubt.Known, now)
		} else {
			after = before.Answered(answer, now)
		}
		switch {
		case after == before:
			return nil
		case after.State != payment.PageHoldHeld:
			return tx.ChangePageHold(before, after)
		}
		v, _, err = p.placed(tx, placing{before: before, after: after, ids: ids})
		if err == nil {
			after, _, err = tx.PageHold(h.ID)
		}
		return err
	})
	if err != nil && !errors.Is(err, store.ErrStale) {
		if known {
			answer = payment.Answer{Details: doubt.Known}
		}
		err = p.keepHold(h.ID, answer, err)
	}
	p.at(PointOutcome)
	return v, after, err
}

// keepHold writes what the network said of a hold whose outcome could not be
// written, because of why. It returns why.
func (p *Processor) keepHold(id payment.PageHoldID, a payment.Answer, why error) error {
	p.Log.Error("what the card network said of a page hold could not be written", "hold", id,
		"reference", cmp.Or(a.Details.Reference, a.Authorization), "error", why)
	return errors.Join(why, p.db.Complete(context.Background(), func(tx *store.Tx) error {
		before, found, err := tx.PageHold(id)
		if err != nil || !found {
			return err
		}
		after := before.Kept(a, p.now())
		if after == before {
			return nil
		}
		return tx.ChangePageHold(before, after)
	}))
}

// askAboutHold asks the network about a page hold.
func (p *Processor) askAboutHold(
	ctx context.Context, h payment.PageHold, step payment.Step,
) (answer payment.Answer, err error) {
	defer func() {
		if broken := recover(); broken != nil { // a network's code must not end the server
			err = fmt.Errorf("panic: %v", broken)
		}
		if kept := p.noteFinding(h, step, answer, err); err != nil && !kept {
			p.Log.Warn("a question about a page hold is in doubt", "hold", h.ID, "step", step, "asked", h.Asked, "error", err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, or(p.NetworkTimeout, networkTimeoutDefault))
	defer cancel()
	stored := payment.StoredCard{Account: h.Account}
	if h.Instrument != "" && step != payment.StepRelease { // a release needs no card, which may be gone
		err = p.db.View(ctx, func(tx *store.ReadTx) error {
			i, found, err := tx.Instrument(h.Party, h.Instrument)
			stored = i.Stored()
			return errors.Join(err, missing(found, "instrument", string(h.Instrument)))
		})
		if err != nil {
			return answer, err
		}
	}
	return p.Network.Ask(ctx, card.Question{
		Attempt: h.Question(step, stored, h.ReturnURL), HoldUntil: h.HoldUntil, Expired: step == payment.StepRelease,
	})
}

// A placing is a hold that the network has just placed.
type placing struct {
	before, after payment.PageHold
	ids           [payment.AgreementIDs]holdfast.TokenID
	shown         Shown
}

// placed installs the token of a visit whose hold is placed, and ends the visit. If
// the visit is over already, or nothing can be agreed to any more, the hold is
// given up.
func (p *Processor) placed(tx *store.Tx, pl placing) (v payment.Visit, refused CardRefusal, err error) {
	now := p.now()
	h := pl.after
	giveUp := func(why CardRefusal) (payment.Visit, CardRefusal, error) {
		return v, why, tx.ChangePageHold(pl.before, h.GiveUp(now))
	}
	v, found, err := tx.Visit(h.Visit)
	if err != nil {
		return v, "", err
	}
	if !found || v.Over() || v.Sender != h.Party {
		return giveUp("")
	}
	s, err := p.stepOf(tx, v, now)
	if err != nil {
		return v, "", err
	}
	if v.Lapsed(s.now()) {
		v = v.Expire(s.now())
		if err := tx.UpdateVisit(v); err != nil {
			return v, "", err
		}
		return giveUp("")
	}
	s.agreed = h.Created
	end, err := s.cannotConfirm(v)
	if errors.Is(err, ErrUnproved) {
		return giveUp(RefusedHere)
	}
	if err != nil {
		return v, "", err
	}
	if end != nil || !s.holdsOnPage() {
		v = s.ended(v, end)
		if err := updateIfOver(tx, v); err != nil {
			return v, "", err
		}
		return giveUp("")
	}
	v.Instrument = h.Instrument
	ended, token, err := p.agree(s, v, pl.ids, pl.shown)
	if _, refusal := errors.AsType[*holdfast.Error](err); refusal || errors.Is(err, ErrNotShown) {
		return giveUp(RefusedHere)
	}
	if err != nil {
		return v, "", err
	}
	v = ended
	if err := tx.UpdateVisit(v); err != nil {
		return v, "", err
	}
	if err := p.hurry(tx, v, h.ID); err != nil {
		return v, "", err
	}
	return v, "", tx.ChangePageHold(pl.before, h.Gives(token))
}

func updateIfOver(tx *store.Tx, v payment.Visit) error {
	if !v.Over() {
		return nil
	}
	return tx.UpdateVisit(v)
}

// hurry makes the server close the open pages of a visit that is over, and give up
// the holds that wait for its buyer, except one.
func (p *Processor) hurry(tx *store.Tx, v payment.Visit, except payment.PageHoldID) error {
	pages, err := tx.NetworkPagesOf(v.ID)
	if err != nil {
		return err
	}
	now := p.now()
	for _, page := range pages {
		if page.State != payment.PageOpen {
			continue
		}
		after := page
		after.NextAt = now
		if err := tx.ChangeNetworkPage(page, after); err != nil {
			return err
		}
	}
	holds, err := tx.PageHoldsOf(v.ID)
	if err != nil {
		return err
	}
	for _, h := range holds {
		if h.State == payment.PageHoldAction && h.ID != except {
			if err := tx.ChangePageHold(h, h.GiveUp(now)); err != nil {
				return err
			}
		}
	}
	return nil
}
