package stripe

import (
	"cmp"
	"encoding/json"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// An intent is what matters of a PaymentIntent. Its amounts are cents.
type intent struct {
	id, status, currency, captureMethod string
	key, caller                         string // of our question, from the metadata; empty if it is not ours
	live                                bool
	amount, capturable, received        int64
	// tried is the refusal of the last attempt to confirm it; nil without one.
	tried   *refusal
	action  string // the bank's page
	created time.Time
	charge  charge
	request string // id of the request that has read it
}

// A charge is what matters of the charge of an intent.
type charge struct {
	id string
	// paid says that the issuer has agreed: the amount is held, or was.
	paid               bool
	refunded           int64
	captureBefore      time.Time
	authorizationCode  string
	networkTransaction string
}

// A refusal is why a card was declined.
type refusal struct{ code, decline, advice string }

// The states of a PaymentIntent.
const (
	needsMethod       = "requires_payment_method"
	needsConfirmation = "requires_confirmation"
	needsAction       = "requires_action"
	needsCapture      = "requires_capture"
	processing        = "processing"
	succeeded         = "succeeded"
	canceled          = "canceled"
)

// Names of what we store with Stripe's objects, to find them again. No personal
// data goes there.
const (
	metaKey         = "holdfast_key"
	metaCaller      = "holdfast_caller"
	metaTransaction = "holdfast_transaction"
	metaVisit       = "holdfast_visit"
	metaPage        = "holdfast_page"
	metaParty       = "holdfast_party"
)

func readIntent(pi *stripego.PaymentIntent) intent {
	i := intent{
		id: pi.ID, status: string(pi.Status), currency: string(pi.Currency), captureMethod: string(pi.CaptureMethod),
		key: pi.Metadata[metaKey], caller: pi.Metadata[metaCaller], live: pi.Livemode,
		amount: pi.Amount, capturable: pi.AmountCapturable, received: pi.AmountReceived,
		created: time.Unix(pi.Created, 0).UTC(),
	}
	if e := pi.LastPaymentError; e != nil {
		i.tried = &refusal{code: word(string(e.Code)), decline: word(string(e.DeclineCode)), advice: adviceOf(pi)}
	}
	if pi.NextAction != nil && pi.NextAction.RedirectToURL != nil {
		i.action = page(pi.NextAction.RedirectToURL.URL)
	}
	if pi.LatestCharge != nil {
		i.charge = readCharge(pi.LatestCharge)
	}
	if pi.LastResponse != nil {
		i.request = word(pi.LastResponse.RequestID)
	}
	return i
}

func readCharge(ch *stripego.Charge) charge {
	c := charge{id: ch.ID, paid: ch.Paid, refunded: ch.AmountRefunded}
	if ch.PaymentMethodDetails != nil && ch.PaymentMethodDetails.Card != nil {
		d := ch.PaymentMethodDetails.Card
		if d.CaptureBefore > 0 {
			c.captureBefore = time.Unix(d.CaptureBefore, 0).UTC()
		}
		c.authorizationCode, c.networkTransaction = word(d.AuthorizationCode), word(d.NetworkTransactionID)
	}
	return c
}

// adviceOf reads the advice that Stripe's client has no field for.
func adviceOf(pi *stripego.PaymentIntent) string {
	if pi.LastResponse == nil {
		return ""
	}
	var body struct {
		Error struct {
			Advice string `json:"advice_code"`
		} `json:"last_payment_error"`
	}
	if json.Unmarshal(pi.LastResponse.RawJSON, &body) != nil {
		return ""
	}
	return word(body.Error.Advice)
}

// details are what is stored of an intent.
func (i intent) details() payment.Details {
	d := payment.Details{
		Reference: i.id, Charge: i.charge.id, Status: word(i.status), HoldUntil: i.charge.captureBefore,
		AuthorizationCode: i.charge.authorizationCode, NetworkTransaction: i.charge.networkTransaction, Action: i.action,
		RequestID: i.request,
	}
	if i.tried != nil {
		d.DeclineCode, d.Advice = cmp.Or(i.tried.decline, i.tried.code), i.tried.advice
	}
	return d
}

// held reports whether the issuer once held the amount. A charge that was
// declined is not paid.
func (i intent) held() bool { return i.charge.paid || i.charge.refunded > 0 }

// A refund is what matters of a Refund. Its amount is in cents.
type refund struct {
	id, status, reason, key string
	charge, intent          string
	amount                  int64
	currency                string
	created                 time.Time
	request                 string // id of the request that has read it
}

func readRefund(r *stripego.Refund) refund {
	one := refund{
		id: r.ID, status: string(r.Status), reason: string(r.Reason), key: r.Metadata[metaKey],
		amount: r.Amount, currency: string(r.Currency), created: time.Unix(r.Created, 0).UTC(),
	}
	if r.Charge != nil {
		one.charge = r.Charge.ID
	}
	if r.PaymentIntent != nil {
		one.intent = r.PaymentIntent.ID
	}
	if r.LastResponse != nil {
		one.request = word(r.LastResponse.RequestID)
	}
	return one
}

func (r refund) details() payment.Details {
	return payment.Details{Reference: r.id, Charge: r.charge, Status: word(r.status), RequestID: r.request}
}

const microPerCent = 10_000

// cents are an amount as Stripe takes it. It is false for an amount that is not
// whole cents.
func cents(a money.Amount) (int64, bool) { return a.Micro / microPerCent, a.Micro%microPerCent == 0 }
