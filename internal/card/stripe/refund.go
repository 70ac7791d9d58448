package stripe

import (
	"context"
	"errors"
	"net/http"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Stripe has so long to put right a refund that ended with a stored 500. Its objects
// do not prevent a second refund of the same amount, so this is longer than for a
// hold.
const (
	refundSettleTime  = 24 * time.Hour
	refundSettlePause = 2 * time.Minute // for each asking so far
	refundPauseMax    = time.Hour
)

// giveBack answers whether money was returned. Two partial refunds of one amount
// are both legal, so it lists the refunds of the payment before it repeats a
// request.
func (c *Client) giveBack(ctx context.Context, q card.Question) (payment.Answer, error) {
	switch {
	case q.Authorization == "":
		return payment.Answer{}, errors.New("asking Stripe: the question names no payment")
	case q.Reference != "":
		r, f := c.refund(ctx, q.Reference)
		if f != nil {
			d := f.doubt(payment.Details{Reference: q.Reference})
			d.Alarm = d.Alarm || f.status == http.StatusNotFound
			return payment.Answer{}, d
		}
		return c.refunded(q, r)
	case q.Asked > 1 || !q.FailedAt.IsZero():
		if r, err := c.findRefund(ctx, q); r != nil || err != nil {
			return c.orRefunded(q, r, err)
		}
	}
	if !q.FailedAt.IsZero() {
		return c.secondRefund(ctx, q)
	}
	r, f := c.createRefund(ctx, q, "")
	if f != nil && f.stored() {
		return c.unsureRefund(ctx, q, f)
	}
	return c.orRefused(ctx, q, r, f)
}

// unsureRefund notes that the request for a refund only ever gets a stored error. It
// is not sent under this key again: once Stripe has forgotten the key, it would be a
// new refund.
func (c *Client) unsureRefund(ctx context.Context, q card.Question, f *failure) (payment.Answer, error) {
	if r, err := c.findRefund(ctx, q); r != nil || err != nil {
		return c.orRefunded(q, r, err)
	}
	d := f.doubt(payment.Details{FailedAt: c.now().UTC()})
	d.Alarm = d.Alarm || c.now().Sub(q.Since) >= refundSettleTime
	d.Retry = max(d.Retry, refundPause(q))
	return payment.Answer{}, d
}

// secondRefund decides on a refund whose request got a stored error, and that is not
// among the payment's refunds. It is sent under a second key when Stripe has had its
// time since the error was first seen.
func (c *Client) secondRefund(ctx context.Context, q card.Question) (payment.Answer, error) {
	if wait := q.FailedAt.Add(refundSettleTime).Sub(c.now()); wait > 0 {
		return payment.Answer{}, &card.DoubtError{Retry: min(wait, refundPause(q)), Err: errNoRefundYet}
	}
	r, f := c.createRefund(ctx, q, "2")
	if f != nil && f.stored() {
		// This error needs as much time as the first one.
		d := f.doubt(payment.Details{FailedAt: c.now().UTC()})
		d.Alarm, d.Retry = true, max(d.Retry, refundPauseMax)
		return payment.Answer{}, d
	}
	return c.orRefused(ctx, q, r, f)
}

var errNoRefundYet = errors.New("the refund was not made at Stripe after an error, and may still be made")

func refundPause(q card.Question) time.Duration {
	return min(time.Duration(q.Asked)*refundSettlePause, refundPauseMax)
}

// orRefused is the answer to a request for a refund.
func (c *Client) orRefused(ctx context.Context, q card.Question, r refund, f *failure) (payment.Answer, error) {
	switch {
	case f == nil:
		return c.refunded(q, r)
	case f.seen != "" || !f.invalid() && !f.declined():
		d := f.doubt(payment.Details{Reference: f.seen})
		d.Alarm = d.Alarm || f.status == http.StatusNotFound
		return payment.Answer{}, d
	}
	// Stripe refuses a refund of more than is left. What was refunded already may be
	// this very refund.
	if r, err := c.findRefund(ctx, q); r != nil || err != nil {
		return c.orRefunded(q, r, err)
	}
	d := payment.Details{RequestID: f.requestID, DeclineCode: f.code}
	switch {
	case f.missing():
		doubt := f.doubt(payment.Details{})
		doubt.Alarm = true
		return payment.Answer{}, doubt
	case f.is("charge_disputed"):
		return declined(messageDisputed, d), nil
	case f.is("charge_already_refunded", "amount_too_large"):
		d.Attention = "The payment was refunded at Stripe, and not by Holdfast: " + f.Error()
		return declined(messageOutside, d), nil
	}
	d.Attention = "Stripe refused the refund: " + f.Error()
	return declined(messageRefused, d), nil
}

func (c *Client) orRefunded(q card.Question, r *refund, err error) (payment.Answer, error) {
	if err != nil {
		return payment.Answer{}, err
	}
	return c.refunded(q, *r)
}

func (c *Client) refunded(q card.Question, r refund) (payment.Answer, error) {
	d := decideRefund(q, r)
	if d.move == moveDoubt {
		return payment.Answer{}, d.error(r.id, r.details())
	}
	return d.answer, nil
}

func (c *Client) createRefund(ctx context.Context, q card.Question, second string) (refund, *failure) {
	amount, _ := cents(q.Amount)
	params := &stripego.RefundCreateParams{
		PaymentIntent: stripego.String(q.Authorization),
		Amount:        stripego.Int64(amount),
		Reason:        stripego.String("requested_by_customer"),
		Metadata:      marks(q.Attempt),
	}
	r, fresh, f := callFresh(ctx, c, secondKey(q.Key(), second), func(ctx context.Context) (*stripego.Refund, error) {
		return c.api.V1Refunds.Create(ctx, params)
	})
	switch {
	case f != nil:
		return refund{}, f
	case !fresh:
		now, f := c.refund(ctx, r.ID)
		if f != nil {
			f.seen = r.ID
		}
		return now, f
	}
	return readRefund(r), nil
}

func (c *Client) refund(ctx context.Context, id string) (refund, *failure) {
	r, f := call(ctx, c, "", func(ctx context.Context) (*stripego.Refund, error) {
		return c.api.V1Refunds.Retrieve(ctx, id, nil)
	})
	if f != nil {
		return refund{}, f
	}
	return readRefund(r), nil
}

// refundsOf lists the refunds of a payment.
func (c *Client) refundsOf(ctx context.Context, intent string) ([]refund, *failure) {
	params := &stripego.RefundListParams{PaymentIntent: stripego.String(intent)}
	params.Limit = stripego.Int64(100)
	all, f := call(ctx, c, "", func(ctx context.Context) (all []refund, err error) {
		for r, err := range c.api.V1Refunds.List(ctx, params).All(ctx) {
			if err != nil || len(all) == listMax {
				return all, err
			}
			all = append(all, readRefund(r))
		}
		return all, nil
	})
	if f == nil && len(all) == listMax {
		return nil, tooMany()
	}
	return all, f
}

// findRefund looks for the refund that a question has made. It is nil if there is
// none.
func (c *Client) findRefund(ctx context.Context, q card.Question) (*refund, error) {
	all, f := c.refundsOf(ctx, q.Authorization)
	if f != nil {
		return nil, f.doubt(payment.Details{})
	}
	for _, r := range all {
		if r.key == q.Key() {
			return &r, nil
		}
	}
	return nil, nil
}
