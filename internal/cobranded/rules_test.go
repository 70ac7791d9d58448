package cobranded_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Only sandbox callers see the text that should have been signed. A stranger
// may have a live caller's link.
func TestALiveCallersRefusedLinkShowsNoText(t *testing.T) {
	wrong := func(s *site) string {
		return strings.Replace(s.link(order()), "transactionAmount=42.50", "transactionAmount=1.50", 1)
	}
	s := newSite(t)
	s.pages.Signing = "/doc/signing"
	s.get(wrong(s))
	s.wantInvalid("Invalid Signature")
	if !strings.Contains(s.at.body, `<a href="/doc/signing">`) {
		t.Errorf("the page has no link to the page about signatures:\n%s", s.at.body)
	}
	s.wantText("cobranded-ui/actions/start")
	s.wantText("transactionAmount=1.50")

	s = newSite(t)
	s.live()
	s.get(wrong(s))
	s.wantInvalid("Invalid Signature")
	for _, told := range []string{
		"cobranded-ui/actions/start", "transactionAmount", "order-4711", s.shop.AccessKeyID, "callerKey",
	} {
		if strings.Contains(s.at.body, told) {
			t.Errorf("the page of a live caller has %q:\n%s", told, s.at.body)
		}
	}
}

// The sender approves only what the page shows. If the address was changed in
// another tab, it must be shown first.
func TestTheAddressThatIsConfirmedWasShown(t *testing.T) {
	s := newSite(t)
	r := order()
	r.CollectShippingAddress = true
	s.get(s.link(r))
	s.signIn()
	s.submit("addressName", "Ann Buyer", "addressLine1", "1 Main St", "city", "Springfield", "state", "IL", "zip", "62701",
		"country", "US")
	s.wantPage("confirm")
	stale := s.at
	s.get(s.server.URL + "/cobranded-ui/actions/address?new=1&visit=" + s.at.url.Query().Get("visit"))
	s.submit("addressName", "Ann Buyer", "addressLine1", "2 Side St", "city", "Springfield", "state", "IL", "zip", "62701",
		"country", "US")
	s.wantPage("confirm")
	s.wantText("2 Side St")

	s.at = stale
	s.submit()
	s.wantPage("confirm")
	s.wantText("2 Side St")
	s.submit()
	if back := s.wantBack(holdfast.ReturnSuccessCC); back.Address.Line1 != "2 Side St" {
		t.Errorf("the shop gets %+v", back.Address)
	}
}

// A pipeline cannot name a cancelled recipient token. If the token is cancelled
// during the visit, the visit ends.
func TestNoPipelineNamesACancelledRecipientToken(t *testing.T) {
	holdfasttest.Databases(t, noCancelledRecipient)
}

func noCancelledRecipient(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	_, recipient := s.marketplace()
	requests := map[payment.Pipeline][]string{
		payment.PipelineSingleUse: {"transactionAmount", "10", "recipientToken", string(recipient)},
		payment.PipelineMultiUse:  {"globalAmountLimit", "10", "recipientTokenList", string(recipient)},
		payment.PipelineRecurring: {
			"transactionAmount", "10", "recurringPeriod", "1 Month", "recipientToken",
			string(recipient),
		},
	}
	ask := func(pipeline payment.Pipeline, reference string) {
		t.Helper()
		s.newBrowser()
		s.get(s.asked(pipeline, append([]string{"callerReference", reference + string(pipeline), "paymentMethod", "CC"},
			requests[pipeline]...)...))
	}
	waiting := map[payment.Pipeline]page{}
	browsers := map[payment.Pipeline]*http.Client{}
	for pipeline := range requests {
		ask(pipeline, "before-")
		s.signIn()
		s.wantPage("confirm")
		waiting[pipeline], browsers[pipeline] = s.at, s.browser
	}
	if err := s.Processor.CancelToken(t.Context(), s.Shop, holdfast.CancelTokenRequest{TokenID: recipient}); err != nil {
		t.Fatal(err)
	}
	for pipeline := range requests {
		ask(pipeline, "after-")
		if back := s.wantBack(holdfast.ReturnCallerError); back.TokenID != "" {
			t.Errorf("%s makes the token %s", pipeline, back.TokenID)
		}
		s.at, s.browser = waiting[pipeline], browsers[pipeline]
		s.submit()
		if back := s.wantBackAny(); back.Authorised() {
			t.Errorf("%s, begun before, ends with %s", pipeline, back.Status)
		}
	}
}
