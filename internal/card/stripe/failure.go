package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A failure is a request that did not end with a good answer. Its text has codes
// alone, because Stripe's messages and bodies hold client secrets and parts of
// keys.
type failure struct {
	status    int // 0 without an answer
	kind      string
	code      string
	decline   string
	advice    string
	param     string
	requestID string
	replayed  bool // the answer is the one of an earlier request with the same key
	// retry is how long to wait, if Stripe said so.
	retry time.Duration
	// hopeless says that Stripe advises against sending the request again.
	hopeless bool
	refused  bool // a person must act, as a rule because of the account's key
	why      string
	intent   *intent // in the answer; may be nil
	// seen is the object that the request has made or changed, if the look at it
	// afterwards is what failed.
	seen  string
	cause error // a context's, or errBusy; may be nil
}

func (f *failure) Error() string {
	text := f.why
	if f.status != 0 {
		words := []string{fmt.Sprintf("Stripe answered %d", f.status), f.kind, f.code, f.decline, f.param}
		text = strings.Join(strings.Fields(strings.Join(words, " ")), " ")
	}
	if f.requestID != "" {
		text += " (" + f.requestID + ")"
	}
	return text
}

func (f *failure) Unwrap() error { return f.cause }

// failed translates the error of a request. It is nil for a good answer.
func (c *Client) failed(x *exchange, err error) *failure {
	if err == nil && x.status == http.StatusOK {
		return nil
	}
	f := &failure{
		status: x.status, requestID: word(x.header.Get("Request-Id")),
		replayed: x.header.Get("Idempotent-Replayed") == "true", retry: retryAfter(x.header),
		hopeless: x.header.Get("Stripe-Should-Retry") == "false",
		refused:  x.status == http.StatusUnauthorized || x.status == http.StatusForbidden,
	}
	if errors.Is(err, errWrongMode) {
		f.why, f.refused = errWrongMode.Error(), true
		return f
	}
	if open, ok := errors.AsType[*openError](err); ok {
		f.why, f.retry, f.refused = open.Error(), open.retry, open.why == keyRefused || open.why == rightMissing
		return f
	}
	if theirs, ok := errors.AsType[*stripego.Error](err); ok {
		f.read(theirs)
		return f
	}
	f.why = reason(err)
	if x.status != 0 {
		f.kind = "with a body that cannot be read"
	}
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded, errBusy} {
		if errors.Is(err, cause) {
			f.cause = cause
		}
	}
	return f
}

// read takes what is known from an error of Stripe.
func (f *failure) read(e *stripego.Error) {
	f.kind, f.code, f.decline = word(string(e.Type)), word(string(e.Code)), word(string(e.DeclineCode))
	f.param = word(e.Param)
	if e.LastResponse != nil {
		var body struct {
			Error struct {
				Advice string `json:"advice_code"`
			} `json:"error"`
		}
		if json.Unmarshal(e.LastResponse.RawJSON, &body) == nil {
			f.advice = word(body.Error.Advice)
		}
	}
	if e.PaymentIntent != nil && e.PaymentIntent.ID != "" {
		f.intent = new(readIntent(e.PaymentIntent))
	}
}

// reason says what happened to a request without an answer that can be read.
func reason(err error) string {
	if err == nil {
		return "the answer is not one of Stripe's"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return "no connection to Stripe: " + op.Error()
	}
	switch {
	case errors.Is(err, errNoKey):
		return errNoKey.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer from Stripe in time"
	case errors.Is(err, context.Canceled):
		return "the request to Stripe was given up"
	case errors.Is(err, errBusy):
		return errBusy.Error()
	}
	return "no answer from Stripe that can be read"
}

// is reports whether Stripe refused the request with one of some codes.
func (f *failure) is(codes ...string) bool { return slices.Contains(codes, f.code) }

// invalid reports whether Stripe refused the request itself: because of its
// parameters, or because of the state of its object.
func (f *failure) invalid() bool {
	return f.status == http.StatusBadRequest && f.kind == kindInvalid
}

// declined reports whether the card was declined.
func (f *failure) declined() bool {
	return f.status == http.StatusPaymentRequired && f.kind == kindCard
}

// missing reports whether an object that a parameter names does not exist in the
// account. A bare 404 may be another program's.
func (f *failure) missing() bool { return f.is("resource_missing") }

// cardGone reports whether the card or its customer is no longer in the account, or
// no longer belong together.
func (f *failure) cardGone() bool {
	return (f.missing() || f.invalid()) && (f.param == "payment_method" || f.param == "customer") ||
		f.is("payment_method_unactivated", "payment_method_unexpected_state")
}

// changed reports whether an earlier request with the same key had other
// parameters.
func (f *failure) changed() bool {
	return f.status == http.StatusBadRequest && f.kind == kindIdempotency
}

// stored reports whether every repeat under the same key gets this answer, though
// nothing is known of the outcome.
func (f *failure) stored() bool {
	return f.status == http.StatusInternalServerError && f.replayed || f.changed()
}

// Types of Stripe's errors. An answer without one is not believed.
const (
	kindCard        = "card_error"
	kindIdempotency = "idempotency_error"
	kindInvalid     = "invalid_request_error"
)

// pauses before the next asking, where Stripe does not say more
const (
	inUsePause = 2 * time.Second
	lockPause  = time.Second
)

// doubt is the error of a question that ends with a failure. known is what is
// known all the same.
func (f *failure) doubt(known payment.Details) *card.DoubtError {
	d := &card.DoubtError{Known: known, Retry: f.retry, Err: f, Alarm: f.refused || f.changed()}
	if f.requestID != "" {
		d.Known.RequestID = f.requestID
	}
	switch {
	case f.is("idempotency_key_in_use"):
		d.Retry = max(d.Retry, inUsePause)
	case f.is("lock_timeout"):
		d.Retry = max(d.Retry, lockPause)
	case f.hopeless && !f.refused:
		d.Retry = max(d.Retry, hopelessPause)
	}
	return d
}

// hopelessPause is the pause after an answer that Stripe advises not to repeat.
// The question must be asked again all the same, because only a look can tell
// how it ended.
const hopelessPause = time.Minute

// while is the error of a request that belongs to no question.
func (f *failure) while(doing string) error {
	d := f.doubt(payment.Details{})
	d.Err = fmt.Errorf("%s at Stripe: %w", doing, f)
	return d
}
