package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// do asks the network a question that was written before, if there is one, and
// returns the transaction as it stands when the outcome is known or the caller's
// wait is over. The question is then carried to its end by itself. Nobody waits
// for a bank.
func (p *Processor) do(ctx context.Context, caller party.Caller, c payment.Change) (payment.Transaction, error) {
	if c.Ask == nil {
		p.at(PointOutcome)
		return c.After, nil
	}
	p.at(PointIntent)
	decided := make(chan payment.Transaction, 1)
	asked := p.start(func() {
		if t, err := p.put(*c.Ask); err == nil {
			decided <- t
		}
	})
	if !asked {
		return c.After, nil // the server is ending; the next one asks
	}
	if caller.PendingFirst || c.After.Method == holdfast.MethodACH {
		return c.After, nil
	}
	patience := time.NewTimer(or(p.Wait, waitDefault))
	defer patience.Stop()
	select {
	case t := <-decided:
		p.at(PointOutcome)
		return t, nil
	case <-patience.C:
	case <-ctx.Done():
	}
	return c.After, nil
}

// put asks the network one question and records the answer. A failure is in the
// log when it returns: the question is in doubt.
func (p *Processor) put(a payment.Attempt) (after payment.Transaction, err error) {
	defer func() {
		if broken := recover(); broken != nil { // a network's code must not end the server
			err = fmt.Errorf("panic: %v", broken)
		}
		if err != nil {
			p.Log.Warn("question to the card network is in doubt", "transaction", a.Transaction, "step", a.Step, "asked", a.Asked, "error", err)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), or(p.NetworkTimeout, networkTimeoutDefault))
	defer cancel()
	stopping := p.stopping()
	go func() {
		select {
		case <-stopping: // nobody waits for a slow network when the server ends
			cancel()
		case <-ctx.Done():
		}
	}()
	answer, err := p.ask(ctx, a)
	if err != nil {
		return payment.Transaction{}, err
	}
	return p.outcome(a, answer)
}

func (p *Processor) ask(ctx context.Context, a payment.Attempt) (payment.Answer, error) {
	var ref string
	err := p.Store.View(ctx, func(tx *store.ReadTx) error {
		t, found, err := tx.Transaction(a.Caller, a.Transaction)
		if err != nil || !found {
			return errors.Join(err, missing(found, "transaction", string(a.Transaction)))
		}
		i, found, err := tx.Instrument(t.Sender, a.Instrument)
		ref = i.NetworkRef
		return errors.Join(err, missing(found, "instrument", string(a.Instrument)))
	})
	if err != nil {
		return payment.Answer{}, fmt.Errorf("preparing a question to the network: %w", err)
	}
	answer, err := p.Network.Ask(ctx, card.Question{Attempt: a, CardRef: ref})
	if err != nil {
		return payment.Answer{}, fmt.Errorf("asking the network: %w", err)
	}
	return answer, nil
}

func missing(found bool, what, id string) error {
	if found {
		return nil
	}
	return fmt.Errorf("%s %s is missing", what, id)
}

// outcome records a network's answer, once: a second answer changes nothing.
// What must be asked next is asked at once.
func (p *Processor) outcome(a payment.Attempt, answer payment.Answer) (after payment.Transaction, err error) {
	var next *payment.Attempt
	err = p.Store.Update(context.Background(), func(tx *store.Tx) error {
		real := p.now()
		next = nil
		caller, err := callerOf(&tx.ReadTx, a.Caller)
		if err != nil {
			return err
		}
		t, found, err := tx.Transaction(a.Caller, a.Transaction)
		if err != nil || !found {
			return errors.Join(err, missing(found, "transaction", string(a.Transaction)))
		}
		now := caller.Now(real)
		first, err := tx.DecideAttempt(a, answer, now)
		if err != nil || !first {
			after = t
			return err
		}
		if expiry, due := t.Expire(now); due {
			if expiry, err = with(&tx.ReadTx, expiry); err != nil {
				return err
			}
			if err := p.record(tx, caller, expiry, real); err != nil {
				return err
			}
			t = expiry.After
			next = expiry.Ask
		}
		c, err := with(&tx.ReadTx, t.Outcome(a, answer, now))
		if err != nil {
			return err
		}
		if after = c.After; c.Empty() {
			return nil
		}
		if c.Ask != nil {
			next = c.Ask
		}
		return p.record(tx, caller, c, real)
	})
	if err != nil {
		return after, fmt.Errorf("recording the network's answer for %s: %w", a.Key(), err)
	}
	if gaveNothingBack(a, answer, after) {
		p.Log.Error("the network did not give back what it held or took; the buyer's money stays there until somebody sees to it",
			"caller", a.Caller, "transaction", a.Transaction, "code", answer.Code, "message", answer.Message)
	}
	if next != nil {
		p.later(*next)
	}
	return after, nil
}

// gaveNothingBack reports whether the buyer's money stays where it should not:
// a hold that was not released, a charge that was given up and not returned. A
// refund that a network declines is back with the recipient.
func gaveNothingBack(a payment.Attempt, answer payment.Answer, t payment.Transaction) bool {
	back := a.Step == payment.StepRelease || a.Step == payment.StepReturn && t.Kind != payment.KindRefund
	return back && !answer.Approved
}

// with completes a change with what moves beside the transaction.
func with(tx *store.ReadTx, c payment.Change) (payment.Change, error) {
	if !c.Moved() {
		return c, nil
	}
	t := c.After
	var beside payment.Beside
	var err error
	limits, aggregate, original := t.Needs()
	if limits {
		if beside.Limits, err = limitsThatCount(tx, t); err != nil {
			return c, err
		}
	}
	if aggregate {
		var found bool
		if beside.Aggregate, found, err = tx.Aggregate(t.Aggregate); err != nil || !found {
			return c, errors.Join(err, missing(found, "instrument", string(t.Aggregate)))
		}
	}
	if original {
		var found bool
		if beside.Original, found, err = tx.Transaction(t.Caller, t.Parent); err != nil || !found {
			return c, errors.Join(err, missing(found, "transaction", string(t.Parent)))
		}
	}
	return c.With(beside), nil
}

// limitsThatCount are those of the token, and those of sender and recipient
// that were ever used.
func limitsThatCount(tx *store.ReadTx, t payment.Transaction) (all []payment.Limit, err error) {
	caller, err := callerOf(tx, t.Caller)
	if err != nil {
		return nil, err
	}
	subjects := []struct{ scope, subject string }{
		{string(t.Caller), string(t.Token)},
		{caller.Mode(), payment.SendingSubject(t.Sender)},
		{caller.Mode(), payment.ReceivingSubject(t.Recipient)},
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

// later asks a question whose answer nobody waits for.
func (p *Processor) later(a payment.Attempt) {
	p.start(func() {
		_, _ = p.put(a) // a failure is in the log and in doubt, and asked again
	})
}
