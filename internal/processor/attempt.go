package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// askNetwork asks the question that a change has written, if there is one. caller
// is the caller as the commit of the change read it. askNetwork returns the
// transaction when the outcome is known or the caller's wait is over. After the
// wait the question continues in the background. A bank debit and a caller with
// PendingFirst get the Pending transaction at once.
func (p *Processor) askNetwork(
	ctx context.Context, caller *party.Caller, c *payment.Change,
) (payment.Transaction, error) {
	if c.Ask == nil {
		p.at(PointOutcome)
		return c.After, nil
	}
	p.at(PointIntent)
	decided := make(chan *payment.Transaction, 1)
	var left atomic.Bool // the answer did not wait for the outcome
	left.Store(pendingAtOnce(caller, c))
	asked := p.start(func() {
		began := p.Now()
		if t, err := p.ask(asking{*c.Ask, &c.After, &intent{&c.After, caller}, p.db.Complete, false}); err == nil {
			decided <- t
			if left.Load() {
				p.logOutcome(c.After.State, t, began)
			}
		}
	})
	if !asked {
		return p.answerPending(ctx, caller, c), nil // the server is ending; the next one asks
	}
	if pendingAtOnce(caller, c) {
		return c.After, nil
	}
	patience := time.NewTimer(or(p.Wait, caller.WaitFor()))
	defer patience.Stop()
	select {
	case t := <-decided:
		p.at(PointOutcome)
		if t.Asking != "" && t.Steps == c.After.Steps { // accepted: the network tells the outcome later
			return p.answerPending(ctx, caller, c), nil
		}
		return *t, nil
	case <-patience.C:
	case <-ctx.Done():
	}
	left.Store(true)
	return p.answerPending(ctx, caller, c), nil
}

// pendingAtOnce reports whether the answer is Pending whatever the network says.
func pendingAtOnce(caller *party.Caller, c *payment.Change) bool {
	return caller.PendingFirst || c.After.Method == holdfast.MethodACH
}

// answerPending returns the transaction for an answer that waits no longer. If
// the transaction of a Reserve is still Pending, its caller is owed a
// notification of PENDING from now on.
//
// A crash before this commit loses the notification, and nothing that the caller
// was promised: it has no answer either. When it asks again, the answer itself
// says Pending. The notification of the outcome is written with the outcome.
func (p *Processor) answerPending(ctx context.Context, caller *party.Caller, c *payment.Change) payment.Transaction {
	if c.Verb != payment.VerbReserve || !c.Told() || caller.PendingNotice || pendingAtOnce(caller, c) {
		return c.After
	}
	p.at(PointWaited)
	after := c.After
	err := p.db.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		after = c.After
		t, found, err := tx.Transaction(c.After.Caller, c.After.ID)
		if err != nil || !found {
			return errors.Join(err, missing(found, "transaction", string(c.After.ID)))
		}
		if t.Steps != c.After.Steps {
			after = t // the outcome came in the meantime, with its notification
			return tx.Confirm()
		}
		caller, err := callerOf(&tx.ReadTx, caller.ID)
		if n := p.notificationOf(caller, &t, p.now()); err == nil && n != nil {
			err = tx.Owe(*n, t.Steps)
		}
		return err
	})
	if err != nil {
		p.Log.Warn("a Reserve is answered with Pending, without a notification", "transaction", c.After.ID, "error", err)
		return c.After
	}
	return after
}

// An asking is a question with what is known of its transaction.
type asking struct {
	payment.Attempt
	of      *payment.Transaction // as it was when the question was written, or later
	written *intent              // nil means that what was written with the question is not known
	commit  commitFunc           // writes the answer
	quiet   bool                 // nobody waits for the answer
}

// question is what the network is asked.
func (a asking) question() card.Question {
	return card.Question{
		Attempt: a.Attempt, Until: a.of.Deadline, HoldUntil: a.Lapses,
		Expired: a.Step == payment.StepRelease && a.of.StatusCode == holdfast.CodeExpired,
	}
}

// ask asks the network one question and records the answer. If it fails, the
// question is in doubt, and the error is in the log.
func (p *Processor) ask(a asking) (after *payment.Transaction, err error) {
	defer func() {
		if broken := recover(); broken != nil { // a network's code must not end the server
			err = fmt.Errorf("panic: %v", broken)
		}
		if err != nil {
			p.inDoubt(a, err)
		}
	}()
	// A slow network does not delay the end of the server.
	ctx, cancel := context.WithTimeout(p.untilStopped(), or(p.NetworkTimeout, networkTimeoutDefault))
	defer cancel()
	if a.quiet {
		ctx = card.Background(ctx)
	}
	answer, err := p.Network.Ask(ctx, a.question())
	if err != nil {
		return nil, fmt.Errorf("asking the network: %w", err)
	}
	p.Log.LogAttrs(ctx, slog.LevelDebug, "the card network answered",
		slog.String("transaction", string(a.Transaction)), slog.String("step", string(a.Step)),
		slog.Bool("approved", answer.Approved()))
	return p.recordOutcome(&a.Attempt, answer, a.written, a.commit)
}

