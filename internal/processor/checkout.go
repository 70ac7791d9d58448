package processor

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ErrNoCheckout means that the caller has no such checkout.
var ErrNoCheckout = errors.New("there is no such checkout")

const (
	checkoutLinkSize = 32
	checkoutsDueMax  = 500 // checkouts in one batch of Sweep
)

// A CreateCheckout is a caller's request for a checkout.
type CreateCheckout struct {
	// Params are those of a Co-Branded request, without the caller's key and the
	// signature. Without a callerReference, the idempotency key is the reference.
	Params   holdfast.Params
	Language string // of the pages; empty means the browser's
}

// referenceParam is the parameter with the reference of the token.
const referenceParam = "callerReference"

// CreateCheckout makes a checkout. It fails with a *payment.PipelineEnd where a
// signed link with the same parameters would, and with a *payment.CallError if the
// reference is in use.
func (p *Processor) CreateCheckout(
	ctx context.Context, caller party.Caller, call *Call, c CreateCheckout,
) (payment.Visit, error) {
	params := c.Params
	if params.Get(referenceParam) == "" {
		params = append(params.Without(referenceParam), holdfast.Param{Name: referenceParam, Value: call.Idempotency})
	}
	made := payment.Visit{
		ID: payment.VisitID(p.ids().Other("V")), Caller: caller.ID, Params: params.Encode(), Key: p.ids().Secret(visitKeySize),
		Checkout: payment.CheckoutOpen, Link: p.ids().Secret(checkoutLinkSize), Language: c.Language,
	}
	var v payment.Visit
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		d, err := p.decision(tx, caller)
		if err != nil {
			return err
		}
		earlier, err := d.meet(call, party.ScopeHold)
		if err != nil {
			return err
		}
		if earlier != nil {
			v, err = d.checkout(payment.VisitID(earlier.Objects[0]))
			return err
		}
		if v, err = d.newCheckout(made, params); err != nil {
			return err
		}
		if err := d.keep(call, payment.KeyUse{}, string(v.ID)); err != nil {
			return err
		}
		if err := d.logCaller("checkout.create", string(v.ID), party.Facts{
			"reference": string(v.Reference), "idempotency_key": call.Idempotency,
		}); err != nil {
			return err
		}
		return tx.InsertVisit(v)
	})
	return v, failure(err)
}

// newCheckout is a checkout with a request, if nothing is against it.
func (d decision) newCheckout(v payment.Visit, params holdfast.Params) (payment.Visit, error) {
	r, end := payment.ReadCheckout(d.caller, params)
	if end != nil {
		return v, end
	}
	v.Reference, v.Created, v.Expires = r.Reference, d.now, d.now.Add(payment.CheckoutLife)
	asked, err := askedOf(&d.tx.ReadTx, d.caller, r)
	if err != nil {
		return v, err
	}
	if end := r.CheckTimes(d.now); end != nil {
		return v, end
	}
	s := visitStep{ReadTx: &d.tx.ReadTx, tx: d.tx, asked: asked, visit: v, caller: d.caller, real: d.real}
	taken, err := s.referenceTaken()
	switch {
	case err != nil:
		return v, err
	case taken != nil:
		return v, payment.CheckoutReferenceInUse(v.Reference, taken)
	}
	end, err = s.cannotBe()
	return v, errors.Join(err, asError(end))
}

// checkout reads a checkout of the caller.
func (d decision) checkout(id payment.VisitID) (payment.Visit, error) {
	v, found, err := d.tx.Checkout(d.caller.ID, id)
	if err == nil && !found {
		err = ErrNoCheckout
	}
	return v, err
}

// CancelCheckout cancels an open checkout for its caller. The buyer goes back to
// the caller's site from the next page. A checkout that was approved or has expired
// is a *payment.CheckoutStateError.
func (p *Processor) CancelCheckout(
	ctx context.Context, caller party.Caller, id payment.VisitID,
) (after payment.Visit, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		d, err := p.decision(tx, caller)
		if err != nil {
			return err
		}
		before, err := d.checkout(id)
		if err != nil {
			return err
		}
		if after, err = before.CancelCheckout(d.now); err != nil || after == before {
			return err
		}
		if err := d.logCaller("checkout.cancel", string(id), nil); err != nil {
			return err
		}
		return p.endCheckout(d, after)
	})
	return after, failure(err)
}

// ExpireCheckout writes the end of a checkout that was not approved in time. One
// that has not lapsed, or has ended, stays as it is.
func (p *Processor) ExpireCheckout(ctx context.Context, id payment.VisitID) (payment.Visit, error) {
	v, _, err := p.expireCheckout(store.Unbound(ctx), p.db.Update, id)
	return v, err
}

func (p *Processor) expireCheckout(
	ctx context.Context, update func(context.Context, func(*store.Tx) error) error, id payment.VisitID,
) (v payment.Visit, done bool, err error) {
	err = update(ctx, func(tx *store.Tx) error {
		var found bool
		if v, found, err = tx.Visit(id); err != nil {
			return err
		}
		if done = false; !found {
			return ErrNoVisit
		}
		d, err := p.decision(tx, party.Caller{ID: v.Caller})
		if err != nil || !v.Lapsed(d.now) {
			return err
		}
		v, done = v.Expire(d.now), true
		return p.endCheckout(d, v)
	})
	return v, done && err == nil, err
}

// endCheckout writes the end of a checkout without a token. A page of a card network
// that the buyer may have open is closed soon.
func (p *Processor) endCheckout(d decision, v payment.Visit) error {
	if d.caller.Network != "" {
		if err := p.hurry(d.tx, v, ""); err != nil {
			return err
		}
	}
	return d.tx.UpdateVisit(v)
}

// sweepCheckouts writes the ends of checkouts that were not approved in time, one
// bounded batch.
func (p *Processor) sweepCheckouts(ctx context.Context) (expired int, err error) {
	var due []payment.VisitID
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		due, err = tx.CheckoutsDue(p.now(), checkoutsDueMax)
		return err
	})
	if err != nil || len(due) == 0 {
		return 0, err
	}
	for _, id := range due {
		switch _, done, one := p.expireCheckout(ctx, p.db.Background, id); {
		case one != nil && !errors.Is(one, store.ErrStale):
			err = errors.Join(err, one)
		case done:
			expired++
		}
	}
	return expired, err
}
