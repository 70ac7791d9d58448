package stripe

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A move is what a question needs next.
type move int

const (
	moveAnswer  move = iota // the question is decided
	moveDoubt               // nothing can be done now: look again later
	moveConfirm             // ask the issuer to hold the amount
	moveCapture
	moveCancel
)

// A decision is what an object of Stripe means for a question.
type decision struct {
	move move
	// answer is that of moveAnswer. With moveCancel it is what is answered once the
	// intent is cancelled, if it has a message.
	answer payment.Answer
	// tidy cancels an intent that was declined, so that nobody can confirm it later.
	tidy  bool
	why   string // of a doubt
	alarm bool   // a person must look
	retry time.Duration
}

const (
	// returnTime is how long a buyer has to come back from the bank's page.
	returnTime = 30 * time.Minute
	// processingPause is between two looks at a payment that is being processed.
	processingPause = time.Minute
)

// A view is everything that a decision depends on: what is asked, what Stripe
// shows, and when.
type view struct {
	q    card.Question
	pi   intent
	live bool
	now  time.Time
}

// ours reports whether the question itself made the intent. Otherwise a page has
// made it, and the question adopts it.
func (v view) ours() bool { return v.pi.key == v.q.Key() }

// decide says what a PaymentIntent that was just read means for a question.
func (v view) decide() decision {
	if why := v.strange(); why != "" {
		return v.alarm(why)
	}
	switch v.q.Step {
	case payment.StepAuthorize:
		return v.authorize()
	case payment.StepCharge:
		return v.charge()
	case payment.StepCapture:
		return v.capture()
	case payment.StepRelease:
		return v.release()
	case payment.StepReturn:
	}
	return v.alarm("is not about step " + string(v.q.Step))
}

// strange says why an intent cannot be the one that the question is about.
func (v view) strange() string {
	want, _ := cents(v.q.Amount)
	paying := begins(v.q)
	switch {
	case v.pi.live != v.live:
		return "is of the other mode"
	case v.pi.currency != "usd":
		return "is in another currency"
	case v.q.Caller != "" && v.pi.caller != string(v.q.Caller):
		return "belongs to another caller"
	case paying && v.ours() && v.pi.amount != want:
		return "has another amount"
	case paying && v.ours() && v.pi.captureMethod != captureMethod(v.q.Step):
		return "has another capture method"
	case !v.ours() && v.pi.captureMethod != methodManual && paying:
		return "is not a hold"
	}
	return ""
}

const (
	methodManual    = "manual"
	methodAutomatic = "automatic"
)

// captureMethod is how an intent of a step takes the money.
func captureMethod(s payment.Step) string {
	if s == payment.StepCharge {
		return methodAutomatic
	}
	return methodManual
}

func (v view) authorize() decision {
	want, _ := cents(v.q.Amount)
	switch v.pi.status {
	case needsCapture:
		if v.pi.capturable < want || v.ours() && v.pi.capturable != want {
			return v.alarm("holds another amount")
		}
		return v.approve()
	case succeeded: // in the dashboard, or by a Settle that a restored store does not know
		if !v.ours() {
			return v.alarm("was captured elsewhere")
		}
		d := v.approve()
		d.answer.Details.Attention = fmt.Sprintf("Stripe captured %v of the hold, and not by a Settle. To keep the money, "+
			"settle this amount. To give it back, refund it at Stripe and cancel the hold.", v.received())
		return d
	case processing:
		return v.doubt("is being processed", processingPause)
	case canceled:
		if v.pi.held() {
			d := v.approve()
			d.answer.Gone = true
			return d
		}
		return v.ended(messageDeclined)
	}
	return v.begun()
}

func (v view) charge() decision {
	want, _ := cents(v.q.Amount)
	switch v.pi.status {
	case succeeded:
		if v.pi.received != want {
			return v.tookOther()
		}
		return v.approve()
	case needsCapture:
		if v.ours() {
			return v.alarm("is held and not taken")
		}
		if v.pi.capturable < want {
			return v.alarm("holds another amount")
		}
		return decision{move: moveCapture}
	case processing:
		return decision{answer: payment.Answer{Verdict: payment.Accepted, Details: v.pi.details()}}
	case canceled:
		if v.pi.held() {
			return v.ended(messageLapsed)
		}
		return v.ended(messageDeclined)
	}
	return v.begun()
}

// begun decides on an intent that holds nothing yet.
func (v view) begun() decision {
	over := !v.q.Until.IsZero() && !v.now.Before(v.q.Until)
	switch v.pi.status {
	case needsMethod:
		if v.pi.tried == nil {
			return v.alarm("has no card")
		}
		// Another attempt would be a second one on the card.
		return decision{answer: v.pi.tried.answer(v.pi.details()), tidy: true}
	case needsConfirmation:
		if over || !v.ours() {
			return v.cancel(messageLate)
		}
		return decision{move: moveConfirm}
	case needsAction:
		left := returnTime - v.now.Sub(v.q.Since)
		if !v.q.Present || left <= 0 || over {
			return v.cancel(messageConfirm)
		}
		return v.doubt("waits for the buyer", left)
	}
	return v.unknown()
}

