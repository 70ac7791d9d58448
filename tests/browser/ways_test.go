package browser

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A way is one of the seven pipelines, with a shop's typical link.
type way struct {
	pipeline payment.Pipeline
	success  holdfast.ReturnStatus
	second   bool // makes a token under the second reference, too
	link     func(s *site, reference, second holdfast.CallerReference) (string, error)
}

var ways = []way{
	{
		payment.PipelineSingleUse, holdfast.ReturnSuccessCC, false,
		func(s *site, reference, _ holdfast.CallerReference) (string, error) {
			return s.sdk.SingleUseURL(holdfast.SingleUseRequest{
				CallerReference: reference, ReturnURL: s.shop, TransactionAmount: holdfasttest.USD("42.50"), Reserve: true,
				PaymentReason: "Two mugs", ItemTotal: holdfasttest.USD("36.00"), Shipping: holdfasttest.USD("4.00"),
				Tax:                    holdfasttest.USD("2.50"),
				CollectShippingAddress: true,
			})
		},
	},
	{
		payment.PipelineMultiUse, holdfast.ReturnSuccessCC, false,
		func(s *site, reference, _ holdfast.CallerReference) (string, error) {
			return s.sdk.MultiUseURL(holdfast.MultiUseRequest{
				CallerReference: reference, ReturnURL: s.shop, GlobalAmountLimit: holdfasttest.USD("200"),
				TransactionAmount: holdfasttest.USD("15"), AmountType: holdfast.AmountMaximum,
				PaymentReason: "Coffee, whenever you come by",
				UsageLimits: []holdfast.UsageTerms{
					{Count: 2, Period: "1 Day"}, {Amount: holdfasttest.USD("60"), Period: "1 Month"},
				},
				RecipientTokens: []holdfast.TokenID{s.RecipientToken}, RecipientCobranding: true, CollectEmailAddress: true,
			})
		},
	},
	{
		payment.PipelineRecurring, holdfast.ReturnSuccessCC, false,
		func(s *site, reference, _ holdfast.CallerReference) (string, error) {
			return s.sdk.RecurringURL(holdfast.RecurringRequest{
				CallerReference: reference, ReturnURL: s.shop, TransactionAmount: holdfasttest.USD("9.50"),
				RecurringPeriod: "1 Month", PaymentReason: "A glaze every month",
				ValidityExpiry: s.CallerNow().Add(400 * 24 * time.Hour),
			})
		},
	},
	{
		payment.PipelineRecipient, holdfast.ReturnSuccessRecipient, true,
		func(s *site, reference, second holdfast.CallerReference) (string, error) {
			return s.sdk.RecipientURL(holdfast.RecipientRequest{
				CallerReference: reference, CallerReferenceRefund: second, ReturnURL: s.shop, RecipientPaysFee: true,
				MaxFixedFee: holdfasttest.USD("0.50"), MaxVariableFee: "2.5", PaymentReason: "Sell your pots with us",
			})
		},
	},
	{
		payment.PipelineSetupPrepaid, holdfast.ReturnSuccessCC, true,
		func(s *site, reference, second holdfast.CallerReference) (string, error) {
			return s.sdk.SetupPrepaidURL(holdfast.SetupPrepaidRequest{
				CallerReferenceSender: reference, CallerReferenceFunding: second, ReturnURL: s.shop,
				FundingAmount: holdfasttest.USD("50"),
				PaymentReason: "Clay by the bag",
			})
		},
	},
	{
		payment.PipelineSetupPostpaid, holdfast.ReturnSuccessCC, true,
		func(s *site, reference, second holdfast.CallerReference) (string, error) {
			return s.sdk.SetupPostpaidURL(holdfast.SetupPostpaidRequest{
				CallerReferenceSender: reference, CallerReferenceSettlement: second, ReturnURL: s.shop,
				CreditLimit: holdfasttest.USD("50"), GlobalAmountLimit: holdfasttest.USD("500"),
				PaymentReason: "Firing, settled each month",
				UsageLimits:   []holdfast.UsageTerms{{Amount: holdfasttest.USD("40"), Period: "1 Day"}},
			})
		},
	},
	{
		payment.PipelineEditToken, holdfast.ReturnSuccessABT, false,
		func(s *site, reference, _ holdfast.CallerReference) (string, error) {
			return s.sdk.EditTokenURL(holdfast.EditTokenRequest{
				CallerReference: reference, ReturnURL: s.shop, TokenID: s.multiUse(),
			})
		},
	},
}

