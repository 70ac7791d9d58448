package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Reserve holds the funds of a sender token (Query API Reference, Reserve). The
// same request within seven days gets the first answer again, whatever it was;
// another one under the same CallerReference is a DuplicateRequest.
func (p *Processor) Reserve(ctx context.Context, caller party.Caller, r holdfast.ReserveRequest) (payment.Transaction, error) {
	if err := payment.CheckReserve(r, caller); err != nil {
		return payment.Transaction{}, err
	}
	digest := payment.DigestOf("Reserve", r)
	id := p.ids().Transaction()
	var before payment.Transaction // of the same request, met again
	var change *payment.Change
	var refusal *holdfast.Error
	err := p.Store.Update(ctx, func(tx *store.Tx) error {
		real := p.now()
		before, change, refusal = payment.Transaction{}, nil, nil
		caller, err := callerOf(&tx.ReadTx, caller.ID)
		if err != nil {
			return err
		}
		now := caller.Now(real)
		met, err := p.met(tx, caller, r.CallerReference, digest, now)
		if err != nil {
			return err
		}
		if met != nil {
			before, refusal, err = met.again(tx, now)
			return err
		}
		c, err := p.decideReserve(tx, caller, r, id, now)
		remember := payment.Request{Caller: caller.ID, Reference: r.CallerReference, Digest: digest, Received: now}
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
		if err := tx.UseToken(caller.ID, c.After.Token, c.After.ID); err != nil {
			return err
		}
		return p.record(tx, caller, c, real)
	})
	switch {
	case err != nil:
		return payment.Transaction{}, failure(err)
	case refusal != nil:
		return payment.Transaction{}, refusal
	case change == nil:
		return before, nil
	}
	return p.do(ctx, caller, *change)
}

// decideReserve loads what the decision needs, and decides.
func (p *Processor) decideReserve(tx *store.Tx, caller party.Caller, r holdfast.ReserveRequest, id holdfast.TransactionID, now time.Time) (payment.Change, error) {
	token, found, err := tx.Token(r.SenderTokenID)
	if err != nil {
		return payment.Change{}, err
	}
	if !found {
		return payment.Change{}, holdfast.Errorf(holdfast.InvalidTokenIDSender, "senderTokenId has to be a valid token ID. Specified value: %s", r.SenderTokenID)
	}
	sender, err := partyOf(&tx.ReadTx, token.Sender)
	if err != nil {
		return payment.Change{}, err
	}
	recipient, err := partyOf(&tx.ReadTx, token.Recipient)
	if err != nil {
		return payment.Change{}, err
	}
	instrument, found, err := tx.Instrument(token.Sender, token.Instrument)
	if err != nil {
		return payment.Change{}, err
	}
	if !found {
		return payment.Change{}, fmt.Errorf("instrument %s of token is missing", token.Instrument)
	}
	return payment.Reserve(payment.ReserveInput{
		ID: id, Request: r, Caller: caller, Token: token, Instrument: instrument,
		Sender: sender, Recipient: recipient, Fees: p.fees(), Now: now,
	})
}

// A met request is one whose CallerReference is in use by the same request.
type met struct{ payment.Request }

// met looks the reference up: nil if it is free, DuplicateRequest if another
// request has it.
func (p *Processor) met(tx *store.Tx, caller party.Caller, ref holdfast.CallerReference, digest payment.Digest, now time.Time) (*met, error) {
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

// again is the first answer: the refusal, or the transaction as it stands now.
func (m *met) again(tx *store.Tx, now time.Time) (payment.Transaction, *holdfast.Error, error) {
	if m.Refusal != nil {
		return payment.Transaction{}, m.Refusal, nil
	}
	t, found, err := tx.Transaction(m.Caller, m.Transaction)
	if err != nil || !found {
		return t, nil, errors.Join(err, missing(found, "transaction", string(m.Transaction)))
	}
	return t.AsOf(now), nil, nil
}
