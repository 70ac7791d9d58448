package store

import (
	"errors"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Whole is a finished payment with all its rows, as its usual commits would
// have left them: its used token, its request, its intent and its outcome.
type Whole struct {
	Token   payment.Token
	Request payment.Request
	Intent  payment.Change // with the question to the card network
	Outcome payment.Change
	Told    []*Notification // of Intent and Outcome; nil where there is none
	NextAsk time.Time       // when the question would be asked again
}

// InsertWhole writes a new payment in one step, for programs that fill a store
// with many payments. Nothing else may change with it: no limit, no balance of
// an instrument, no other transaction.
func (tx *Tx) InsertWhole(w Whole) error {
	intent, outcome := w.Intent, w.Outcome
	if intent.Ask == nil || outcome.Ask != nil || !outcome.Moved() || changesOthers(intent) || changesOthers(outcome) {
		return errors.New("a payment cannot be written in one step: other rows change with it")
	}
	intent.After.Steps, intent.After.Posted = 1, len(intent.Postings)
	outcome.Before = intent.After
	outcome.After.Steps, outcome.After.Posted = 2, len(intent.Postings)+len(outcome.Postings)

	w.Token.UsedBy = intent.After.ID
	if err := tx.write(insertToken, nil, tokenRow(w.Token)...); err != nil {
		return err
	}
	if err := tx.RememberRequest(w.Request); err != nil {
		return err
	}
	both := payment.Change{
		Before: intent.Before, After: outcome.After, Postings: slices.Concat(intent.Postings, outcome.Postings),
	}
	if err := tx.writeTransaction(both); err != nil {
		return err
	}
	for i, c := range []payment.Change{intent, outcome} {
		if err := tx.recordStep(c, w.Told[i]); err != nil {
			return err
		}
	}
	asked := *intent.Ask
	if asked.State = payment.AttemptApproved; outcome.Verb == payment.VerbDecline {
		asked.State = payment.AttemptDeclined
	}
	return tx.write(addAttempt, nil, attemptRow(asked, intent.At, w.NextAsk, outcome.At)...)
}

func changesOthers(c payment.Change) bool {
	return len(c.Also) > 0 || len(c.Limits) > 0 || c.Aggregate != nil || c.Original != nil || len(c.Spends) > 0
}
