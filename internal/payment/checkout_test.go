package payment_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// aCheckout are the parameters of a checkout's request, with some changed.
func aCheckout(pipeline payment.Pipeline, changed ...string) holdfast.Params {
	all := append(pipelineParams("pipelineName", string(pipeline), "returnURL", "https://shop.example.test/thanks"),
		minimal[pipeline]...)
	for _, c := range pipelineParams(changed...) {
		all = append(all.Without(c.Name), c)
	}
	return all
}

func TestCheckoutsHaveThePipelinesOfPayments(t *testing.T) {
	for _, pipeline := range payment.Pipelines {
		r, end := payment.ReadCheckout(party.Caller{}, aCheckout(pipeline))
		switch allowed := slices.Contains(payment.CheckoutPipelines, pipeline); {
		case allowed && (end != nil || r.Pipeline != pipeline):
			t.Errorf("%s: %v, %+v", pipeline, end, r)
		case !allowed && (end == nil || !slices.Equal(end.Names(), []string{"pipelineName"})):
			t.Errorf("%s is not refused: %v", pipeline, end)
		}
	}
}

// A checkout is refused for all that a signed link is refused for, and the
// malformed parameters are named.
func TestMalformedCheckouts(t *testing.T) {
	for _, row := range []struct {
		name    string
		changed []string
		want    []string
	}{
		{"amount of a link", []string{"transactionAmount", "0.001"}, []string{"transactionAmount"}},
		{"no return URL", []string{"returnURL", ""}, []string{"returnURL"}},
		{"script as return URL", []string{"returnURL", "javascript:alert(1)"}, []string{"returnURL"}},
		{"scheme of an application", []string{"returnURL", "myshop://back"}, []string{"returnURL"}},
		{"password in the return URL", []string{"returnURL", "https://a:b@shop.example.test/"}, []string{"returnURL"}},
		{"port that no browser opens", []string{"returnURL", "http://shop.example.test:25/"}, []string{"returnURL"}},
		{"host without a name", []string{"returnURL", "https://999.1.1.1/"}, []string{"returnURL"}},
		{"own status", []string{"returnURL", "https://shop.example.test/?status=SC"}, []string{"returnURL"}},
		{"own checkout", []string{"returnURL", "https://shop.example.test/?Checkout=V1"}, []string{"returnURL"}},
		{
			"own city",
			[]string{"returnURL", "https://shop.example.test/?city=Ames", "collectShippingAddress", "True"},
			[]string{"returnURL"},
		},
		{"two at once", []string{"reserve", "perhaps", "returnURL", "/back"}, []string{"reserve", "returnURL"}},
		{"zero byte", []string{"callerReference", "a\x00b"}, []string{"callerReference"}},
		{"escape", []string{"paymentReason", "a\x1b[2Jb"}, []string{"paymentReason"}},
		{"bytes that are no text", []string{"paymentReason", "a\xffb"}, []string{"paymentReason"}},
		{"long text", []string{"paymentReason", strings.Repeat("x", 2049)}, []string{"paymentReason"}},
		{"large request", []string{"paymentReason", strings.Repeat("x", 17<<10)}, []string{"paymentReason"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, end := payment.ReadCheckout(party.Caller{}, aCheckout(payment.PipelineSingleUse, row.changed...))
			if end == nil || end.Status != holdfast.ReturnCallerError {
				t.Fatalf("it is not refused: %v", end)
			}
			if diff := cmp.Diff(row.want, end.Names()); diff != "" {
				t.Errorf("malformed parameters (-want +got):\n%s", diff)
			}
		})
	}
	app := aCheckout(payment.PipelineSingleUse, "returnURL", "myshop://back")
	if _, end := payment.ReadCheckout(party.Caller{ReturnSchemes: "myshop"}, app); end != nil {
		t.Errorf("a scheme that the caller may use: %v", end)
	}
	lines := aCheckout(payment.PipelineSingleUse, "paymentReason", "Two mugs\n\tand a bowl")
	if _, end := payment.ReadCheckout(party.Caller{}, lines); end != nil {
		t.Errorf("a text of two lines: %v", end)
	}
}

func TestStatesOfACheckout(t *testing.T) {
	begun := time.Date(2026, time.November, 30, 12, 0, 0, 0, time.UTC)
	late := begun.Add(payment.CheckoutLife)
	open := payment.Visit{ID: "V1", Checkout: payment.CheckoutOpen, Created: begun, Expires: late}
	wantState := func(v payment.Visit, at time.Time, want payment.CheckoutState) {
		t.Helper()
		if got := v.CheckoutAt(at); got != want {
			t.Errorf("at %v the checkout is %s, want %s", at, got, want)
		}
	}
	wantState(open, late.Add(-time.Microsecond), payment.CheckoutOpen)
	wantState(open, late, payment.CheckoutExpired)

	agreed := open
	agreed.Answer = "tokenID=T1"
	agreed = agreed.End(holdfast.ReturnSuccessCC, "", begun)
	wantState(agreed, late, payment.CheckoutApproved)
	if agreed.TokenOf() != "T1" {
		t.Errorf("the token is %q", agreed.TokenOf())
	}
	left := open.End(holdfast.ReturnAbandoned, "left", begun)
	wantState(left, late, payment.CheckoutCancelled)
	expired := open.Expire(late)
	wantState(expired, begun, payment.CheckoutExpired)

	cancelled, err := open.CancelCheckout(begun)
	if err != nil || !cancelled.Over() || cancelled.Status != holdfast.ReturnCallerError {
		t.Errorf("cancelled: %+v, %v", cancelled, err)
	}
	wantState(cancelled, late, payment.CheckoutCancelled)
	if again, err := left.CancelCheckout(late); err != nil || again != left {
		t.Errorf("cancelled again: %+v, %v", again, err)
	}
	for _, v := range []payment.Visit{agreed, expired, open} {
		_, err := v.CancelCheckout(late)
		if refused, ok := errors.AsType[*payment.CheckoutStateError](err); !ok || refused.State != v.CheckoutAt(late) {
			t.Errorf("cancelling a checkout that is %s: %v", v.CheckoutAt(late), err)
		}
	}
	link := payment.Visit{ID: "V2"}.End(holdfast.ReturnAbandoned, "", begun)
	wantState(link, late, "")
}
