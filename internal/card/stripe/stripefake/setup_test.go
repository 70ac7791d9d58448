package stripefake_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

const setupsPath = "/v1/setup_intents"

// A card is kept without a page, too.
func TestSetupIntents(t *testing.T) {
	for _, row := range []struct {
		token    string
		status   int    // of the confirmation
		code     string // of its error
		setup    string // state of the SetupIntent
		attached bool
	}{
		{"pm_card_visa", 200, "", "succeeded", true},
		{"pm_card_chargeCustomerFail", 200, "", "succeeded", true},
		{"pm_card_chargeDeclined", 402, "card_declined", "requires_payment_method", false},
		{"pm_card_chargeDeclinedExpiredCard", 402, "expired_card", "requires_payment_method", false},
		{"pm_card_authenticationRequiredOnSetup", 200, "", "requires_action", false},
	} {
		f := newFake(t)
		customer := f.post(customersPath, "name=Ann").id()
		id := f.post(setupsPath, "customer="+customer+"&payment_method_types[]=card&payment_method="+row.token).id()
		got := f.do(row.status, "POST", setupsPath+"/"+id+"/confirm", "return_url=https://hf.example/back")
		if code, _ := got.at("error.code").(string); code != row.code {
			t.Errorf("%s: code is %q, want %q", row.token, code, row.code)
		}
		f.want(f.get(setupsPath+"/"+id, ""), "status", row.setup, "customer", customer)
		cards := f.get(customersPath+"/"+customer+"/payment_methods", "type=card").list()
		if attached := len(cards) == 1; attached != row.attached {
			t.Errorf("%s: the customer has the cards %v", row.token, cards)
		}
		if len(f.get(setupsPath, "customer="+customer).list()) != 1 || len(f.get(setupsPath, "customer=cus_none").list()) != 0 {
			t.Errorf("%s: the list is wrong", row.token)
		}
	}
}

func TestStatesOfASetupIntent(t *testing.T) {
	f := newFake(t)
	id := f.post(setupsPath, "payment_method_types[]=card&payment_method=pm_card_visa&usage=on_session").id()
	f.want(f.post(setupsPath+"/"+id+"/cancel", "cancellation_reason=abandoned"), "status", "canceled")
	for _, path := range []string{"/confirm", "/cancel"} {
		f.want(f.do(400, "POST", setupsPath+"/"+id+path, ""), "error.code", "setup_intent_unexpected_state",
			"error.setup_intent.status", "canceled")
	}
	id = f.post(setupsPath, "payment_method_types[]=card").id()
	f.do(400, "POST", setupsPath+"/"+id+"/confirm", "")
	done := f.post(setupsPath, "payment_method_types[]=card&payment_method=pm_card_visa&confirm=true")
	f.want(done, "status", "succeeded")
	f.wantEvents("setup_intent.created", "setup_intent.succeeded")
}

// A network tells the new date of a card. A card can decline from now on.
func TestCardsChange(t *testing.T) {
	f := newFake(t)
	customer, card := f.card("pm_card_visa")
	if err := f.UpdateCard(card, 3, 2035); err != nil {
		t.Fatal(err)
	}
	f.wantEvents("payment_method.automatically_updated")
	f.want(f.get("/v1/payment_methods/"+card, ""), "card.exp_month", 3, "card.exp_year", 2035)
	if err := f.DeclineCard(card, stripefake.Decline{DeclineCode: "stolen_card"}); err != nil {
		t.Fatal(err)
	}
	id := f.post("/v1/payment_intents", "amount=500&currency=usd&payment_method_types[]=card&customer="+customer+
		"&payment_method="+card).id()
	f.want(f.do(402, "POST", "/v1/payment_intents/"+id+"/confirm", "off_session=true"), "error.decline_code", "stolen_card",
		"error.advice_code", "do_not_try_again")
}
