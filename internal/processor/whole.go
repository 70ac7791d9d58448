package processor

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Whole is a Pay or a Reserve with all rows that its decision needs, so that
// nothing has to be read.
type Whole struct {
	Kind                     payment.Kind
	Request                  holdfast.ReserveRequest // without the token, which is installed with it
	Caller                   party.Caller
	Owner, Sender, Recipient party.Party
	Card                     payment.Instrument
	Token                    payment.Token // not stored yet
}

// Whole decides a payment by the usual rules and writes it in one commit, with
// the same rows that its token's commit, its intent and its outcome would have
// left.
//
// It asks the network before it writes anything. After a crash in between, the
// network would know of a payment that this server does not know. So only a
// program that fills an unused store for a benchmark may use it, and only with
// the sandbox's network.
func (p *Processor) Whole(ctx context.Context, w Whole) (payment.Transaction, error) {
	if err := w.check(); err != nil {
		return payment.Transaction{}, err
	}
	real := p.now()
	now := w.Caller.Now(real)
	in := payment.Input{
		ID: p.ids().Transaction(), Caller: w.Caller, Owner: w.Owner, Token: w.Token, Instrument: w.Card,
		Sender: w.Sender, Recipient: w.Recipient, Fees: payment.DefaultFees, Now: now, Real: real,
	}
	w.Request.SenderTokenID = w.Token.ID
	intent, digest, err := w.decide(in)
	if err != nil {
		return payment.Transaction{}, err
	}
	asked := *intent.Ask
	asked.CardRef = w.Card.NetworkRef
	answer, err := p.Network.Ask(ctx, card.Question{Attempt: asked})
	if err != nil {
		return payment.Transaction{}, fmt.Errorf("asking the network: %w", err)
	}
	outcome := intent.After.Outcome(asked, answer, now)
	whole := store.Whole{
		Token: w.Token, Intent: intent, Outcome: outcome, NextAsk: real.Add(p.patience()),
		Request: payment.Request{
			Caller: w.Caller.ID, Reference: w.Request.CallerReference, Digest: digest, Transaction: intent.After.ID,
			Received: now,
		},
		Told: []*store.Notification{p.owed(w.Caller, intent, real), p.owed(w.Caller, outcome, real)},
	}
	if err := p.db.Complete(ctx, func(tx *store.Tx) error { return tx.InsertWhole(whole) }); err != nil {
		return payment.Transaction{}, fmt.Errorf("writing a whole payment: %w", err)
	}
	return outcome.After, nil
}

// check refuses payments that would need rows, or change rows, that a Whole
// does not have.
func (w Whole) check() error {
	_, sending := payment.Sending(w.Sender, w.Caller.LimitScope())
	_, receiving := payment.Receiving(w.Recipient, w.Caller.LimitScope())
	if w.Card.Method != holdfast.MethodCC || w.Token.Method != holdfast.MethodCC || w.Token.Limited() || sending ||
		receiving {
		return errors.New("only a card payment without limits can be written in one commit")
	}
	return nil
}

func (w Whole) decide(in payment.Input) (intent payment.Change, digest payment.Digest, err error) {
	if w.Kind == payment.KindReserve {
		intent, err = payment.Reserve(in, w.Request)
		return intent, payment.DigestOf("Reserve", w.Request), err
	}
	r := holdfast.PayRequest(w.Request)
	intent, err = payment.Pay(in, r)
	return intent, payment.DigestOf("Pay", r), err
}
