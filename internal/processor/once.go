package processor

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A request has a CallerReference and is carried out once, however often it is
// sent.
type request struct {
	action    party.AuditAction
	reference holdfast.CallerReference
	digest    payment.Digest
	token     holdfast.TokenID // the token that it names; empty if it names none
	// decide loads the input of the decision, and decides. It writes nothing
	// except rows that belong to the decision and are rolled back with it.
	decide func(decision) (payment.Change, error)
}

// A decision is the context in which a request is decided: the transaction, the
// caller and the time.
type decision struct {
	tx     *store.Tx
	caller party.Caller
	now    time.Time // the caller's
	real   time.Time
}

// once carries out a request. If the same request comes again within seven
// days, it gets the first answer again, final refusals included. A different
// request under the same CallerReference is a DuplicateRequest.
func (p *Processor) once(ctx context.Context, caller party.Caller, r request) (payment.Transaction, error) {
	return p.onceFor(ctx, caller, nil, "", r)
}

// onceFor is once for a call of the JSON API, if c is not nil. The same call gets
// its transaction again for good. Its reference must be free, and a refusal is not
// kept.
func (p *Processor) onceFor(
	ctx context.Context, caller party.Caller, c *Call, scope party.Scope, r request,
) (payment.Transaction, error) {
	var done carriedOut
	err := p.db.Update(ctx, func(tx *store.Tx) (err error) {
		c.foresee(tx, caller.ID)
		done, err = p.carryOut(tx, caller.ID, c, scope, r)
		return err
	})
	switch {
	case err != nil:
		return payment.Transaction{}, failure(err)
	case done.refusal != nil:
		return payment.Transaction{}, done.refusal
	case done.change == nil:
		return *done.before, nil
	}
	return p.askNetwork(ctx, &done.caller, done.change)
}

// carriedOut is what became of a request: an earlier transaction of the same
// request, a change, or a refusal that is kept.
type carriedOut struct {
	before  *payment.Transaction
	change  *payment.Change
	refusal *holdfast.Error
	caller  party.Caller // as the commit reads it
}

// carryOut is onceFor inside the transaction.
func (p *Processor) carryOut(
	tx *store.Tx, id party.CallerID, call *Call, scope party.Scope, r request,
) (done carriedOut, err error) {
	tx.Ahead().Request(id, r.reference)
	if r.token != "" {
		tx.Ahead().Token(id, r.token)
	}
	d, err := p.decision(tx, party.Caller{ID: id})
	if done.caller = d.caller; err != nil {
		return done, err
	}
	if call == nil {
		done.before, done.refusal, err = p.repeated(d, r)
	} else {
		done.before, err = d.repeatedCall(call, scope, r.reference)
	}
	if err != nil {
		return done, err
	}
	if done.before != nil || done.refusal != nil {
		return done, tx.Confirm()
	}
	if err := payment.MayMoveMoney(d.caller); err != nil {
		return done, err
	}
	c, err := r.decide(d)
	remember := payment.Request{Caller: id, Reference: r.reference, Digest: r.digest, Received: d.now}
	if refused, ok := errors.AsType[*holdfast.Error](err); ok && payment.Remembered(refused) && call == nil {
		done.refusal, remember.Refusal = refused, refused
		return done, tx.RememberRequest(remember)
	}
	if err != nil {
		return done, err
	}
	done.change, remember.Transaction = &c, c.After.ID
	if err := tx.RememberRequest(remember); err != nil {
		return done, err
	}
	use := payment.KeyUse{Scope: scope, Amount: c.After.Amount, Whole: c.Whole}
	if err := d.keep(call, use, string(c.After.ID)); err != nil {
		return done, err
	}
	if err := d.logMove(call, r.action, &c, c.After.Amount); err != nil {
		return done, err
	}
	return done, p.record(tx, d.caller, &c, d.real)
}

// repeated returns the first answer if the same request was carried out before.
func (p *Processor) repeated(d decision, r request) (*payment.Transaction, *holdfast.Error, error) {
	met, err := p.met(d.tx, d.caller, r.reference, r.digest, d.now)
	if err != nil || met == nil {
		return nil, nil, err
	}
	return met.again(d.tx, d.now)
}

// repeatedCall returns the transaction of the same call if it was carried out
// before. A new call needs a reference that is free.
func (d decision) repeatedCall(
	c *Call, scope party.Scope, ref holdfast.CallerReference,
) (*payment.Transaction, error) {
	earlier, err := d.meet(c, scope)
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		all, err := d.transactions(earlier)
		if err != nil {
			return nil, err
		}
		return &all[0], nil
	}
	r, found, err := d.tx.Request(d.caller.ID, ref)
	if err != nil || !found || r.Forgotten(d.now) {
		return nil, err
	}
	return nil, payment.ReferenceInUse(r)
}

// A met request is the earlier request of which the current one is a
// repetition.
type met struct{ payment.Request }

// met looks up a CallerReference. It returns nil if the reference is free, and
// DuplicateRequest if a different request has used it.
func (p *Processor) met(
	tx *store.Tx, caller party.Caller, ref holdfast.CallerReference, digest payment.Digest, now time.Time,
) (*met, error) {
	r, found, err := tx.Request(caller.ID, ref)
	if err != nil || !found {
		return nil, err
	}
	free, err := r.Again(digest, now)
	if err != nil || free {
		return nil, err
	}
	return &met{r}, nil
}

// again returns the first answer: the refusal, or the transaction in its
// current state.
func (m *met) again(tx *store.Tx, now time.Time) (*payment.Transaction, *holdfast.Error, error) {
	if m.Refusal != nil {
		return nil, m.Refusal, nil
	}
	t, found, err := tx.Transaction(m.Caller, m.Transaction)
	if err != nil || !found {
		return nil, nil, errors.Join(err, missing(found, "transaction", string(m.Transaction)))
	}
	t = t.AsOf(now)
	return &t, nil, nil
}
