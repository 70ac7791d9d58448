package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

const (
	// keyTrust is how long a key is trusted to name the same request. Stripe keeps
	// keys for 24 hours.
	keyTrust = 20 * time.Hour
	// settleTime is how long Stripe has to put right what ended with a stored 500,
	// before the request is sent under a second key.
	settleTime = 10 * time.Minute
	// lapseTime is how long before its end a hold is left to lapse.
	lapseTime = time.Hour
	// busyPause is the pause after a question that was not sent because too many
	// wait. It grows with each asking, up to busyPauses of it.
	busyPause  = 20 * time.Second
	busyPauses = 15
)

// Ask answers one question. It looks at Stripe's object first, if there may be
// one: the object proves what happened, whatever answers were lost and keys were
// forgotten.
func (c *Client) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	if _, whole := cents(q.Amount); !whole {
		return declined(messageAmount, payment.Details{}), nil
	}
	answer, err := c.ask(planned(ctx, begins(q) || q.Asked > 1), q)
	if doubt, ok := errors.AsType[*card.DoubtError](err); ok && errors.Is(err, errBusy) {
		doubt.Retry = max(doubt.Retry, busyPause*time.Duration(min(max(q.Asked, 1), busyPauses)))
	}
	return answer, err
}

func (c *Client) ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	switch q.Step {
	case payment.StepAuthorize, payment.StepCharge:
		return c.pay(ctx, q)
	case payment.StepCapture:
		return c.change(ctx, q, moveCapture)
	case payment.StepRelease:
		if left := q.HoldUntil.Sub(c.now()); q.Expired && q.Asked <= 1 && 0 < left && left <= lapseTime {
			return payment.Answer{Verdict: payment.Accepted, Details: payment.Details{
				Reference: q.Authorization, Status: "left to lapse", HoldUntil: q.HoldUntil,
			}}, nil
		}
		return c.change(ctx, q, moveCancel)
	case payment.StepReturn:
		return c.giveBack(ctx, q)
	}
	return payment.Answer{}, fmt.Errorf("asking Stripe: there is no step %q", q.Step)
}

// pay answers whether an amount is held or taken.
func (c *Client) pay(ctx context.Context, q card.Question) (payment.Answer, error) {
	if amount, _ := cents(q.Amount); amount < amountMin || amount > amountMax {
		return declined(messageAmount, payment.Details{}), nil
	}
	pi, answer, err := c.begin(ctx, q)
	if answer != nil || err != nil {
		return orZero(answer), err
	}
	return c.follow(ctx, q, *pi, c.view(q, *pi).decide())
}

func orZero(a *payment.Answer) payment.Answer {
	if a == nil {
		return payment.Answer{}
	}
	return *a
}

// change answers whether a hold was captured or released. The first time, it
// asks without a look before, because Stripe refuses what the intent's state
// does not allow.
func (c *Client) change(ctx context.Context, q card.Question, m move) (payment.Answer, error) {
	if q.Authorization == "" {
		return payment.Answer{}, errors.New("asking Stripe: the question names no hold")
	}
	pi := intent{id: q.Authorization}
	if q.Asked <= 1 {
		return c.follow(ctx, q, pi, decision{move: m})
	}
	pi, err := c.look(ctx, pi.id)
	if err != nil {
		return payment.Answer{}, err
	}
	return c.follow(ctx, q, pi, c.view(q, pi).decide())
}

func (c *Client) view(q card.Question, pi intent) view {
	return view{q: q, pi: pi, live: c.live(), now: c.now()}
}

// follow makes the moves that lead from a first decision to an answer. It makes
// each move once: if an intent does not change by it, the question is in doubt.
func (c *Client) follow(ctx context.Context, q card.Question, pi intent, d decision) (payment.Answer, error) {
	made := map[move]bool{}
	for {
		switch d.move {
		case moveAnswer:
			if d.tidy {
				c.tidy(ctx, q, pi)
			}
			return d.answer, nil
		case moveDoubt:
			return payment.Answer{}, d.error(pi.id, pi.details())
		case moveConfirm, moveCapture, moveCancel:
		}
		if made[d.move] {
			return payment.Answer{}, decision{why: "has not changed by a request", alarm: true}.error(pi.id, pi.details())
		}
		made[d.move] = true
		after, f := c.send(ctx, q, d.move, pi.id, "")
		if f != nil {
			var answer *payment.Answer
			var err error
			if after, answer, err = c.recover(ctx, q, d.move, pi, f); answer != nil || err != nil {
				return orZero(answer), err
			}
		}
		asked := d
		pi = after
		d = c.view(q, pi).decide()
		if asked.move == moveCancel && asked.answer.Message != "" && d.move == moveAnswer && !pi.held() &&
			d.answer.Verdict == payment.Declined {
			asked.answer.Details = pi.details()
			return asked.answer, nil
		}
	}
}

// error is the doubt that a decision leads to.
func (d decision) error(id string, known payment.Details) *card.DoubtError {
	if known.Reference == "" {
		known.Reference = id
	}
	return &card.DoubtError{
		Known: known, Retry: d.retry, Alarm: d.alarm, Payment: d.alarm,
		Err: fmt.Errorf("object %s at Stripe %s", word(id), d.why),
	}
}

