package payment_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// pipelineParams are given as name, value pairs.
func pipelineParams(pairs ...string) holdfast.Params {
	var p holdfast.Params
	for i := 0; i < len(pairs); i += 2 {
		p = append(p, holdfast.Param{Name: pairs[i], Value: pairs[i+1]})
	}
	return p
}

func TestReadSingleUse(t *testing.T) {
	all := []holdfast.PaymentMethod{holdfast.MethodABT, holdfast.MethodCC, holdfast.MethodACH}
	for _, row := range []struct {
		name  string
		extra []string
		want  func(*payment.SingleUse)
	}{
		{"what is required", nil, func(*payment.SingleUse) {}},
		{"empty is not sent", []string{"tax", "", "paymentMethod", "", "reserve", "", "currencyCode", ""}, func(*payment.SingleUse) {}},
		{"unknown is ignored", []string{"disableGuest", "1", "CallerReference", "other"}, func(*payment.SingleUse) {}},
		{"reserve takes cards only", []string{"reserve", "true"}, func(r *payment.SingleUse) {
			r.Reserve, r.Methods = true, []holdfast.PaymentMethod{holdfast.MethodCC}
		}},
		{"reserve takes cards out of a list", []string{"reserve", "True", "paymentMethod", "ABT,CC"}, func(r *payment.SingleUse) {
			r.Reserve, r.Methods = true, []holdfast.PaymentMethod{holdfast.MethodCC}
		}},
		{"methods in the caller's order, once", []string{"paymentMethod", "ACH, ABT,ACH"}, func(r *payment.SingleUse) {
			r.Methods = []holdfast.PaymentMethod{holdfast.MethodACH, holdfast.MethodABT}
		}},
		{"breakdown in its own order", []string{"tax", "1", "discount", "0.50", "itemTotal", "4"}, func(r *payment.SingleUse) {
			r.Breakdown = []payment.BreakdownLine{
				{Label: "Items", Amount: money.Cents(400)},
				{Label: "Discount", Amount: money.Cents(50), Discount: true},
				{Label: "Tax", Amount: money.Cents(100)},
			}
		}},
		{"the caller's address", []string{"addressName", "Ann", "city", "Ames", "phoneNumber", "1"}, func(r *payment.SingleUse) {
			r.Address = holdfast.Address{Name: "Ann", City: "Ames", Phone: "1"}
		}},
		{"the caller's address gives way to a collected one", []string{"addressName", "Ann", "collectShippingAddress", "True"}, func(r *payment.SingleUse) {
			r.CollectAddress = true
		}},
		{"branding", []string{"cobrandingUrl", "https://img.example.test/a.png", "cobrandingStyle", "banner", "websiteDescription", "Kiln"}, func(r *payment.SingleUse) {
			r.LogoURL, r.Website = "https://img.example.test/a.png", "Kiln"
		}},
		{"another spelling", []string{"PAYMENTREASON", "Mugs"}, func(r *payment.SingleUse) { r.Reason = "Mugs" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := append(pipelineParams("callerReference", "order-1", "transactionAmount", "4.5"), pipelineParams(row.extra...)...)
			got, end := payment.ReadSingleUse(p)
			if end != nil {
				t.Fatal(end)
			}
			want := payment.SingleUse{Reference: "order-1", Amount: money.Cents(450), Methods: slices.Clone(all)}
			row.want(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadSingleUseRefuses(t *testing.T) {
	for _, row := range []struct {
		name    string
		params  holdfast.Params
		status  holdfast.ReturnStatus
		message string
	}{
		{"nothing sent", nil, holdfast.ReturnCallerError, "[callerReference, transactionAmount]"},
		{"each name once", pipelineParams("callerReference", strings.Repeat("é", 65), "transactionAmount", "0", "tax", "x"), holdfast.ReturnCallerError, "[callerReference, transactionAmount, tax]"},
		{"marketplace", pipelineParams("callerReference", "a", "transactionAmount", "1", "recipientToken", "R"), holdfast.ReturnNotMarketplace, "marketplace"},
		{"malformed before marketplace", pipelineParams("callerReference", "a", "transactionAmount", "x", "recipientToken", "R"), holdfast.ReturnCallerError, "[transactionAmount]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, end := payment.ReadSingleUse(row.params)
			if end == nil || end.Status != row.status || !strings.Contains(end.Message, row.message) {
				t.Errorf("end is %v, want %s with %s", end, row.status, row.message)
			}
		})
	}
	if _, end := payment.ReadSingleUse(pipelineParams("callerReference", strings.Repeat("é", 64), "transactionAmount", "1")); end != nil {
		t.Errorf("a reference of 128 bytes is refused: %v", end)
	}
}

func TestUsable(t *testing.T) {
	now := time.Date(2026, time.November, 30, 23, 59, 59, 999999000, time.UTC)
	card := payment.Instrument{ID: "card", Method: holdfast.MethodCC, ExpiryMonth: 11, ExpiryYear: 2026}
	balance := payment.Instrument{ID: "balance", Method: holdfast.MethodABT}
	r := payment.SingleUse{Methods: []holdfast.PaymentMethod{holdfast.MethodCC}}
	all := []payment.Instrument{card, balance}
	if diff := cmp.Diff([]payment.Instrument{card}, r.Usable(all, now)); diff != "" {
		t.Errorf("in the card's last microsecond (-want +got):\n%s", diff)
	}
	if got := r.Usable(all, now.Add(time.Microsecond)); len(got) != 0 {
		t.Errorf("after it: %v", got)
	}
	if r.Offers(holdfast.MethodABT) || !r.Offers(holdfast.MethodCC) {
		t.Error("the request offers what it does not list")
	}
}

func TestAccountProblem(t *testing.T) {
	good := func(id party.ID) party.Party {
		return party.Party{ID: id, EmailVerified: true, Standing: party.Active}
	}
	for _, row := range []struct {
		name   string
		change func(sender, recipient *party.Party)
		want   string // part of the message; empty when all is well
	}{
		{"all is well", func(_, _ *party.Party) {}, ""},
		{"same account", func(_, r *party.Party) { r.ID = "S" }, "same account"},
		{"sender suspended", func(s, _ *party.Party) { s.Standing = party.Suspended }, "sender's account"},
		{"sender closed", func(s, _ *party.Party) { s.Standing = party.Closed }, "sender's account"},
		{"sender's e-mail not verified", func(s, _ *party.Party) { s.EmailVerified = false }, "not verified"},
		{"recipient closed", func(_, r *party.Party) { r.Standing = party.Closed }, "recipient's account"},
	} {
		t.Run(row.name, func(t *testing.T) {
			sender, recipient := good("S"), good("R")
			row.change(&sender, &recipient)
			end := payment.AccountProblem(sender, recipient)
			switch {
			case row.want == "" && end != nil:
				t.Errorf("refused: %v", end)
			case row.want != "" && (end == nil || end.Status != holdfast.ReturnAccountProblem || !strings.Contains(end.Message, row.want)):
				t.Errorf("end is %v, want %q", end, row.want)
			}
		})
	}
}

func TestPlainHost(t *testing.T) {
	for host, want := range map[string]bool{
		"shop.example.test": true, "SHOP.example.test:8080": true, "127.0.0.1:80": true, "[::1]:8080": true, "a_b.example.test": true,
		"": false, "a;b": false, "a b": false, "a'b": false, "a,b": false, "a*b": false, "é.example.test": false, "a%3Bb": false,
	} {
		if got := payment.PlainHost(host); got != want {
			t.Errorf("PlainHost(%q) is %v", host, got)
		}
	}
}
