package stripefake_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

func TestHoldThenCapture(t *testing.T) {
	f := newFake(t)
	p := f.intent("pm_card_visa", 4250, "&statement_descriptor_suffix=ORDER+A")
	f.want(p, "status", "requires_confirmation", "amount", 4250, "amount_capturable", 0, "latest_charge", nil,
		"livemode", false)
	p = f.post("/v1/payment_intents/"+p.id()+"/confirm", "off_session=true&expand[0]=latest_charge")
	f.want(p, "status", "requires_capture", "amount_capturable", 4250, "amount_received", 0, "metadata.holdfast_key",
		"T1/Authorize",
		"latest_charge.captured", false, "latest_charge.outcome.type", "authorized",
		"latest_charge.payment_method_details.card.last4", "4242")
	if holds := f.Holds(); len(holds) != 1 || holds[0].Amount != 4250 || holds[0].Key != "T1/Authorize" {
		t.Errorf("holds are %+v", holds)
	}
	p = f.post("/v1/payment_intents/"+p.id()+"/capture",
		"amount_to_capture=4250&expand[]=latest_charge.balance_transaction")
	f.want(p, "status", "succeeded", "amount_received", 4250, "amount_capturable", 0, "latest_charge.captured", true,
		"latest_charge.balance_transaction.amount", 4250, "latest_charge.balance_transaction.fee", 153)
	if refunds := f.get("/v1/refunds", "payment_intent="+p.id()).list(); len(refunds) != 0 {
		t.Errorf("refunds are %v", refunds)
	}
	if len(f.Holds()) != 0 || f.Captured() != 4250 {
		t.Errorf("%d holds, %d captured", len(f.Holds()), f.Captured())
	}
}

func TestCaptureOfLessMakesARefundObject(t *testing.T) {
	f := newFake(t)
	id := f.held("pm_card_visa", 4250)
	p := f.post("/v1/payment_intents/"+id+"/capture", "amount_to_capture=4000&expand[]=latest_charge")
	f.want(p, "status", "succeeded", "amount_received", 4000, "latest_charge.amount_refunded", 250,
		"latest_charge.amount_captured", 4000, "latest_charge.refunded", false)
	refunds := f.get("/v1/refunds", "payment_intent="+id).list()
	if len(refunds) != 1 || len(refunds[0]["metadata"].(map[string]any)) != 0 {
		t.Errorf("refunds are %v", refunds)
	}
	var kinds []string
	for _, line := range f.get("/v1/balance_transactions", "").list() {
		kinds = append(kinds, line["type"].(string))
	}
	if strings.Join(kinds, " ") != "refund charge" || f.Refunded() != 0 {
		t.Errorf("balance has %q, refunded %d", kinds, f.Refunded())
	}
	f.wantEvents("charge.refunded", "charge.captured", "payment_intent.succeeded")
}

// wantEvents checks the last events, the oldest first.
func (f *fake) wantEvents(kinds ...string) {
	f.t.Helper()
	var got []string
	for _, e := range f.get("/v1/events", "limit=100").list() {
		got = append([]string{e["type"].(string)}, got...)
	}
	if len(got) < len(kinds) || strings.Join(got[len(got)-len(kinds):], " ") != strings.Join(kinds, " ") {
		f.t.Errorf("events are %q, want %q at the end", got, kinds)
	}
}

func TestHowLongAHoldLives(t *testing.T) {
	for _, row := range []struct {
		token, confirm string
		want           time.Duration
	}{
		{"pm_card_visa", "off_session=true", 4*24*time.Hour + 18*time.Hour},
		{"pm_card_visa", "error_on_requires_action=true", 7 * 24 * time.Hour},
		{"pm_card_visa", "return_url=https://hf.example/back", 7 * 24 * time.Hour},
		{"pm_card_mastercard", "off_session=true", 7 * 24 * time.Hour},
		{"pm_card_amex", "off_session=true", 7 * 24 * time.Hour},
		{"pm_card_discover", "off_session=true", 7 * 24 * time.Hour},
	} {
		f := newFake(t)
		id := f.intent(row.token, 500, "").id()
		p := f.post("/v1/payment_intents/"+id+"/confirm", row.confirm+"&expand[]=latest_charge")
		until := f.clock.Now().Add(row.want)
		f.want(p, "latest_charge.payment_method_details.card.capture_before", int(until.Unix()))

		f.clock.move(row.want - time.Second)
		f.want(f.get("/v1/payment_intents/"+id, ""), "status", "requires_capture")
		f.clock.move(time.Second)
		p = f.get("/v1/payment_intents/"+id, "expand[]=latest_charge.refunds")
		f.want(p, "status", "canceled", "cancellation_reason", "automatic", "canceled_at", int(until.Unix()),
			"latest_charge.refunded", true)
		refund := p.at("latest_charge.refunds").(map[string]any)["data"].([]any)[0].(map[string]any)
		if refund["reason"] != "expired_uncaptured_charge" {
			t.Errorf("the refund of the lapse has reason %v", refund["reason"])
		}
		f.wantEvents("charge.refunded", "charge.expired", "payment_intent.canceled")
		f.want(f.do(http.StatusBadRequest, "POST", "/v1/payment_intents/"+id+"/capture", ""),
			"error.code", "payment_intent_unexpected_state", "error.payment_intent.status", "canceled")
	}
}

