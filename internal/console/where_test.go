package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The page of a hold or a payment begins with where its money is.
func TestWhereTheMoneyIs(t *testing.T) {
	s := newSite(t)
	hold := s.lasting("100.00", "order-1")
	b := s.as(party.RoleOwner, s.Shop.ID)
	says := func(id holdfast.TransactionID, want ...string) {
		t.Helper()
		b.get(s.payment(id)).wantStatus(http.StatusOK)
		_, lead, _ := strings.Cut(b.body, `<p class="lead">`)
		if lead, _, _ = strings.Cut(lead, "</p>"); lead != strings.Join(want, " ") {
			t.Errorf("the page begins with %q, want %q", lead, strings.Join(want, " "))
		}
	}
	says(hold.ID, "$100.00 is held until 2026-11-30 10:15 UTC.")
	b.act(s.payment(hold.ID, "settle"), "amount", "30").wantStatus(http.StatusOK)
	b.act(s.payment(hold.ID, "release"), "amount", "20").wantStatus(http.StatusOK)
	says(hold.ID, "$50.00 is held until 2026-11-30 10:15 UTC.", "$30.00 was taken from the buyer.",
		"$20.00 was released and is the buyer’s again.")
	b.act(s.payment(hold.ID, "refund"), "amount", "12.50").wantStatus(http.StatusOK)
	s.Clock.Set(hold.Deadline)
	b = s.as(party.RoleFinance, s.Shop.ID) // the owner's session has ended
	says(hold.ID, "$30.00 was taken from the buyer.", "$12.50 of it was refunded.",
		"$70.00 was released and is the buyer’s again.")

	s.Network.Next(holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied})
	declined, err := s.Reserve(s.Authorize("9.00"), "9.00", "order-2")
	if err != nil {
		t.Fatal(err)
	}
	says(declined.ID, "No money is held, and none was taken.")
	paid := s.Paid("8.00", "order-3")
	says(paid.ID, "$8.00 was taken from the buyer.")
	s.Network.Next(holdfasttest.Reply{Lost: true})
	if _, err := s.Refund(paid.ID, "3.00", "back-3"); err != nil {
		t.Fatal(err)
	}
	says(paid.ID, "$8.00 was taken from the buyer.", "$3.00 of it is on its way back to the buyer.")
}

// The first pages have the search, also that of a member who may search in all
// callers.
func TestFirstPagesHaveTheSearch(t *testing.T) {
	s := newSite(t)
	s.OtherShop()
	hold := s.Reserved("42.50", "order-4711")
	for member, pages := range map[*browser][]string{
		s.as(party.RolePacker, s.Shop.ID): {"", s.caller("")},
		s.as(party.RoleSupport, ""):       {"", "server/", s.caller("")},
	} {
		for _, page := range pages {
			member.get(page).wantStatus(http.StatusOK)
			for _, f := range holdfasttest.Forms(member.body) {
				if strings.HasSuffix(f.Action, "/find") {
					member.do(strings.ToUpper(f.Method), f.Action, nil)
				}
			}
			if !strings.HasSuffix(member.url.Path, "/find") {
				t.Errorf("the page %q has no search", page)
			}
		}
		member.get(s.payment(hold.ID)).wantStatus(http.StatusOK)
	}
}

// A member sees that its role does not allow an action, and whom to ask.
func TestActionsThatARoleDoesNotAllow(t *testing.T) {
	s := newSite(t)
	paid := s.Paid("12.50", "order-1")
	s.as(party.RolePacker, s.Shop.ID).get(s.payment(paid.ID)).
		want("Refund", "Your role does not allow this. Ask an owner.").wantNot("/refund")
	s.as(party.RoleFinance, s.Shop.ID).get(s.payment(paid.ID)).want("/refund")
}

// A notification and its payment lead to each other.
func TestNotificationsLeadToTheirPayment(t *testing.T) {
	s := newSite(t)
	hold := s.Reserved("42.50", "order-1")
	b := s.as(party.RoleSupport, s.Shop.ID)
	notice := s.caller("notifications/" + string(hold.ID) + "/2")
	b.get(s.payment(hold.ID)).want(`href="/console/` + notice + `"`)
	b.get(notice).wantStatus(http.StatusOK).want(`href="/console/` + s.payment(hold.ID) + `"`)
}

// The system page names the command for what a person must look at.
func TestSystemPageNamesCommands(t *testing.T) {
	s := newSite(t)
	if err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertMail(party.Mail{ID: "M1", To: "a@example.test", Created: s.Clock.Now()}); err != nil {
			return err
		}
		_, err := tx.GiveUpMails(s.Clock.Now(), "no answer")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	s.as(party.RoleOperator, "").get("server/system").wantStatus(http.StatusOK).
		want("Look at it", "holdfast mail list --outcome GivenUp", "holdfast restore").
		wantNot("holdfast network attention")
}
