package stripe

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// begin finds the intent of a question, or makes it. It returns an answer if the
// question is decided without one.
func (c *Client) begin(ctx context.Context, q card.Question) (*intent, *payment.Answer, error) {
	if q.Reference != "" {
		pi, err := c.look(ctx, q.Reference)
		return &pi, nil, err
	}
	age := c.now().Sub(q.Since)
	over := !q.Until.IsZero() && !c.now().Before(q.Until)
	if over || age >= keyTrust {
		pi, err := c.find(ctx, q)
		switch {
		case pi != nil || err != nil:
			return pi, nil, err
		case over:
			return nil, new(declined(messageLate, payment.Details{})), nil
		}
		return c.first(ctx, q, "2")
	}
	return c.first(ctx, q, "")
}

// first sends the request that makes the intent, under its first or second key.
func (c *Client) first(ctx context.Context, q card.Question, second string) (*intent, *payment.Answer, error) {
	pi, f := c.create(ctx, q, second)
	switch {
	case f == nil && pi.id == "":
		return nil, nil, &card.DoubtError{Err: errors.New("the answer of Stripe names no intent")}
	case f == nil:
		return &pi, nil, nil
	case f.seen != "":
		return nil, nil, f.doubt(payment.Details{Reference: f.seen})
	case f.stored():
		return c.unsure(ctx, q, second, f)
	case f.invalid() || f.missing() || f.declined():
		return c.refused(ctx, q, f)
	}
	return nil, nil, f.doubt(payment.Details{})
}

// unsure looks for the intent of a request that only ever gets a stored error.
// Stripe puts such a request right by itself. If it did not make an intent, it is
// sent under a second key. A twin that is never confirmed holds nothing.
func (c *Client) unsure(
	ctx context.Context, q card.Question, second string, f *failure,
) (*intent, *payment.Answer, error) {
	pi, err := c.find(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	if pi != nil && f.changed() {
		// The program has asked something else under this key before. A person is told,
		// and the next asking goes on with what there is.
		d := f.doubt(pi.details())
		d.Retry = max(d.Retry, time.Second)
		return nil, nil, d
	}
	if pi != nil {
		return pi, nil, nil
	}
	d := f.doubt(payment.Details{})
	if wait := settleTime - c.now().Sub(q.Since); wait > 0 {
		d.Retry = max(d.Retry, wait)
		return nil, nil, d
	}
	if second != "" {
		d.Alarm, d.Retry = true, max(d.Retry, settleTime)
		return nil, nil, d
	}
	return c.first(ctx, q, "2")
}

// refused decides on a request that Stripe did not carry out. If the question was
// asked before, an earlier request may have been carried out all the same.
func (c *Client) refused(ctx context.Context, q card.Question, f *failure) (*intent, *payment.Answer, error) {
	if q.Asked > 1 {
		if pi, err := c.find(ctx, q); pi != nil || err != nil {
			return pi, nil, err
		}
	}
	d := payment.Details{RequestID: f.requestID}
	var answer payment.Answer
	switch {
	case f.declined():
		answer = refusal{f.code, f.decline, f.advice}.answer(d)
	case f.missing() || f.cardGone():
		answer = f.gone(d)
	default:
		d.Attention = "Stripe refused to begin the payment: " + f.Error()
		answer = declined(messageRefused, d)
	}
	return nil, &answer, nil
}

// find looks for the intent that a question has made. It is nil if there is none.
func (c *Client) find(ctx context.Context, q card.Question) (*intent, error) {
	all, f := c.made(ctx, q)
	if f != nil {
		return nil, f.doubt(payment.Details{})
	}
	one, rest := chosen(all)
	for _, twin := range rest {
		// One question must hold an amount once.
		if _, f := c.send(ctx, q, moveCancel, twin.id, ":"+twin.id); f != nil {
			return nil, f.doubt(one.details())
		}
	}
	if len(rest) > 0 {
		return nil, decision{why: "had a twin that held the amount as well, and was released", alarm: true}.
			error(one.id, one.details())
	}
	return one, nil
}
