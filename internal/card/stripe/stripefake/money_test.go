package stripefake_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

// taken is a payment that was captured.
func (f *fake) taken(token string, amount int) string {
	f.t.Helper()
	id := f.held(token, amount)
	f.post("/v1/payment_intents/"+id+"/capture", "")
	return id
}

// balance is the sum of the balance's lines: their amounts and their fees.
func (f *fake) balance() (amount, fee int64) {
	f.t.Helper()
	for _, line := range f.Objects("balance_transaction") {
		amount += number(f.t, line["amount"])
		fee += number(f.t, line["fee"])
	}
	return amount, fee
}

func number(t *testing.T, value any) int64 {
	t.Helper()
	n, err := value.(json.Number).Int64()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRefunds(t *testing.T) {
	f := newFake(t)
	id := f.taken("pm_card_visa", 4250)
	r := f.post("/v1/refunds", "payment_intent="+id+"&amount=250&metadata[holdfast_key]=T2/Return"+
		"&reason=requested_by_customer")
	f.want(r, "status", "succeeded", "amount", 250, "payment_intent", id, "metadata.holdfast_key", "T2/Return")
	f.wantEvents("refund.created", "charge.refunded")
	f.post("/v1/refunds", "payment_intent="+id+"&amount=250")
	f.want(f.do(400, "POST", "/v1/refunds", "payment_intent="+id+"&amount=3751"), "error.code", nil, "error.param",
		"amount")
	f.post("/v1/refunds", "payment_intent="+id)
	f.want(f.do(400, "POST", "/v1/refunds", "payment_intent="+id+"&amount=1"), "error.code", "charge_already_refunded")
	if list := f.get("/v1/refunds", "payment_intent="+id+"&limit=100").list(); len(list) != 3 {
		t.Errorf("%d refunds", len(list))
	}
	f.want(f.get("/v1/refunds/"+r.id(), "expand[]=balance_transaction"), "balance_transaction.amount", -250)
	f.want(f.get("/v1/payment_intents/"+id, "expand[]=latest_charge"), "latest_charge.refunded", true,
		"latest_charge.amount_refunded", 4250)
	if amount, _ := f.balance(); amount != 0 || f.Refunded() != 4250 || f.Captured() != 4250 {
		t.Errorf("balance %d, refunded %d, captured %d", amount, f.Refunded(), f.Captured())
	}
}

func TestRefundOfAHold(t *testing.T) {
	f := newFake(t)
	id := f.held("pm_card_visa", 500)
	f.do(400, "POST", "/v1/refunds", "payment_intent="+id)
	f.do(404, "POST", "/v1/refunds", "payment_intent=pi_none")
}

func TestRefundsThatWait(t *testing.T) {
	f := newFake(t)
	f.Set(func(s *stripefake.Settings) { s.RefundsWait = true })
	id := f.taken("pm_card_visa", 4250)
	good := f.post("/v1/refunds", "payment_intent="+id+"&amount=1000").id()
	bad := f.post("/v1/refunds", "payment_intent="+id+"&amount=2000").id()
	f.want(f.get("/v1/refunds/"+good, ""), "status", "pending", "pending_reason", "processing")
	if err := f.FinishRefund(good); err != nil {
		t.Fatal(err)
	}
	f.wantEvents("refund.updated", "charge.refund.updated")
	if err := f.FailRefund(bad, "declined"); err != nil {
		t.Fatal(err)
	}
	f.wantEvents("refund.failed", "refund.updated", "charge.refund.updated")
	f.want(f.get("/v1/refunds/"+bad, "expand[]=failure_balance_transaction"), "status", "failed", "failure_reason",
		"declined",
		"failure_balance_transaction.amount", 2000, "failure_balance_transaction.type", "refund_failure")
	f.want(f.get("/v1/payment_intents/"+id, "expand[]=latest_charge"), "latest_charge.amount_refunded", 1000)
	if f.Refunded() != 1000 {
		t.Errorf("refunded %d", f.Refunded())
	}
}

func TestRefundsOfCards(t *testing.T) {
	for _, row := range []struct{ token, first, last string }{
		{"pm_card_refundFail", "succeeded", "failed"}, {"pm_card_pendingRefund", "pending", "succeeded"},
	} {
		f := newFake(t)
		id := f.post("/v1/refunds", "payment_intent="+f.taken(row.token, 500)).id()
		f.want(f.get("/v1/refunds/"+id, ""), "status", row.first)
		f.clock.move(time.Hour)
		f.want(f.get("/v1/refunds/"+id, ""), "status", row.last)
	}
}

func TestDisputes(t *testing.T) {
	for _, row := range []struct {
		won     bool
		status  string
		balance int64
	}{{true, "won", 4250}, {false, "lost", 0}} {
		f := newFake(t)
		id := f.taken("pm_card_visa", 4250)
		d, err := f.Dispute(id, "product_not_received", false)
		if err != nil {
			t.Fatal(err)
		}
		f.wantEvents("charge.dispute.created", "charge.dispute.funds_withdrawn")
		f.want(f.get("/v1/disputes/"+d, ""), "status", "needs_response", "payment_intent", id, "amount", 4250,
			"reason", "product_not_received", "is_charge_refundable", false)
		f.want(f.do(400, "POST", "/v1/refunds", "payment_intent="+id), "error.code", "charge_disputed")
		if amount, fee := f.balance(); amount != 0 || fee != 153+1500 {
			t.Errorf("balance is %d, fees %d", amount, fee)
		}
		if err := f.CloseDispute(d, row.won); err != nil {
			t.Fatal(err)
		}
		f.want(f.get("/v1/disputes/"+d, ""), "status", row.status)
		if amount, _ := f.balance(); amount != row.balance {
			t.Errorf("%s: balance is %d", row.status, amount)
		}
	}
}

func TestInquiriesMoveNoMoney(t *testing.T) {
	f := newFake(t)
	f.taken("pm_card_createDisputeInquiry", 500)
	f.wantEvents("payment_intent.succeeded", "charge.dispute.created")
	list := f.get("/v1/disputes", "").list()
	if len(list) != 1 || list[0]["status"] != "warning_needs_response" {
		t.Fatalf("disputes are %v", list)
	}
	if amount, _ := f.balance(); amount != 500 {
		t.Errorf("balance is %d", amount)
	}
}

// The merchant accepts a dispute by a call, which needs the right to write.
func TestDisputesAreAccepted(t *testing.T) {
	f := newFake(t)
	f.taken("pm_card_createDispute", 500)
	id := f.get("/v1/disputes", "").list()[0]["id"].(string)
	f.do(403, "POST", "/v1/disputes/"+id+"/close", "")
	f.key = stripefake.UnrestrictedKey
	f.want(f.post("/v1/disputes/"+id+"/close", ""), "status", "lost")
}

func TestFraudWarningAndReview(t *testing.T) {
	f := newFake(t)
	id := f.taken("pm_card_createIssuerFraudRecord", 500)
	f.wantEvents("payment_intent.succeeded", "radar.early_fraud_warning.created")
	if list := f.get("/v1/radar/early_fraud_warnings", "payment_intent="+id).list(); len(list) != 1 {
		t.Errorf("warnings are %v", list)
	}
	if err := f.Review(id); err != nil {
		t.Fatal(err)
	}
	f.wantEvents("review.opened")
	f.want(f.get("/v1/payment_intents/"+id, "expand[]=review"), "review.open", true)
}

func TestPayouts(t *testing.T) {
	f := newFake(t)
	whole, part := f.taken("pm_card_visa", 4250), f.held("pm_card_mastercard", 1000)
	f.post("/v1/payment_intents/"+part+"/capture", "amount_to_capture=600")
	f.post("/v1/refunds", "payment_intent="+whole+"&amount=250")
	d, err := f.Dispute(part, "fraudulent", false)
	if err != nil {
		t.Fatal(err)
	}
	id := f.Payout(false)
	f.wantEvents("payout.created", "payout.paid", "payout.reconciliation_completed")
	f.taken("pm_card_visa", 999) // after the payout
	lines := f.get("/v1/balance_transactions", "payout="+id+"&limit=100&expand[]=data.source").list()
	var net int64
	var kinds []string
	for _, line := range lines {
		kinds = append(kinds, line["type"].(string))
		if _, expanded := line["source"].(map[string]any); !expanded {
			t.Errorf("the source of %v is not expanded", line)
		}
		if line["type"] != "payout" {
			net += number(t, line["net"])
		}
	}
	if strings.Join(kinds, " ") != "payout adjustment refund refund charge charge" {
		t.Errorf("kinds are %q", kinds)
	}
	want := int64(4250 - 250 + 600 - 600 - 153 - 47 - 1500)
	if f.want(f.get("/v1/payouts/"+id, ""), "amount", int(want), "status", "paid", "automatic", true); net != want {
		t.Errorf("the lines' net is %d, want %d", net, want)
	}
	f.want(f.get("/v1/disputes/"+d, ""), "status", "needs_response")
}

// What the account's owner does in the dashboard has no key of ours.
func TestDashboard(t *testing.T) {
	f := newFake(t)
	captured, cancelled, lapsed := f.held("pm_card_visa", 500), f.held("pm_card_visa", 600), f.held("pm_card_visa", 700)
	if err := f.Capture(captured, 400); err != nil {
		t.Fatal(err)
	}
	f.want(f.get("/v1/payment_intents/"+captured, ""), "status", "succeeded", "amount_received", 400)
	if err := f.Cancel(cancelled); err != nil {
		t.Fatal(err)
	}
	f.want(f.get("/v1/payment_intents/"+cancelled, ""), "status", "canceled", "cancellation_reason", nil)
	if err := f.Lapse(lapsed); err != nil {
		t.Fatal(err)
	}
	f.want(f.get("/v1/payment_intents/"+lapsed, ""), "status", "canceled", "cancellation_reason", "automatic")
	id, err := f.Refund(captured, 100)
	if err != nil {
		t.Fatal(err)
	}
	f.want(f.get("/v1/refunds/"+id, ""), "metadata.holdfast_key", nil, "amount", 100)
	if last := f.get("/v1/events", "limit=1").list()[0]; last["request"].(map[string]any)["id"] != nil {
		t.Errorf("the event is of a request: %v", last)
	}
	if f.Capture(captured, 1) == nil || f.Cancel(captured) == nil || f.Cancel("pi_none") == nil {
		t.Error("the dashboard did what is not possible")
	}
}

// A test can make answers that no version of Stripe gives yet.
func TestAlteredAnswers(t *testing.T) {
	f := newFake(t)
	id := f.held("pm_card_visa", 500)
	f.Set(func(s *stripefake.Settings) {
		s.Alter = func(_ *http.Request, answer map[string]any) { answer["status"] = "requires_patience" }
	})
	f.want(f.get("/v1/payment_intents/"+id, ""), "status", "requires_patience")
	f.Set(func(s *stripefake.Settings) { s.Alter = nil })
	f.want(f.get("/v1/payment_intents/"+id, ""), "status", "requires_capture")
}
