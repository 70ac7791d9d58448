package stripe

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

const heldIntent = `{"id":"pi_1","object":"payment_intent","livemode":false,"status":"requires_capture","amount":4250,
 "amount_capturable":4250,"currency":"usd","capture_method":"manual",
 "metadata":{"holdfast_key":"T1/Authorize","holdfast_caller":"C1"}}`

// Each row of the table of answers and what they mean: for the request that begins
// a payment, and for one about an intent that is known.
func TestAnswersOfStripe(t *testing.T) {
	const declines, doubt, alarm = "declined", "doubt", "alarm"
	for _, test := range []struct {
		status        int
		header, body  string // the header as "Name: value"
		first, later  string
		retry         time.Duration
		advice, wants string // of a decline
	}{
		{status: 400, body: `"type":"idempotency_error"`, first: alarm, later: alarm},
		{
			status: 400, body: `"type":"invalid_request_error","code":"amount_too_small","param":"amount"`, first: declines,
			wants: "Stripe refused to begin the payment: Stripe answered 400 invalid_request_error amount_too_small amount",
			later: alarm,
		},
		{
			status: 400, body: `"type":"invalid_request_error","code":"payment_intent_unexpected_state"`, first: declines,
			wants: "payment_intent_unexpected_state", later: alarm, // the intent's state allows what was refused
		},
		{
			status: 400, body: `"type":"invalid_request_error","code":"charge_expired_for_capture"`, first: declines,
			wants: "charge_expired_for_capture", later: doubt,
		},
		{status: 400, body: `"type":"api_error"`, first: doubt, later: doubt},
		{status: 401, body: `"type":"invalid_request_error"`, first: alarm, later: alarm},
		{status: 403, body: `"type":"invalid_request_error"`, first: alarm, later: alarm},
		{
			status: 404, body: `"type":"invalid_request_error","code":"resource_missing","param":"payment_method"`, first: declines,
			advice: payment.AdviceGone, later: alarm,
		},
		{
			status: 404, body: `"type":"invalid_request_error","code":"resource_missing","param":"customer"`, first: declines,
			advice: payment.AdviceGone, later: alarm,
		},
		{
			status: 404, body: `"type":"invalid_request_error","code":"resource_missing","param":"intent"`, first: declines,
			advice: payment.AdviceGone, later: alarm,
		},
		{status: 404, body: `"type":"invalid_request_error"`, first: doubt, later: alarm},
		{
			status: 409, body: `"type":"idempotency_error","code":"idempotency_key_in_use"`, first: doubt, later: doubt,
			retry: 2 * time.Second,
		},
		{status: 409, body: `"type":"invalid_request_error"`, first: doubt, later: doubt},
		{status: 429, body: `"type":"invalid_request_error","code":"lock_timeout"`, first: doubt, later: doubt, retry: time.Second},
		{
			status: 429, header: "Retry-After: 7", body: `"type":"invalid_request_error"`, first: doubt, later: doubt,
			retry: 7 * time.Second,
		},
		{status: 500, body: `"type":"api_error"`, first: doubt, later: doubt},
		{
			status: 500, header: "Stripe-Should-Retry: false", body: `"type":"api_error"`, first: doubt, later: doubt,
			retry: time.Minute,
		},
		{status: 502, body: `"type":"api_error"`, first: doubt, later: doubt},
		{status: 503, body: `"type":"api_error"`, first: doubt, later: doubt},
		{status: 504, body: `"type":"api_error"`, first: doubt, later: doubt},
		{status: 418, body: `"type":"a_new_type"`, first: doubt, later: doubt},
	} {
		for step, want := range map[payment.Step]string{payment.StepAuthorize: test.first, payment.StepCapture: test.later} {
			t.Run(fmt.Sprintf("%s/%d %s", step, test.status, test.body), func(t *testing.T) {
				c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
					switch {
					case r.Method == http.MethodGet && r.URL.Path == "/v1/payment_intents":
						_, _ = w.Write([]byte(`{"object":"list","data":[],"has_more":false}`))
					case r.Method == http.MethodGet:
						_, _ = w.Write([]byte(heldIntent))
					default:
						if name, value, ok := strings.Cut(test.header, ": "); ok {
							w.Header().Set(name, value)
						}
						w.WriteHeader(test.status)
						fmt.Fprintf(w, `{"error":{%s}}`, test.body)
					}
				})
				answer, err := c.Ask(t.Context(), question(step))
				got := declines
				if d, ok := errors.AsType[*card.DoubtError](err); ok {
					if got = doubt; d.Alarm {
						got = alarm
					}
					if d.Retry < test.retry {
						t.Errorf("the next asking is in %v, want %v", d.Retry, test.retry)
					}
				}
				if got != want {
					t.Fatalf("got %s, want %s: %+v %v", got, want, answer, err)
				}
				if got != declines {
					return
				}
				if answer.Details.Advice != test.advice || !strings.Contains(answer.Details.Attention, test.wants) {
					t.Errorf("the details are %+v", answer.Details)
				}
			})
		}
	}
}

// The issuer declines to pay out a page's hold. The hold is released, and the answer
// is final. Without a hold of a page, the processor releases it by itself.
func TestCaptureDeclined(t *testing.T) {
	for step, cancels := range map[payment.Step]int{payment.StepCharge: 1, payment.StepCapture: 0} {
		got := 0
		c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodGet:
				_, _ = w.Write([]byte(strings.Replace(heldIntent, "T1/Authorize", "H1/Authorize", 1)))
			case strings.HasSuffix(r.URL.Path, "/cancel"):
				got++
				_, _ = w.Write([]byte(heldIntent))
			default:
				w.WriteHeader(http.StatusPaymentRequired)
				_, _ = w.Write([]byte(`{"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card"}}`))
			}
		})
		q := question(step)
		q.Reference = "pi_1"
		answer, err := c.Ask(t.Context(), q)
		if err != nil || answer.Verdict != payment.Declined || answer.Details.DeclineCode != "lost_card" ||
			answer.Message != messageDeclined {
			t.Errorf("%s: %+v, %v", step, answer, err)
		}
		if got != cancels {
			t.Errorf("%s: cancelled %d times, want %d", step, got, cancels)
		}
	}
}

func TestFailureText(t *testing.T) {
	f := &failure{
		status: 402, kind: "card_error", code: "card_declined", decline: "lost_card", requestID: "req_1", param: "",
	}
	if got, want := f.Error(), "Stripe answered 402 card_error card_declined lost_card (req_1)"; got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
}

func TestWord(t *testing.T) {
	for text, want := range map[string]string{
		"card_declined": "card_declined", "metadata[a.b-c]": "metadata[a.b-c]", "a b": "", "<b>": "", "ä": "",
		strings.Repeat("a", 81): "",
	} {
		if got := word(text); got != want {
			t.Errorf("word(%q) = %q", text, got)
		}
	}
}
