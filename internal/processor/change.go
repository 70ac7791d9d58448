package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A changeInput is what a decision on an existing transaction needs.
type changeInput struct {
	decision
	Transaction payment.Transaction
}

// change loads one of the caller's transactions, asks decide how it changes, and
// writes the change. It is the pattern of requests on an existing transaction, such
// as Settle and Cancel; [Processor.once] is the pattern of requests with a reference
// of their own. If the transaction has expired, the expiry is written in place of
// the change and stays written, also when the request is refused.
func (p *Processor) change(
	ctx context.Context, caller party.Caller, id holdfast.TransactionID, decide func(changeInput) (*payment.Change, error),
) error {
	var expiry *payment.Attempt
	var refusal error
	err := p.Store.Update(ctx, func(tx *store.Tx) error {
		expiry, refusal = nil, nil
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
			expiry, refusal = e.Ask, err
			c = &e
		case err != nil:
			return err
		case c == nil:
			return tx.Confirm() // the answer repeats an earlier one
		}
		complete, err := withEffects(&tx.ReadTx, *c)
		if err != nil {
			return err
		}
		c.After, err = p.record(tx, d.caller, complete, d.real)
		return err
	})
	if err != nil {
		return failure(err)
	}
	if expiry != nil {
		p.askInBackground(*expiry)
	}
	return refusal
}
