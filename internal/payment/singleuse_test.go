package payment_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

func TestReadSingleUse(t *testing.T) {
	all := []holdfast.PaymentMethod{holdfast.MethodABT, holdfast.MethodCC, holdfast.MethodACH}
	for _, row := range []struct {
		name  string
		extra []string
		want  func(*payment.PipelineRequest)
	}{
		{"the required parameters", nil, func(*payment.PipelineRequest) {}},
		{
			"empty is not sent",
			[]string{"tax", "", "paymentMethod", "", "reserve", "", "currencyCode", ""},
			func(*payment.PipelineRequest) {},
		},
		{"unknown is ignored", []string{"disableGuest", "1", "CallerReference", "other"}, func(*payment.PipelineRequest) {}},
		{"reserve takes cards only", []string{"reserve", "true"}, func(r *payment.PipelineRequest) {
			r.Reserve, r.Methods = true, []holdfast.PaymentMethod{holdfast.MethodCC}
		}},
		{
			"reserve takes cards out of a list",
			[]string{"reserve", "True", "paymentMethod", "ABT,CC"},
			func(r *payment.PipelineRequest) {
				r.Reserve, r.Methods = true, []holdfast.PaymentMethod{holdfast.MethodCC}
			},
		},
		{"methods in the caller's order, once", []string{"paymentMethod", "ACH, ABT,ACH"}, func(r *payment.PipelineRequest) {
			r.Methods = []holdfast.PaymentMethod{holdfast.MethodACH, holdfast.MethodABT}
		}},
		{
			"breakdown in its own order",
			[]string{"tax", "1", "discount", "0.50", "itemTotal", "4"},
			func(r *payment.PipelineRequest) {
				r.Breakdown = []payment.BreakdownLine{
					{Part: payment.PartItems, Amount: money.Cents(400)},
					{Part: payment.PartDiscount, Amount: money.Cents(50)},
					{Part: payment.PartTax, Amount: money.Cents(100)},
				}
			},
		},
		{
			"the caller's address",
			[]string{"addressName", "Ann", "city", "Ames", "phoneNumber", "1"},
			func(r *payment.PipelineRequest) {
				r.Address = holdfast.Address{Name: "Ann", City: "Ames", Phone: "1"}
			},
		},
		{
			"the caller's address gives way to a collected one",
			[]string{"addressName", "Ann", "collectShippingAddress", "True"},
			func(r *payment.PipelineRequest) {
				r.CollectAddress = true
			},
		},
		{"branding", []string{
			"cobrandingUrl", "https://img.example.test/a.png", "cobrandingStyle", "banner", "websiteDescription", "Kiln",
		}, func(r *payment.PipelineRequest) {
			r.LogoURL, r.Website = "https://img.example.test/a.png", "Kiln"
		}},
		{
			"a logo on this machine",
			[]string{"cobrandingUrl", "http://localhost:8020/static/logo.svg"},
			func(r *payment.PipelineRequest) {
				r.LogoURL = "http://localhost:8020/static/logo.svg"
			},
		},
		{"another spelling", []string{"PAYMENTREASON", "Mugs"}, func(r *payment.PipelineRequest) { r.Reason = "Mugs" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := append(pipelineParams("pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "4.5"),
				pipelineParams(row.extra...)...)
			got, end := payment.ReadPipeline(p)
			if end != nil {
				t.Fatal(end)
			}
			want := payment.PipelineRequest{
				Pipeline: payment.PipelineSingleUse, Reference: "order-1",
				Amount: money.Cents(450), AmountType: holdfast.AmountMaximum, Methods: slices.Clone(all),
			}
			row.want(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBreakdownSum(t *testing.T) {
	for _, row := range []struct {
		sent   []string
		sum    string
		agrees bool
	}{
		{nil, "0.00", true},
		{[]string{"itemTotal", "4.50"}, "4.50", true},
		{[]string{
			"itemTotal", "4", "shipping", "1", "handling", "0.25", "giftWrapping", "0.25", "tax", "0.50", "discount", "1.50",
		}, "4.50", true},
		{[]string{"itemTotal", "4.49"}, "4.49", false},
		{[]string{"itemTotal", "0.00"}, "0.00", false},
		{[]string{"discount", "1"}, "-1.00", false},
	} {
		p := append(pipelineParams("pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "4.5"),
			pipelineParams(row.sent...)...)
		r, end := payment.ReadPipeline(p)
		if end != nil {
			t.Fatal(end)
		}
		if sum, agrees := r.BreakdownSum(); sum.Decimal() != row.sum || agrees != row.agrees {
			t.Errorf("%v make %v (%v), want %s (%v)", row.sent, sum, agrees, row.sum, row.agrees)
		}
	}
}

func TestReadSingleUseRefuses(t *testing.T) {
	for _, row := range []struct {
		name    string
		params  []string
		message string
	}{
		{"nothing sent", nil, "[callerReference, transactionAmount]"},
		{
			"each name once",
			[]string{"callerReference", strings.Repeat("é", 65), "transactionAmount", "0", "tax", "x"},
			"[callerReference, transactionAmount, tax]",
		},
		{
			"two recipients",
			[]string{"callerReference", "a", "transactionAmount", "1", "recipientToken", "R,S"},
			"[recipientToken]",
		},
		{
			"a recipient that is too long",
			[]string{"callerReference", "a", "transactionAmount", "1", "recipientToken", strings.Repeat("R", 66)},
			"[recipientToken]",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, end := payment.ReadPipeline(pipelineParams(append(row.params, "pipelineName", "SingleUse")...))
			if end == nil || end.Status != holdfast.ReturnCallerError || !strings.Contains(end.Message, row.message) {
				t.Errorf("end is %v, want CE with %s", end, row.message)
			}
		})
	}
	if _, end := payment.ReadPipeline(pipelineParams("pipelineName", "SingleUse", "callerReference",
		strings.Repeat("é", 64), "transactionAmount", "1")); end != nil {
		t.Errorf("a reference of 128 bytes is refused: %v", end)
	}
}