// A commitFunc is the store's Complete, or its Background if no request waits.
type commitFunc func(context.Context, func(*store.Tx) error) error

func missing(found bool, what, id string) error {
	if found {
		return nil
	}
	return fmt.Errorf("%s %s is missing", what, id)
}

// An intent is what a commit wrote with a question: the transaction, and the
// caller as that commit read it.
type intent struct {
	after  *payment.Transaction
	caller *party.Caller // nil if it was not read
}

// recordOutcome writes a network's answer, once: a second answer changes
// nothing. If the answer leads to another question, that question is asked in
// the background.
//
// Most transactions do not change between the question and the answer, so
// recordOutcome uses the intent without reading its rows again. If the
// transaction has changed, the commit fails with [store.ErrStale], and
// recordOutcome tries again with a fresh read. A transaction with effects is
// always read, because its effects depend on its current state.
func (p *Processor) recordOutcome(
	a *payment.Attempt, answer payment.Answer, written *intent, commit commitFunc,
) (*payment.Transaction, error) {
	var o outcome
	known := written
	record := func(tx *store.Tx) error {
		trusted := known
		known, o = nil, outcome{}
		return p.decideOutcome(tx, a, answer, trusted, &o)
	}
	err := commit(context.Background(), record)
	if written != nil && errors.Is(err, store.ErrStale) {
		err = commit(context.Background(), record)
	}
	if err != nil {
		return nil, fmt.Errorf("recording the network's answer for %s: %w", a.Key(), err)
	}
	if o.late > 0 && p.Released != nil {
		p.Released(o.late)
	}
	if gaveNothingBack(a.Step, answer, o.after.Kind) {
		p.Log.Error("the network refused to give the buyer's money back; an operator must act",
			"caller", a.Caller, "transaction", a.Transaction, "code", answer.Code, "message", answer.Message)
	}
	if o.next != nil {
		p.askInBackground(o.next)
	}
	for i := range o.replaced {
		p.askInBackground(&o.replaced[i])
	}
	if answer.Details.Attention != "" {
		p.alarm(a, answer.Details.Attention)
	}
	return &o.after, nil
}

// An outcome is what the network's answer to a question has led to.
type outcome struct {
	after payment.Transaction
	next  *payment.Change // the change with the next question; nil if there is none
	// replaced are the changes of the holds that a renewal has replaced.
	replaced []payment.Change
	// late is the time from the deadline of an expired hold to its release. It is
	// zero for other outcomes, and if the caller's clock was moved.
	late time.Duration
}

// decideOutcome writes what an answer means for the current state of the
// transaction.
func (p *Processor) decideOutcome(
	tx *store.Tx, a *payment.Attempt, answer payment.Answer, known *intent, o *outcome,
) error {
	t, caller, err := asked(tx, a, known)
	if err != nil || t.Asking != a.Step { // it is answered already
		o.after = t
		return err
	}
	real := p.now()
	now := caller.Now(real)
	if err := p.expireFirst(tx, caller, &t, real); err != nil {
		return err
	}
	if err := p.recordSaid(tx, a, answer, &t, real); err != nil || answer.Verdict == payment.Accepted {
		o.after = t
		return err
	}
	c := t.Outcome(*a, answer, now)
	if o.replaced, err = joinHold(&tx.ReadTx, &c, answer, now); err != nil {
		return err
	}
	if err := p.recordWithEffects(tx, caller, &c, real); err != nil {
		return err
	}
	for i := range o.replaced {
		if err := p.record(tx, caller, &o.replaced[i], real); err != nil {
			return err
		}
	}
	o.after, o.next = c.After, &c
	if answer.Gone && c.After.State == payment.Reserved {
		gone := c.After.Gone(now)
		if err := p.recordWithEffects(tx, caller, &gone, real); err != nil {
			return err
		}
		o.after = gone.After
	}
	if a.Step == payment.StepRelease && answer.Approved() && t.StatusCode == holdfast.CodeExpired &&
		!a.LapsesBy(t.Deadline) {
		o.late = late(&caller, &t, now)
	}
	return nil
}

// recordSaid writes what a real card network has said in addition to its verdict.
// A question that it has only accepted is asked again much later. A card that it
// will not take again is marked.
func (p *Processor) recordSaid(
	tx *store.Tx, a *payment.Attempt, answer payment.Answer, t *payment.Transaction, real time.Time,
) error {
	if answer.Verdict == payment.Accepted {
		if err := tx.AskAgain(*t, real.Add(acceptedPause)); err != nil {
			return err
		}
	}
	if !a.Card.Real() {
		return nil
	}
	if why := answer.Unusable(); why != "" {
		if err := tx.SetUnusable(t.Sender, a.Instrument, why); err != nil {
			return err
		}
	}
	return tx.SaveNetworkPayment(a.Said(answer.Details, t.Kind, real))
}

