package processor

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Names for the pages, so that they need not import package card.
type (
	NewCard          = card.Details
	CardRefusedError = card.RefusedError
)

// NewCardNumber returns typed digits as a card number, which hides itself in
// logs and errors.
func NewCardNumber(digits string) card.Number { return card.NewNumber(digits) }

// Errors that do not end the pipeline: the page is shown again.
var (
	ErrNoVisit   = errors.New("there is no such visit")
	ErrNotSender = errors.New("the visit belongs to another sender")
	ErrNotShown  = errors.New("the confirmed choices differ from the page that was shown")
	// ErrUnproved means that the sender must verify its e-mail address first.
	ErrUnproved = errors.New("the sender's e-mail address is not verified yet")
)

// StartVisit begins a pipeline for a request. It fails with a
// *payment.PipelineEnd if the request names a token that does not allow it, if
// a token has one of the CallerReferences already, or if a sender gave the
// pipeline up under this reference. signatureV1 says that the answer is signed
// by version 1, like the request.
func (p *Processor) StartVisit(
	ctx context.Context, caller party.Caller, r payment.PipelineRequest, params holdfast.Params, signatureV1 bool,
) (payment.Visit, error) {
	return p.startVisit(ctx, caller, r, p.newVisit(caller, r, params, signatureV1), false)
}

func (p *Processor) newVisit(
	caller party.Caller, r payment.PipelineRequest, params holdfast.Params, signatureV1 bool,
) payment.Visit {
	return payment.Visit{
		ID: payment.VisitID(p.ids().Other("V")), Caller: caller.ID, Reference: r.Reference,
		Params: params.Encode(), SignatureV1: signatureV1, Key: p.ids().Secret(visitKeySize), Created: p.now(),
	}
}

// startVisit adds v. With reuse it returns an unfinished visit of the same
// request instead, if there is one.
func (p *Processor) startVisit(
	ctx context.Context, caller party.Caller, r payment.PipelineRequest, v payment.Visit, reuse bool,
) (payment.Visit, error) {
	made := v
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		v = made
		caller, err := callerOf(&tx.ReadTx, caller.ID)
		if err != nil {
			return err
		}
		asked, err := askedOf(&tx.ReadTx, caller, r)
		if err != nil {
			return err
		}
		s := visitStep{ReadTx: &tx.ReadTx, tx: tx, asked: asked, visit: v, caller: caller, real: p.now()}
		if end, err := s.cannotStart(); err != nil || end != nil {
			return errors.Join(err, asError(end))
		}
		if reuse {
			open, found, err := s.underWay(v)
			if err != nil || found {
				v = open
				return err
			}
		}
		return tx.InsertVisit(v)
	})
	return v, err
}

const (
	visitKeySize = 32
	// visitReuse is how long an unfinished visit is used again when the same link
	// is opened: by anyone until a sender signs in, then by that sender.
	visitReuse = time.Hour
	// visitsCompared bounds the open visits that are compared with a link. Only a
	// caller that signs several requests with one reference has more than two.
	visitsCompared = 20
)

// OpenVisit is StartVisit, but it returns an existing visit of exactly the same
// request if nobody has signed in to it yet. So a link that is opened many
// times creates one visit, whatever the order of its parameters: the signature
// allows every order. Until a sender signs in, a visit shows only what the
// link says. The first sender that signs in then owns the visit; see
// EnterVisit.
func (p *Processor) OpenVisit(
	ctx context.Context, caller party.Caller, r payment.PipelineRequest, params holdfast.Params, signatureV1 bool,
) (payment.Visit, error) {
	v := payment.Visit{Caller: caller.ID, Reference: r.Reference, Params: params.Encode(), SignatureV1: signatureV1}
	var found bool
	err := p.db.View(ctx, func(tx *store.ReadTx) error {
		caller, err := callerOf(tx, caller.ID)
		if err != nil {
			return err
		}
		asked, err := askedOf(tx, caller, r)
		if err != nil {
			return err
		}
		s := visitStep{ReadTx: tx, asked: asked, visit: v, caller: caller, real: p.now()}
		if end, err := s.cannotStart(); err != nil || end != nil {
			return errors.Join(err, asError(end))
		}
		v, found, err = s.underWay(v)
		return err
	})
	if err != nil || found {
		return v, err
	}
	return p.startVisit(ctx, caller, r, p.newVisit(caller, r, params, signatureV1), true)
}

// asError returns an end as an error, or nil.
func asError(end *payment.PipelineEnd) error {
	if end == nil {
		return nil
	}
	return end
}

const (
	// visitLife is how long a visit can be continued, and how long a browser that
	// returns to a finished visit is redirected to the caller again.
	visitLife  = 30 * 24 * time.Hour
	forgetsMax = 1000 // visits in one batch of ForgetVisits
)

// ForgetVisits removes visits that are too old to be continued, and guests whose
// visits gave no token, one bounded batch of each. It reports how many. Without it
// they would add up, because every opened link creates a visit.
func (p *Processor) ForgetVisits(ctx context.Context) (forgotten int, err error) {
	now := p.now()
	before := now.Add(-visitLife)
	var old, guests bool
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		if old, err = tx.HasOldVisits(before); err == nil {
			guests, err = tx.HasOldGuests(now)
		}
		return err
	})
	if err != nil || !old && !guests {
		return 0, err
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		visits, err := tx.ForgetVisits(before, forgetsMax)
		if err != nil {
			return err
		}
		guests, err := tx.ForgetGuests(now, forgetsMax)
		forgotten = int(visits + guests)
		return err
	})
	return forgotten, err
}

