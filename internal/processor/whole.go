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

// A Whole is a Pay or a Reserve with all that it rests on, which the store need
// not be asked for.
type Whole struct {
	Kind                     payment.Kind
	Request                  holdfast.ReserveRequest // but for the token, which is made with it
	Caller                   party.Caller
	Owner, Sender, Recipient party.Party
	Card                     payment.Instrument
	Token                    payment.Token // in no store yet
}

// Whole decides a payment by the rules of every other one, and writes it in one
// commit, as its own two and its token's would have left it. The network is asked
// before anything is written, so this is for who fills a store that nobody uses,
// with a network that is the sandbox's: after a crash in between, a network would
// know of a payment that we don't.
func (p *Processor) Whole(ctx context.Context, w Whole) (payment.Transaction, error) {
	if err := w.check(); err != nil {
		return payment.Transaction{}, err
	}
	real := p.now()
	now := w.Caller.Now(real)
	in := payment.Input{
		ID: p.ids().Transaction(), Caller: w.Caller, Owner: w.Owner, Token: w.Token, Instrument: w.Card,
		Sender: w.Sender, Recipient: w.Recipient, Fees: p.fees(), Now: now, Real: real,
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
	if err := p.Store.Complete(ctx, func(tx *store.Tx) error { return tx.InsertWhole(whole) }); err != nil {
		return payment.Transaction{}, fmt.Errorf("writing a whole payment: %w", err)
	}
	return outcome.After, nil
}

// check refuses what rests on, or moves, more than a Whole has.
func (w Whole) check() error {
	_, sending := payment.Sending(w.Sender, w.Caller.LimitScope())
	_, receiving := payment.Receiving(w.Recipient, w.Caller.LimitScope())
	if w.Card.Method != holdfast.MethodCC || w.Token.Method != holdfast.MethodCC || w.Token.Limited() || sending ||
		receiving {
		return errors.New("only what a card pays, and no limit bounds, can be written in one go")
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
