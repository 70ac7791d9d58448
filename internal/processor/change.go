package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A changeInput is the input of a decision on an existing transaction.
type changeInput struct {
	decision
	Transaction payment.Transaction
}

// change loads one of the caller's transactions, asks decide how it changes,
// and writes the change. Requests on an existing transaction, such as Settle
// and Cancel, use it; requests with a CallerReference use [Processor.once]. If
// the transaction has expired, change writes the expiry in place of the change.
// The expiry stays written even if the request is refused.
func (p *Processor) change(
	ctx context.Context, caller party.Caller, action party.AuditAction, id holdfast.TransactionID,
	decide func(changeInput) (*payment.Change, error),
) error {
	var expired *payment.Change
	var refusal error
	began := p.Now()
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		expired, refusal = nil, nil
		tx.Ahead().Transaction(caller.ID, id)
		d, err := p.decision(tx, caller)
		if err != nil {
			return err
		}
		t, found, err := tx.Transaction(d.caller.ID, id)
		if err != nil {
			return err
		}
		if err := payment.Find(t, found, id); err != nil {
			return err
		}
		c, err := decide(changeInput{decision: d, Transaction: t})
		e, due := t.Expire(d.now)
		switch {
		case due:
			expired, refusal = &e, err
			c = &e
		case err != nil:
			return err
		case c == nil:
			return tx.Confirm() // the answer repeats an earlier one
		default:
			if err := d.logMove(nil, action, c, c.After.Amount); err != nil {
				return err
			}
		}
		return p.recordWithEffects(tx, d.caller, c, d.real)
	})
	if err != nil {
		return failure(err)
	}
	if expired != nil {
		p.logMove("Expire", &expired.After, began)
		p.askInBackground(expired)
	}
	return refusal
}
