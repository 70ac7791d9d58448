package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// Settle takes the money of a Reserve, in full or in part (Query API Reference,
// Settle). If the identical Settle is sent again after it was accepted, the
// caller gets the current state of the transaction: it may never have seen the
// first answer.
func (p *Processor) Settle(
	ctx context.Context, caller party.Caller, r holdfast.SettleRequest,
) (payment.Transaction, error) {
	var now payment.Transaction
	var change *payment.Change
	err := p.change(ctx, caller, actionSettle, r.ReserveTransactionID, func(in changeInput) (*payment.Change, error) {
		now, change, caller = in.Transaction.AsOf(in.now), nil, in.caller
		if now.SettledBefore(r.TransactionAmount) {
			return nil, nil
		}
		if err := payment.MayMoveMoney(in.caller); err != nil {
			return nil, err
		}
		in.foresee()
		if err := in.attended("settled"); err != nil {
			return nil, err
		}
		c, err := in.settle(r.TransactionAmount)
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
	return p.askNetwork(ctx, &caller, change)
}

// Cancel gives up a Reserved or Pending transaction (Query API Reference,
// Cancel). The transaction is Cancelled at once. The network is asked
// afterwards, again and again until it answers.
func (p *Processor) Cancel(
	ctx context.Context, caller party.Caller, r holdfast.CancelRequest,
) (payment.Transaction, error) {
	var change payment.Change
	err := p.change(ctx, caller, actionCancel, r.TransactionID, func(in changeInput) (*payment.Change, error) {
		if err := in.attended("cancelled"); err != nil {
			return nil, err
		}
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
	p.askInBackground(&change)
	return change.After, nil
}

// foresee announces the rows that every Settle needs, so that the store reads them
// together.
func (in changeInput) foresee() {
	in.tx.Ahead().Party(in.caller.Owner)
	in.tx.Ahead().Instrument(in.Transaction.Sender, in.Transaction.Instrument)
}

// attended refuses to change a transaction at a card network that a person must
// look at first.
func (in changeInput) attended(done string) error {
	t := in.Transaction
	account, err := in.account()
	if err != nil || account == "" {
		return err
	}
	known, _, err := in.tx.NetworkPayment(t.Caller, t.ID)
	if err != nil {
		return err
	}
	return known.Attended(done)
}

// account is the account at a card network that the transaction is at. It is
// empty in the sandbox, and for a transaction that has ended.
func (in changeInput) account() (payment.NetworkAccountID, error) {
	t := in.Transaction
	if t.Instrument == "" || t.State.Final() {
		return "", nil
	}
	i, _, err := in.tx.Instrument(t.Sender, t.Instrument)
	return i.Account, err
}

// settle loads the rest of the decision's input, and decides.
func (in changeInput) settle(amount money.Amount) (payment.Change, error) {
	settle, err := in.settleInput()
	if err != nil {
		return payment.Change{}, err
	}
	settle.Amount = amount
	if t := in.Transaction; t.Link != "" || t.Linked > 0 {
		h, _, err := in.tx.Hold(t.Caller, t.ID)
		if err != nil {
			return payment.Change{}, err
		}
		settle.Earlier = payment.EarlierOf(h.Members...)
	}
	return in.Transaction.Settle(settle)
}

// settleInput loads what every settle depends on.
func (in changeInput) settleInput() (settle payment.SettleInput, err error) {
	settle.Now = in.now
	account, err := in.account()
	if err != nil {
		return settle, err
	}
	if settle.Fees, err = feesOf(&in.tx.ReadTx, account); err != nil {
		return settle, err
	}
	if settle.Owner, err = partyInPayment(&in.tx.ReadTx, in.caller.Owner); err != nil {
		return settle, err
	}
	if in.Transaction.FeeBy == holdfast.RoleCaller {
		settle.OwnerBalance, err = in.balance(in.caller.Owner)
	}
	return settle, err
}

func override(c *payment.Change, url string) {
	if url != "" {
		c.After.IPNURL = url
	}
}