// multiUse makes a token of the buyer for many uses, paid by card.
func (s *site) multiUse() holdfast.TokenID {
	s.t.Helper()
	return s.Token(payment.Token{
		Type: holdfast.TokenMultiUse, Instrument: s.Card.ID, Method: s.Card.Method,
		FriendlyName: "Coffee, whenever you come by",
	})
}

// A walk is one browser's way through the pages.
type walk struct {
	*site
	*page
	way
	t         *testing.T
	reference holdfast.CallerReference
	link      string
}

// begin makes a link with new references.
func (s *site) begin(p *page, w way) *walk {
	s.t.Helper()
	reference := holdfast.CallerReference(s.IDs.Other(string(w.pipeline) + "-"))
	link, err := w.link(s, reference, reference+"-second")
	if err != nil {
		s.t.Fatal(err)
	}
	return &walk{site: s, page: p, way: w, t: s.t, reference: reference, link: link}
}

// goOn fills in and sends the page.
func (w *walk) goOn() {
	w.t.Helper()
	switch name := w.name(); name {
	case "sign-in":
		w.signIn(w.page, w.Buyer)
	case "payment":
		if w.pipeline == payment.PipelineEditToken {
			w.do("choosing the balance", click(`input[value="`+string(w.Balance().ID)+`"]`))
		}
		w.submit()
	case "address", "confirm":
		w.submit()
	default:
		w.t.Fatalf("the test does not know what to do on %s\nat %s\n%s", name, w.address(), w.text())
	}
}

// typeOn fills in and sends the page with the keyboard alone.
func (w *walk) typeOn() {
	w.t.Helper()
	w.press(kb.Tab)
	if !w.focusIsOn(".skip") {
		w.t.Fatalf("on %s the Tab key stops at %s first, want the link that skips to the form", w.name(), w.focus().What)
	}
	w.press(kb.Enter)
	switch name := w.name(); name {
	case "sign-in":
		w.press(kb.Tab) // past the slip, which has nothing to use
		if !w.focusIsOn(`input[name=email]`) {
			w.t.Fatalf("after skipping the Tab key stops at %s", w.focus().What)
		}
		w.press(w.Buyer.Email)
		w.press(kb.Tab)
		w.press(holdfasttest.Password)
		w.enter(kb.Enter)
	case "payment":
		w.tabTo(`input[name=instrument]:checked`)
		for range stopsMax {
			if w.press(kb.ArrowDown); w.focusIsOn(`input[value="` + string(w.Balance().ID) + `"]:checked`) {
				break
			}
		}
		w.tabTo(`main form .primary`)
		w.enter(" ")
	case "address":
		w.tabTo(`main form .primary`)
		w.enter(kb.Enter)
	default:
		w.t.Fatalf("the test does not know what to type on %s\nat %s\n%s", name, w.address(), w.text())
	}
}

// goTo continues until the browser is on a page.
func (w *walk) goTo(name string) {
	w.t.Helper()
	const pagesMost = 6
	for range pagesMost {
		if w.name() == name {
			return
		}
		w.goOn()
	}
	w.wantPage(name)
}

// wantMade fails the test unless each reference has one token, or none has any.
func (w *walk) wantMade(made bool) {
	w.t.Helper()
	want := 0
	if made {
		want = 1
	}
	w.wantTokens(w.reference, want)
	if w.second {
		w.wantTokens(w.reference+"-second", want)
	}
	w.CheckBooks()
}