func (v view) capture() decision {
	want, _ := cents(v.q.Amount)
	switch v.pi.status {
	case succeeded:
		if v.pi.received != want {
			return v.tookOther()
		}
		return v.approve()
	case needsCapture:
		if v.pi.capturable < want {
			return v.alarm("holds less than is to be taken")
		}
		return decision{move: moveCapture}
	case canceled:
		return v.ended(messageLapsed)
	case processing:
		return v.doubt("is being processed", processingPause)
	case needsMethod, needsConfirmation, needsAction:
		return v.alarm("holds nothing")
	}
	return v.unknown()
}

func (v view) release() decision {
	switch v.pi.status {
	case canceled:
		return v.approve()
	case succeeded:
		if v.pi.charge.refunded >= v.pi.amount { // with the rest of a smaller capture, which Stripe refunds
			return v.approve()
		}
		d := v.ended(messageTaken)
		d.answer.Details.Attention = "The amount was taken at Stripe, so the hold could not be released. Refund it if it " +
			"was taken by mistake."
		return d
	case needsCapture, needsMethod, needsConfirmation, needsAction, processing:
		return decision{move: moveCancel}
	}
	return v.unknown()
}

func (v view) approve() decision {
	return decision{answer: payment.Answer{
		Verdict: payment.Approved, Authorization: v.pi.id, Details: v.pi.details(),
	}}
}

// ended declines because of an intent that will never hold anything. The reason
// of an earlier attempt comes before the message.
func (v view) ended(message string) decision {
	if v.pi.tried != nil && !v.pi.held() {
		return decision{answer: v.pi.tried.answer(v.pi.details())}
	}
	return decision{answer: declined(message, v.pi.details())}
}

// cancel ends an intent that could still come true, and then declines.
func (v view) cancel(message string) decision {
	return decision{move: moveCancel, answer: declined(message, v.pi.details())}
}

// tookOther declines because Stripe has taken another amount than is asked. The
// books cannot have that amount, and nothing is left to release.
func (v view) tookOther() decision {
	d := decision{answer: declined(messageOther, v.pi.details())}
	d.answer.Gone = true
	d.answer.Details.Attention = fmt.Sprintf("Stripe took %v, and not %v, so the payment failed here. Refund the amount "+
		"at Stripe.", v.received(), v.q.Amount)
	return d
}

func (v view) received() money.Amount { return money.Micros(v.pi.received * microPerCent) }

func (v view) alarm(why string) decision {
	return decision{move: moveDoubt, why: why, alarm: true}
}

func (v view) doubt(why string, retry time.Duration) decision {
	return decision{move: moveDoubt, why: why, retry: retry}
}

// unknown leaves a state open that this version of the program does not know.
func (v view) unknown() decision { return v.doubt("is in a state that is not known", 0) }

// The states of a Refund that are not those of a PaymentIntent.
const (
	pending = "pending"
	failed  = "failed"
)

// decideRefund says what a Refund that was just read means for the question that
// made it.
func decideRefund(q card.Question, r refund) decision {
	want, _ := cents(q.Amount)
	d := r.details()
	if r.amount != want || r.currency != "usd" {
		return decision{move: moveDoubt, why: "has another amount", alarm: true}
	}
	switch r.status {
	case succeeded:
		return decision{answer: payment.Answer{Verdict: payment.Approved, Details: d}}
	case pending, needsAction:
		return decision{answer: payment.Answer{Verdict: payment.Accepted, Details: d}}
	case failed, canceled:
		return decision{answer: declined(messageReturn, d)}
	}
	return decision{move: moveDoubt, why: "is in a state that is not known"}
}

// ranks orders the states of intents by how much they tell of a question.
var ranks = map[string]int{
	needsCapture: 6, succeeded: 6, processing: 5, needsAction: 4, needsMethod: 3, needsConfirmation: 2, canceled: 1,
}

// chosen is the intent that tells how a question ended, if a lost answer led to
// more than one. rest are others that hold an amount as well: only one may.
func chosen(all []intent) (one *intent, rest []intent) {
	for i := range all {
		if one == nil || rank(all[i]) > rank(*one) {
			one = &all[i]
		}
	}
	for _, pi := range all {
		if one != nil && pi.id != one.id && pi.status == needsCapture {
			rest = append(rest, pi)
		}
	}
	return one, rest
}

func rank(pi intent) int {
	if pi.status == canceled && pi.held() {
		return ranks[processing]
	}
	return ranks[pi.status]
}
