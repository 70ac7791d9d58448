package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// Settle moves the money of a reserve, all of it or less (Query API Reference,
// Settle). The identical Settle, sent again after it was accepted, is answered
// as it stands: the caller may never have seen the first answer.
func (p *Processor) Settle(ctx context.Context, caller party.Caller, r holdfast.SettleRequest) (payment.Transaction, error) {
	var now payment.Transaction
	var change *payment.Change
	err := p.change(ctx, caller, r.ReserveTransactionID, func(in changeInput) (*payment.Change, error) {
		now, change = in.Transaction.AsOf(in.now), nil
		if now.SettledBefore(r.TransactionAmount) {
			return nil, nil
		}
		c, err := in.settle(r.TransactionAmount, p.fees())
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
		c, err := in.Transaction.Cancel(r.Description, in.now)
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

// settle loads what the decision needs beside the Reserve, and decides.
func (in changeInput) settle(amount money.Amount, fees payment.FeeSchedule) (payment.Change, error) {
	settle := payment.SettleInput{Amount: amount, Fees: fees, Now: in.now}
	var err error
	if settle.Owner, err = partyInPayment(&in.tx.ReadTx, in.caller.Owner); err != nil {
		return payment.Change{}, err
	}
	if in.Transaction.FeeBy == holdfast.RoleCaller {
		if settle.OwnerBalance, err = in.balance(in.caller.Owner); err != nil {
			return payment.Change{}, err
		}
	}
	return in.Transaction.Settle(settle)
}

func override(c *payment.Change, url string) {
	if url != "" {
		c.After.IPNURL = url
	}
}

// A changeInput is what a decision on an existing transaction needs.
type changeInput struct {
	decision
	Transaction payment.Transaction
}

// change loads one of the caller's transactions, lets decide say what becomes
// of it, and writes that. An expiry that is due is written first and stays
// written, whatever the refusal: the deadline has passed for everybody.
func (p *Processor) change(ctx context.Context, caller party.Caller, id holdfast.TransactionID, decide func(changeInput) (*payment.Change, error)) error {
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
			return tx.Confirm() // the answer rests on what was written before
		}
		complete, err := with(&tx.ReadTx, *c)
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
		p.later(*expiry)
	}
	return refusal
}