// recover finds out what a failed request did to an intent, as far as that can be
// known. Otherwise the question is in doubt.
func (c *Client) recover(
	ctx context.Context, q card.Question, m move, before intent, f *failure,
) (intent, *payment.Answer, error) {
	known := before.details()
	switch {
	case f.seen != "":
		return intent{}, nil, f.doubt(known)
	case f.declined() && m == moveConfirm:
		if f.intent != nil && f.intent.id == before.id && f.intent.status == needsMethod {
			after := *f.intent
			after.tried = &refusal{f.code, f.decline, f.advice}
			return after, nil, nil
		}
	case f.declined():
		if begins(q) { // the hold of a page that a charge has adopted: nobody else releases it
			c.tidy(ctx, q, before)
		}
		known.RequestID = f.requestID
		answer := refusal{f.code, f.decline, f.advice}.answer(known)
		return intent{}, &answer, nil
	case f.stored():
		return c.again(ctx, q, m, before, f)
	case f.cardGone() && m == moveConfirm:
		return c.withoutCard(ctx, q, before, f)
	case f.invalid():
	case f.status == http.StatusNotFound:
		d := f.doubt(known)
		d.Alarm = true
		return intent{}, nil, d
	default:
		d := f.doubt(known)
		if begins(q) && f.status == http.StatusInternalServerError && c.now().Sub(q.Since) >= settleTime {
			d.Retry = max(d.Retry, settleTime) // the next asking may be under the second key
		}
		return intent{}, nil, d
	}
	after, err := c.look(ctx, before.id)
	if err != nil {
		return intent{}, nil, err
	}
	if c.view(q, after).decide().move == m { // refused, though the state allows it
		d := f.doubt(after.details())
		d.Alarm = !f.is("charge_expired_for_capture", "capture_charge_authorization_expired")
		return intent{}, nil, d
	}
	return after, nil, nil
}

// again sends a request under a second key, if the first key has nothing but a
// stored error and the intent does not change for some time. The intent's own
// states make sure that it holds and captures once only.
func (c *Client) again(
	ctx context.Context, q card.Question, m move, before intent, f *failure,
) (intent, *payment.Answer, error) {
	after, err := c.look(ctx, before.id)
	if err != nil {
		return intent{}, nil, err
	}
	if d := c.view(q, after).decide(); d.move != m {
		return after, nil, nil
	}
	if wait := c.settling(q); wait > 0 {
		d := f.doubt(after.details())
		d.Retry = max(d.Retry, wait)
		return intent{}, nil, d
	}
	answered, second := c.send(ctx, q, m, after.id, "2")
	if second == nil {
		return answered, nil, nil
	}
	if second.stored() {
		d := second.doubt(after.details())
		d.Alarm, d.Retry = true, max(d.Retry, settleTime)
		return intent{}, nil, d
	}
	return c.recover(ctx, q, m, after, second)
}

// settling is how long a request is not sent under its second key yet. A question
// about an older hold does not say when it was first asked, but how often.
func (c *Client) settling(q card.Question) time.Duration {
	const askings = 5
	switch {
	case begins(q):
		return settleTime - c.now().Sub(q.Since)
	case q.Asked > askings:
		return 0
	}
	return settleTime / askings
}

// begins reports whether a question begins a payment.
func begins(q card.Question) bool {
	return q.Step == payment.StepAuthorize || q.Step == payment.StepCharge
}

// withoutCard ends an intent whose card is no longer at Stripe.
func (c *Client) withoutCard(
	ctx context.Context, q card.Question, before intent, f *failure,
) (intent, *payment.Answer, error) {
	after, fails := c.send(ctx, q, moveCancel, before.id, "")
	if fails != nil {
		return intent{}, nil, fails.doubt(before.details())
	}
	if after.status != canceled || after.held() {
		return after, nil, nil
	}
	answer := f.gone(after.details())
	return intent{}, &answer, nil
}

// gone is the answer if the card or the customer is no longer at Stripe.
func (f *failure) gone(d payment.Details) payment.Answer {
	d.DeclineCode, d.Advice, d.RequestID = f.code, payment.AdviceGone, f.requestID
	return declined(messageGone, d)
}

// tidyTime is how long a decline waits for the intent to be cancelled.
const tidyTime = 2 * time.Second

// tidy cancels an intent that was declined. The answer does not depend on it: at
// worst, the intent ends by itself.
func (c *Client) tidy(ctx context.Context, q card.Question, pi intent) {
	ctx, cancel := context.WithTimeout(ctx, tidyTime)
	defer cancel()
	_, _ = c.send(planned(ctx, false), q, moveCancel, pi.id, "")
}

// look reads an intent. Its error is a *card.DoubtError.
func (c *Client) look(ctx context.Context, id string) (intent, error) {
	pi, f := c.get(ctx, id)
	if f == nil {
		return pi, nil
	}
	d := f.doubt(payment.Details{Reference: id})
	d.Alarm = d.Alarm || f.status == http.StatusNotFound
	return intent{}, d
}
