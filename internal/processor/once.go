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
	var before *payment.Transaction // of the same request, sent earlier
	var change *payment.Change
	var refusal *holdfast.Error
	read := caller // as the commit reads it
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		real := p.now()
		before, change, refusal = nil, nil, nil
		tx.Ahead().Request(caller.ID, r.reference)
		if r.token != "" {
			tx.Ahead().Token(caller.ID, r.token)
		}
		caller, err := callerOf(&tx.ReadTx, caller.ID)
		if err != nil {
			return err
		}
		read = caller
		now := caller.Now(real)
		met, err := p.met(tx, caller, r.reference, r.digest, now)
		if err != nil {
			return err
		}
		if met != nil {
			if before, refusal, err = met.again(tx, now); err != nil {
				return err
			}
			return tx.Confirm()
		}
		if err := payment.MayMoveMoney(caller); err != nil {
			return err
		}
		c, err := r.decide(decision{tx: tx, caller: caller, now: now, real: real})
		remember := payment.Request{Caller: caller.ID, Reference: r.reference, Digest: r.digest, Received: now}
		if refused, ok := errors.AsType[*holdfast.Error](err); ok && payment.Remembered(refused) {
			refusal, remember.Refusal = refused, refused
			return tx.RememberRequest(remember)
		}
		if err != nil {
			return err
		}
		change, remember.Transaction = &c, c.After.ID
		if err := tx.RememberRequest(remember); err != nil {
			return err
		}
		return p.record(tx, caller, &c, real)
	})
	switch {
	case err != nil:
		return payment.Transaction{}, failure(err)
	case refusal != nil:
		return payment.Transaction{}, refusal
	case change == nil:
		return *before, nil
	}
	return p.askNetwork(ctx, &read, change)
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
