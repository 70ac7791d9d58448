package cobranded_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

var checked = regexp.MustCompile(`<input type="radio"[^>]* value="([^"]+)"[^>]* checked>`)

// A balance that is too low is neither preselected nor chosen automatically.
func TestABalanceThatDoesNotReach(t *testing.T) { holdfasttest.Databases(t, balanceThatDoesNotReach) }

func balanceThatDoesNotReach(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	balance := s.Balance()
	preselected := func(reference string) string {
		t.Helper()
		s.newBrowser()
		s.get(s.signed(params("pipelineName", "SingleUse", "callerReference", reference, "transactionAmount", "42.50",
			"returnURL", shopURL, "paymentMethod", "ABT")))
		s.signIn()
		if strings.HasSuffix(s.at.url.Path, "/confirm") {
			return string(balance.ID)
		}
		s.wantPage("payment")
		if found := checked.FindStringSubmatch(s.at.body); found != nil {
			return found[1]
		}
		return ""
	}
	for _, row := range []struct{ deposit, want string }{
		{"", ""}, {"42.49", ""}, {"0.01", string(balance.ID)},
	} {
		if row.deposit != "" {
			s.Deposit(s.Buyer.ID, row.deposit)
		}
		if got := preselected("order-" + row.deposit); got != row.want {
			t.Errorf("after a deposit of %q the page preselects %q, want %q", row.deposit, got, row.want)
		}
	}
}

// If the caller accepts only cards, the card page offers nothing else than to
// cancel. Otherwise it links to the other payment methods, and only on that
// page the sender can say that they have none.
func TestNoCard(t *testing.T) {
	s := newSite(t)
	nora := s.Party("Nora New", "nora@example.test")
	card := func(r holdfast.SingleUseRequest) {
		t.Helper()
		s.newBrowser()
		s.get(s.link(r))
		s.submit("email", nora.Email, "password", holdfasttest.Password)
		s.wantPage("card")
		if strings.Contains(s.at.body, "/decline") {
			t.Error("the card page ends the payment at once")
		}
	}
	r := order()
	card(r)
	if strings.Contains(s.at.body, "I can’t pay with a card") {
		t.Error("with cards only, the card page offers to pay otherwise")
	}
	r.CallerReference, r.Reserve = "order-4712", false
	r.PaymentMethods = []holdfast.PaymentMethod{holdfast.MethodCC, holdfast.MethodACH}
	card(r)
	s.wantText("I can’t pay with a card")
	s.get(s.at.url.ResolveReference(&url.URL{RawQuery: s.at.url.RawQuery, Path: "payment"}).String() + "&others=1")
	s.wantPage("payment")
	s.wantText("I can’t pay with any of these")
	s.press("decline")
	s.wantBack(holdfast.ReturnPaymentError)
}
