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

// Bounds of the pause that a network can ask for after a doubt.
const (
	retryMin = time.Second
	retryMax = time.Hour
)

// inDoubt logs why the outcome of a question is not known, and keeps the details
// that the network has given all the same.
func (p *Processor) inDoubt(a asking, why error) {
	p.Log.Warn("question to the card network is in doubt", "transaction", a.Transaction, "step", a.Step, "asked",
		a.Asked, "error", why)
	doubt, ok := errors.AsType[*card.DoubtError](why)
	if !ok {
		return
	}
	if doubt.Alarm {
		p.alarm(&a.Attempt, doubt.Error())
	}
	known := doubt.Known != (payment.Details{}) && a.Card.Real()
	if !known && doubt.Retry <= 0 {
		return
	}
	err := a.commit(context.Background(), func(tx *store.Tx) error {
		t, found, err := tx.Transaction(a.Caller, a.Transaction)
		if err != nil || !found {
			return errors.Join(err, missing(found, "transaction", string(a.Transaction)))
		}
		if t.Asking != a.Step {
			return nil // another server has the answer
		}
		real := p.now()
		if doubt.Retry > 0 {
			if err := tx.AskAgain(t, real.Add(min(max(doubt.Retry, retryMin), retryMax))); err != nil {
				return err
			}
		}
		if !known {
			return nil
		}
		return tx.SaveNetworkPayment(a.Said(doubt.Known, t.Kind, real))
	})
	if err != nil {
		p.Log.Warn("what the card network said is not kept", "transaction", a.Transaction, "step", a.Step, "error", err)
	}
}

// alarm tells the operator, once an hour for each account, that a person must
// act.
func (p *Processor) alarm(a *payment.Attempt, why string) {
	if p.alarms.Allow(string(a.Card.Account), p.Now()) {
		p.Log.Error("the card network needs the operator", "account", a.Card.Account, "transaction", a.Transaction,
			"step", a.Step, "why", why)
	}
}

// feesOf is the operator's fee schedule for payments of a caller with an account
// at a card network. An empty account is the sandbox.
func feesOf(tx *store.ReadTx, account payment.NetworkAccountID) (payment.FeeSchedule, error) {
	if account == "" {
		return payment.DefaultFees, nil
	}
	rate, err := tx.Unlocked("a fee that is a moment old does no harm").NetworkFees(account)
	return payment.NetworkFees(rate), err
}

// ClearAttention says that a person has looked at a transaction at its card
// network. It can be settled and cancelled again.
func (p *Processor) ClearAttention(ctx context.Context, caller party.CallerID, id holdfast.TransactionID) error {
	return p.db.Update(ctx, func(tx *store.Tx) error {
		t, found, err := tx.Transaction(caller, id)
		if err != nil {
			return err
		}
		if err := payment.Find(t, found, id); err != nil {
			return err
		}
		known, found, err := tx.NetworkPayment(caller, id)
		if err != nil {
			return err
		}
		if !found || known.Attention == "" {
			return holdfast.Errorf(holdfast.InvalidTransactionState, "transaction %s needs no attention", id)
		}
		if err := tx.Log(party.AuditEntry{
			Action: "network.clear_attention", Caller: caller, Object: string(id),
			Before: party.Facts{"attention": known.Attention},
		}, p.now()); err != nil {
			return err
		}
		return tx.ClearNetworkAttention(known, p.now())
	})
}

// client returns the client of an account at a card network, which can collect
// cards. It is card.ErrNoAccount if there is none.
func (p *Processor) client(ctx context.Context, id payment.NetworkAccountID) (card.Client, error) {
	accounts, ok := p.Network.(card.Accounts)
	if !ok {
		return nil, card.ErrNoAccount
	}
	return accounts.Account(ctx, id)
}