// changeVisit applies change to a visit and stores the result. A visit that has
// ended is returned unchanged, so a repeated click has no effect. A checkout that
// was not approved in time ends.
func (p *Processor) changeVisit(
	ctx context.Context, id payment.VisitID, change func(visitStep) (payment.Visit, error),
) (after payment.Visit, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		v, found, err := tx.Visit(id)
		if err != nil {
			return err
		}
		if !found {
			return ErrNoVisit
		}
		if after = v; v.Over() {
			return nil
		}
		s := visitStep{ReadTx: &tx.ReadTx, tx: tx, visit: v, real: p.now(), mails: p.Identity.Letters != nil}
		if s.caller, err = callerOf(&tx.ReadTx, v.Caller); err != nil {
			return err
		}
		if s.asked, err = ReadAsked(&tx.ReadTx, s.caller, v); err != nil {
			return err
		}
		if v.Lapsed(s.now()) {
			after = v.Expire(s.now())
			return p.endCheckout(decision{tx: tx, caller: s.caller, now: s.now(), real: s.real}, after)
		}
		if after, err = change(s); err != nil || after == v {
			return err
		}
		return tx.UpdateVisit(after)
	})
	return after, err
}

// EnterVisit makes a party the sender of a visit. If the visit has another
// sender already, it returns ErrNotSender. A party that cannot pay ends the
// visit. A party that must verify its e-mail address first gets ErrUnproved.
//
// If the party has recently begun a visit of the same request, and not ended
// it, EnterVisit returns that one. The other visit stays free for another
// party. So a link that is opened many times leaves at most two visits. A checkout
// is one visit, which the first party to enter it has for itself.
//
// From then on only the sender's browser holds the visit's key. EnterVisit also
// chooses the party's default instrument if the caller accepts it, unless it
// was declined at its last use or is a balance that is too low. Where cards are kept
// at a card network, the first card that is kept there takes the default's place.
func (p *Processor) EnterVisit(ctx context.Context, id payment.VisitID, sender party.ID) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		if v.Sender != "" && v.Sender != sender {
			return v, ErrNotSender
		}
		if v.Sender == "" {
			v.Sender, v.Instrument, v.Address = sender, "", ""
			open, found, err := s.underWay(v)
			if err != nil {
				return v, err
			}
			if v.Key = p.ids().Secret(visitKeySize); found {
				v = open
			}
		}
		if end, err := s.accountProblem(v); err != nil || end != nil {
			return s.ended(v, end), err
		}
		if again, over, err := s.resumed(v); err != nil || over {
			return again, err
		}
		if v.Instrument != "" || !s.asked.Request.Pays() || s.asked.Request.Edited != "" {
			return v, nil // chosen already, not needed, or to be chosen by the sender
		}
		all, err := s.Instruments(sender)
		if err != nil {
			return v, err
		}
		for _, i := range all {
			// The default may be kept at another account than this caller's.
			if !i.Default && s.caller.Network == "" || !s.asked.Request.Allows(i, s.now()) {
				continue
			}
			if _, declined, err := ReadDecline(s.ReadTx, s.caller.Sandbox, i, s.real); err != nil || declined {
				return v, err
			}
			if i.Method == holdfast.MethodABT {
				balance, err := ReadBalance(s.ReadTx, sender, s.caller.Sandbox)
				if err != nil || !s.asked.Request.BalanceReaches(balance) {
					return v, err
				}
			}
			v.Instrument = i.ID
			break
		}
		return v, nil
	})
}

// AccountProblem returns the reason for which a party cannot agree to the
// request of a visit, or nil. A party that must verify its e-mail address first
// gets ErrUnproved. It changes nothing.
func (p *Processor) AccountProblem(
	ctx context.Context, v payment.Visit, partyID party.ID,
) (end *payment.PipelineEnd, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		s := visitStep{ReadTx: tx, visit: v, real: p.now(), mails: p.Identity.Letters != nil}
		if s.caller, err = callerOf(tx, v.Caller); err != nil {
			return err
		}
		if s.asked, err = ReadAsked(tx, s.caller, v); err != nil {
			return err
		}
		v.Sender = partyID
		end, err = s.accountProblem(v)
		return err
	})
	return end, err
}

// LeaveVisit removes the sender from a visit, so that another one can sign in.
// It does nothing if the visit has another sender.
func (p *Processor) LeaveVisit(ctx context.Context, id payment.VisitID, sender party.ID) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		if v.Sender == sender {
			v.Sender, v.Instrument, v.Address = "", "", ""
		}
		return v, nil
	})
}

// ChooseInstrument sets the instrument that the sender pays with. An instrument
// that the caller does not accept is InvalidPaymentInstrument.
func (p *Processor) ChooseInstrument(
	ctx context.Context, id payment.VisitID, sender party.ID, choice payment.InstrumentID,
) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		if v.Sender != sender {
			return v, ErrNotSender
		}
		if choice != payment.CardOnPage || !s.holdsOnPage() {
			if _, err := s.instrument(sender, choice); err != nil {
				return v, err
			}
		}
		v.Instrument = choice
		return v, nil
	})
}

// EndVisit ends a visit without a token. seen is the visit as it was when the
// request was allowed. If its sender or its key has changed since, EndVisit
// returns ErrNotSender.
func (p *Processor) EndVisit(
	ctx context.Context, seen payment.Visit, end *payment.PipelineEnd,
) (payment.Visit, error) {
	return p.changeVisit(ctx, seen.ID, func(s visitStep) (payment.Visit, error) {
		if s.visit.Sender != seen.Sender || s.visit.Key != seen.Key {
			return s.visit, ErrNotSender
		}
		if s.caller.Network != "" {
			if err := p.hurry(s.tx, s.visit, ""); err != nil {
				return s.visit, err
			}
		}
		return s.ended(s.visit, end), nil
	})
}