// expireFirst writes the expiry of a transaction if it is due.
func (p *Processor) expireFirst(tx *store.Tx, caller party.Caller, t *payment.Transaction, real time.Time) error {
	c, due := t.Expire(caller.Now(real))
	if !due {
		return nil
	}
	err := p.recordWithEffects(tx, caller, &c, real)
	*t = c.After
	return err
}

// asked returns the transaction of a question and its caller. Both come from the
// intent where it is known, so that an outcome reads nothing.
//
// The caller's clock may have moved since the intent. The outcome then has the
// time of the old clock, as if it had come just before the move. That does no
// harm: everything that reads the transaction applies its deadline by the clock
// of that moment ([payment.Transaction.AsOf]), and Sweep writes the expiry.
func asked(tx *store.Tx, a *payment.Attempt, known *intent) (t payment.Transaction, c party.Caller, err error) {
	if known != nil && known.caller != nil {
		c = *known.caller
	} else if c, err = callerOf(&tx.ReadTx, a.Caller); err != nil {
		return t, c, err
	}
	if known != nil && !known.after.HasEffects() {
		return *known.after, c, nil
	}
	t, found, err := tx.Transaction(a.Caller, a.Transaction)
	if err == nil && !found {
		err = missing(found, "transaction", string(a.Transaction))
	}
	return t, c, err
}

// gaveNothingBack reports whether the network has kept money that belongs to
// the buyer: a hold that it did not release, or a cancelled charge that it did
// not return. A declined refund does not count, because its money goes back to
// the recipient.
func gaveNothingBack(asked payment.Step, answer payment.Answer, of payment.Kind) bool {
	back := asked == payment.StepRelease || asked == payment.StepReturn && of != payment.KindRefund
	return back && !answer.Approved()
}

// recordWithEffects is record for a change of an existing transaction.
func (p *Processor) recordWithEffects(tx *store.Tx, caller party.Caller, c *payment.Change, real time.Time) error {
	if c.Effective() && c.After.HasEffects() {
		if err := addEffects(&tx.ReadTx, c); err != nil {
			return err
		}
	}
	return p.record(tx, caller, c, real)
}

// addEffects adds the changes of limits, instruments and earlier payments that
// come with a change of the transaction.
func addEffects(tx *store.ReadTx, c *payment.Change) error {
	t := &c.After
	var effects payment.Effects
	var err error
	limits, aggregate, original := t.Needs()
	if limits && c.GivesBack() {
		if effects.Limits, err = limitsThatCount(tx, *t); err != nil {
			return err
		}
	}
	if aggregate {
		var found bool
		if effects.Aggregate, found, err = tx.Aggregate(t.Aggregate); err != nil || !found {
			return errors.Join(err, missing(found, "instrument", string(t.Aggregate)))
		}
	}
	if original {
		var found bool
		if effects.Original, found, err = tx.Transaction(t.Caller, t.Parent); err != nil || !found {
			return errors.Join(err, missing(found, "transaction", string(t.Parent)))
		}
	}
	*c = c.With(effects)
	return nil
}

// limitsThatCount returns the limits in which a transaction counts: those of
// its token and of the tokens that replaced it, and those of the sender, of a
// guest's card and of the recipient that were ever used.
func limitsThatCount(tx *store.ReadTx, t payment.Transaction) (all []payment.Limit, err error) {
	caller, err := callerOf(tx, t.Caller)
	if err != nil {
		return nil, err
	}
	type counting struct{ scope, subject string }
	subjects := []counting{
		{caller.LimitScope(), payment.SendingSubject(t.Sender)},
		{caller.LimitScope(), payment.ReceivingSubject(t.Recipient)},
	}
	sender, err := partyInPayment(tx, t.Sender)
	if err != nil {
		return nil, err
	}
	if sender.Guest {
		card, _, err := tx.Instrument(t.Sender, t.Instrument)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, counting{caller.LimitScope(), payment.GuestSubject(card)})
	}
	for token, found := t.Token, true; found; {
		subjects = append(subjects, counting{string(t.Caller), string(token)})
		if token, found, err = successor(tx, t.Caller, token); err != nil {
			return nil, err
		}
	}
	for _, s := range subjects {
		limits, err := tx.Limits(s.scope, s.subject)
		if err != nil {
			return nil, err
		}
		all = append(all, limits...)
	}
	return all, nil
}

// successor returns the token that replaced a token. A token is cancelled when
// another one replaces it, so a token that is not cancelled has no successor.
func successor(tx *store.ReadTx, c party.CallerID, id holdfast.TokenID) (next holdfast.TokenID, found bool, err error) {
	t, found, err := tx.TokenFor(c, id)
	if err != nil || !found || !t.Cancelled {
		return "", false, err
	}
	return tx.Successor(c, id)
}

// askInBackground asks the question of a change that was written, if it has one,
// without waiting for the answer.
func (p *Processor) askInBackground(c *payment.Change) {
	if c.Member != nil {
		p.askInBackground(c.Member)
	}
	if c.Ask == nil {
		return
	}
	p.start(func() {
		// On failure the question is in the log, in doubt and asked again.
		_, _ = p.ask(asking{*c.Ask, &c.After, nil, p.db.Complete, true})
	})
}