func TestStatesOfAPaymentIntent(t *testing.T) {
	f := newFake(t)
	id := f.held("pm_card_visa", 500)
	for _, row := range []struct{ path, params, code string }{
		{"/confirm", "off_session=true", "payment_intent_unexpected_state"},
		{"/capture", "amount_to_capture=501", "amount_too_large"},
	} {
		f.want(f.do(http.StatusBadRequest, "POST", "/v1/payment_intents/"+id+row.path, row.params), "error.code", row.code)
	}
	f.want(f.post("/v1/payment_intents/"+id+"/cancel", "cancellation_reason=abandoned"),
		"status", "canceled", "cancellation_reason", "abandoned")
	for _, path := range []string{"/cancel", "/capture", "/confirm"} {
		f.want(f.do(http.StatusBadRequest, "POST", "/v1/payment_intents/"+id+path, ""),
			"error.code", "payment_intent_unexpected_state", "error.payment_intent.id", id, "error.type",
			"invalid_request_error")
	}
	if len(f.Holds()) != 0 || f.Captured() != 0 {
		t.Errorf("%d holds, %d captured", len(f.Holds()), f.Captured())
	}
}

func TestChargeTakesTheMoneyAtOnce(t *testing.T) {
	for _, row := range []struct {
		method string
		booked bool
	}{{"automatic", true}, {"automatic_async", false}} {
		f := newFake(t)
		customer, card := f.card("pm_card_visa")
		p := f.post("/v1/payment_intents", "amount=999&currency=usd&payment_method_types[]=card&capture_method="+row.method+
			"&customer="+customer+"&payment_method="+card)
		p = f.post("/v1/payment_intents/"+p.id()+"/confirm", "off_session=true&expand[]=latest_charge")
		f.want(p, "status", "succeeded", "amount_received", 999, "latest_charge.captured", true)
		if booked := p.at("latest_charge.balance_transaction") != nil; booked != row.booked {
			t.Errorf("%s: booked at once is %v", row.method, booked)
		}
		f.clock.move(time.Minute)
		if f.get("/v1/payment_intents/"+p.id(), "expand[]=latest_charge").at("latest_charge.balance_transaction") == nil {
			t.Errorf("%s: not booked after a minute", row.method)
		}
	}
}

func TestDeclines(t *testing.T) {
	for _, row := range []struct{ token, code, decline, advice string }{
		{"pm_card_chargeCustomerFail", "card_declined", "generic_decline", "try_again_later"},
		{"pm_card_authenticationRequired", "authentication_required", "authentication_required", ""},
		{"pm_card_threeDSecureRequiredProcessingError", "card_declined", "generic_decline", "try_again_later"},
		{
			"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds",
			"try_again_later",
		},
	} {
		f := newFake(t)
		customer := f.post("/v1/customers", "name=Ann").id()
		card := f.post("/v1/payment_methods/"+row.token+"/attach", "customer="+customer)
		id := f.post("/v1/payment_intents", "amount=500&currency=usd&payment_method_types[]=card"+
			"&capture_method=manual&customer="+
			customer+"&payment_method="+card.id()).id()
		got := f.do(http.StatusPaymentRequired, "POST", "/v1/payment_intents/"+id+"/confirm", "off_session=true")
		f.want(got, "error.type", "card_error", "error.code", row.code, "error.decline_code", row.decline,
			"error.payment_intent.status", "requires_payment_method", "error.payment_intent.last_payment_error.code", row.code,
			"error.payment_method.id", card.id())
		if advice, _ := got.at("error.advice_code").(string); advice != row.advice {
			t.Errorf("%s: advice is %q, want %q", row.token, advice, row.advice)
		}
		f.want(f.get("/v1/payment_intents/"+id, ""), "status", "requires_payment_method", "payment_method", nil,
			"last_payment_error.code", row.code)
		f.wantEvents("charge.failed", "payment_intent.payment_failed")
		if len(f.Holds()) != 0 {
			t.Errorf("%s: %d holds", row.token, len(f.Holds()))
		}
	}
}

func TestDeclinesOnOrder(t *testing.T) {
	f := newFake(t)
	f.DeclineNext(stripefake.Decline{DeclineCode: "do_not_honor", Advice: "do_not_try_again"})
	id := f.intent("pm_card_visa", 500, "").id()
	f.want(f.do(http.StatusPaymentRequired, "POST", "/v1/payment_intents/"+id+"/confirm", "off_session=true"),
		"error.code", "card_declined", "error.decline_code", "do_not_honor", "error.advice_code", "do_not_try_again")
	f.held("pm_card_visa", 500)
}

// A confirm of a declined PaymentIntent is a second attempt on the card.
func TestSecondAttemptIsAFault(t *testing.T) {
	f := newFake(t)
	f.DeclineNext(stripefake.Decline{DeclineCode: "insufficient_funds"})
	p := f.intent("pm_card_visa", 500, "")
	card := p.at("payment_method").(string)
	path := "/v1/payment_intents/" + p.id() + "/confirm"
	f.do(http.StatusPaymentRequired, "POST", path, "off_session=true")
	f.want(f.do(http.StatusBadRequest, "POST", path, "off_session=true"), "error.code", "payment_intent_unexpected_state")
	f.wantFaults("second attempt")
	f.want(f.post(path, "off_session=true&payment_method="+card), "status", "requires_capture")
	f.wantFaults("second attempt")
	if n := f.Attempts(p.id()); n != 2 {
		t.Errorf("%d attempts", n)
	}
}
