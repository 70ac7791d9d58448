package processor

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Settle moves the money of a reserve, all of it or less (Query API Reference,
// Settle). The identical Settle, sent again after it was accepted, is answered
// as it stands: the caller may never have seen the first answer.
func (p *Processor) Settle(ctx context.Context, caller party.Caller, r holdfast.SettleRequest) (payment.Transaction, error) {
	var now payment.Transaction
	var change *payment.Change
	err := p.change(ctx, caller, r.ReserveTransactionID, func(in changeInput) (*payment.Change, error) {
		now, change = in.Transaction.AsOf(in.Now), nil
		if now.SettledBefore(r.TransactionAmount) {
			return nil, nil
		}
		c, err := in.Transaction.Settle(r.TransactionAmount, p.fees(), in.Now)
		if err != nil {
			return nil, err
		}
		override(&c, r.OverrideIPNURL)
		change = &c
		return change, nil
	})
	if err != nil || change == nil {
		return now, err
	}
	return p.do(ctx, caller, *change)
}

// Cancel gives up a Reserved or Pending transaction (Query API Reference,
// Cancel). It is cancelled at once; the network is told afterwards, as often as
// it takes.
func (p *Processor) Cancel(ctx context.Context, caller party.Caller, r holdfast.CancelRequest) (payment.Transaction, error) {
	var change payment.Change
	err := p.change(ctx, caller, r.TransactionID, func(in changeInput) (*payment.Change, error) {
		c, err := in.Transaction.Cancel(r.Description, in.Now)
		if err != nil {
			return nil, err
		}
		override(&c, r.OverrideIPNURL)
		change = c
		return &change, nil
	})
	if err != nil {
		return payment.Transaction{}, err
	}
	p.at(PointIntent)
	if change.Ask != nil {
		p.later(*change.Ask)
	}
	return change.After, nil
}

func override(c *payment.Change, url string) {
	if url != "" {
		c.After.IPNURL = url
	}
}

// A changeInput is what a decision on an existing transaction needs.
type changeInput struct {
	Transaction payment.Transaction
	Now         time.Time
}

// change loads one of the caller's transactions, lets decide say what becomes
// of it, and writes that. An expiry that is due is written first and stays
// written, whatever the refusal: the deadline has passed for everybody.
func (p *Processor) change(ctx context.Context, caller party.Caller, id holdfast.TransactionID, decide func(changeInput) (*payment.Change, error)) error {
	var expiry *payment.Attempt
	var refusal error
	err := p.Store.Update(ctx, func(tx *store.Tx) error {
		real := p.now()
		expiry, refusal = nil, nil
		caller, err := callerOf(&tx.ReadTx, caller.ID)
		if err != nil {
			return err
		}
		t, found, err := tx.Transaction(caller.ID, id)
		if err != nil {
			return err
		}
		if err := payment.Find(t, found, caller.ID, id); err != nil {
			return err
		}
		now := caller.Now(real)
		c, err := decide(changeInput{Transaction: t, Now: now})
		if e, due := t.Expire(now); due {
			expiry, refusal = e.Ask, err
			return p.record(tx, caller, e, real)
		}
		if err != nil || c == nil {
			return err
		}
		return p.record(tx, caller, *c, real)
	})
	if err != nil {
		return failure(err)
	}
	if expiry != nil {
		p.later(*expiry)
	}
	return refusal
}
