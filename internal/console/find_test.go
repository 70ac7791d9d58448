package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// lasting makes a hold with a token that allows further payments.
func (s *site) lasting(value, ref string) payment.Transaction {
	s.t.Helper()
	token := s.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: s.Card.ID, Method: s.Card.Method},
		payment.Limit{Kind: payment.LimitAmount, Value: holdfasttest.USD("500.00").Micro})
	hold, err := s.Reserve(token, value, holdfast.CallerReference(ref))
	if err != nil || hold.State != payment.Reserved {
		s.t.Fatalf("the hold is %s, %v", hold.State, err)
	}
	return hold
}

// payment is the path of the page of a hold or a payment, or of an action on it.
func (s *site) payment(id holdfast.TransactionID, action ...string) string {
	return s.caller(strings.Join(append([]string{"payments", string(id)}, action...), "/"))
}

func TestFind(t *testing.T) {
	s := newSite(t)
	hold := s.Reserved("42.50", "order-4711")
	s.Reserved("7.25", "order-4712")
	b := s.as(party.RoleSupport, s.Shop.ID)
	b.get(s.caller("find")).wantStatus(http.StatusOK).want("Search").wantNot("Nothing was found")
	b.get(s.caller("find?q=order+4711")).wantStatus(http.StatusOK).want("Hold order-4711", "$42.50", string(hold.ID))
	if want := console.Root + s.payment(hold.ID); b.url.Path != want {
		t.Errorf("the search leads to %s, want %s", b.url.Path, want)
	}
	b.get(s.caller("find?q=ann%40example.test")).want("order-4711", "order-4712", "$7.25", "Ann Buyer", "4242")
	b.get(s.caller("find?q=order-9")).wantStatus(http.StatusOK).want("Nothing was found")
	b.get(s.caller("find?q=" + strings.Repeat("x", 300))).wantStatus(http.StatusUnprocessableEntity)
	b.get("server/find?q=4711").wantStatus(http.StatusNotFound)

	other := s.OtherShop()
	s.as(party.RoleOwner, "").get("server/find?q=ann%40example.test").wantStatus(http.StatusOK).
		want("order-4711", "Kiln & Co")
	foreign := s.as(party.RoleOwner, other.ID)
	foreign.get("c/" + string(other.ID) + "/find?q=order+4711").want("Nothing was found").wantNot("42.50")
	foreign.get("c/" + string(other.ID) + "/find?q=ann%40example.test").want("Nothing was found")
	foreign.get("c/" + string(other.ID) + "/payments/" + string(hold.ID)).wantStatus(http.StatusNotFound).wantNot("42.50")
	foreign.get(s.payment(hold.ID)).wantStatus(http.StatusNotFound).wantNot("42.50")
}

// The page says what happened and what can be done, and why not.
func TestCasePage(t *testing.T) {
	s := newSite(t)
	hold := s.Reserved("42.50", "order-1")
	packer := s.members.Add(party.RolePacker, s.Shop.ID)
	b := s.signedIn(packer)
	b.get(s.payment(hold.ID)).wantStatus(http.StatusOK).want(
		"Hold order-1", "Held", "7 d 0 h left", "Visa 4242", "Ann Buyer", "Hold requested", "Card network: hold?",
		"network to held", "Notification to the shop", "http://shop.example.test/ipn", "Settle", "At most $42.50",
		"The buyer’s approval was for one payment.",
	).wantNot("/refund", "/end-token")
	for language, want := range map[string][]string{
		"de": {"Reservierung order-1", "Was jetzt möglich ist", "Abbuchen"}, "es": {"Retención order-1", "Cobrar"},
	} {
		b.header.Set("Accept-Language", language)
		b.get(s.payment(hold.ID)).want(want...)
	}
	s.Clock.Set(hold.Deadline)
	b = s.signedIn(packer)
	b.get(s.payment(hold.ID)).want("Expired", "The deadline has passed.").wantNot("/settle")
	b.get(s.payment(hold.ID, "settle")).wantStatus(http.StatusConflict).want("The deadline has passed.")
	b.get(s.payment("1T000")).wantStatus(http.StatusNotFound)
}

// ask opens the page of an action and returns its form filled in.
func (b *browser) ask(path string, pairs ...string) (action string, filled url.Values) {
	b.t.Helper()
	b.get(path).wantStatus(http.StatusOK)
	for _, f := range holdfasttest.Forms(b.body) {
		if f.Method == "post" && !strings.HasSuffix(f.Action, "sign-out") {
			filled = url.Values{}
			for _, p := range f.Filled(pairs...) {
				filled.Set(p.Name, p.Value)
			}
			return strings.TrimPrefix(f.Action, console.Root), filled
		}
	}
	b.t.Fatalf("%s has no form:\n%s", path, b.body)
	return "", nil
}

func (b *browser) act(path string, pairs ...string) *browser {
	b.t.Helper()
	action, filled := b.ask(path, pairs...)
	return b.post(action, filled)
}

// Each action does what it says, once for each form.
func TestDeeds(t *testing.T) {
	s := newSite(t)
	hold := s.lasting("100.00", "order-1")
	b := s.as(party.RoleOwner, s.Shop.ID)
	action, form := b.ask(s.payment(hold.ID, "settle"), "amount", "30")
	for range 2 {
		b.post(action, form).wantStatus(http.StatusOK).want("The money was taken.", "$70.00", "$30.00")
	}
	form.Set("amount", "31")
	b.post(action, form).wantStatus(http.StatusUnprocessableEntity).want("This is not possible")
	b.act(s.payment(hold.ID, "settle"), "amount", "70.01").wantStatus(http.StatusUnprocessableEntity).
		want("Give at most $70.00.")
	b.act(s.payment(hold.ID, "settle"), "amount", "1.2.3").wantStatus(http.StatusUnprocessableEntity).want("Give an amount")
	b.act(s.payment(hold.ID, "release"), "amount", "20,00", "reason", "sold out").want("The money was released.", "$50.00")
	b.act(s.payment(hold.ID, "raise"), "amount", "5").want("The hold was raised.", "$55.00")
	b.act(s.payment(hold.ID, "raise"), "amount", "").wantStatus(http.StatusUnprocessableEntity)
	s.Clock.Advance(10 * time.Minute)
	b.act(s.payment(hold.ID, "renew")).want("The hold was renewed.", "$55.00")
	b.act(s.payment(hold.ID, "refund"), "amount", "10.00").want("The refund was made.", "$10.00")
	b.act(s.payment(hold.ID, "refund")).want("The refund was made.")
	b.get(s.payment(hold.ID, "refund")).wantStatus(http.StatusConflict).want("All of it was refunded.")
	b.act(s.payment(hold.ID, "end-token")).want("The approval has ended.")
	b.get(s.payment(hold.ID, "renew")).wantStatus(http.StatusConflict).want("The approval was used, has ended or has expired.")
	b.act(s.payment(hold.ID, "settle"), "amount", "15", "rest", "release").want("The money was taken.")
	b.get(s.payment(hold.ID)).want("$0.00", "$45.00")
	b.act(s.payment(hold.ID, "resend")).want("The notifications are sent again.", "Waiting")
	s.view(func(tx *store.ReadTx) error {
		of, _, err := s.Processor.CaseOf(tx, s.Shop.ID, hold.ID)
		again := make(map[string]bool)
		for _, e := range of.Timeline {
			if e.Kind == processor.EntryAudit && e.What == "notification.again" {
				again[e.Object] = true
			}
		}
		for _, n := range of.Notices {
			if !again[n.Subject()] {
				t.Errorf("the notice %d about %s is not sent again", n.Seq, n.Subject())
			}
		}
		if len(again) < 4 {
			t.Errorf("only the notices about %v are sent again", again)
		}
		return err
	})
	b.get(s.payment(hold.ID, "remind")).wantStatus(http.StatusNotFound)
	b.post(s.payment(hold.ID, "settle"), url.Values{"amount": {"1"}}).wantStatus(http.StatusBadRequest)

	b.get(s.payment(hold.ID)).want("hold.settle by owner.")
	s.as(party.RoleSupport, s.Shop.ID).get(s.payment(hold.ID)).want("order-1").wantNot("hold.settle by")

	paid := s.Paid("12.50", "order-2")
	b.act(s.payment(paid.ID, "refund"), "amount", "2.50").want("The refund was made.", "$2.50")
	b.get(s.payment(paid.ID, "settle")).wantStatus(http.StatusNotFound)
}

// Two people who do the same thing get one action and a clear answer.
func TestTwoPeopleSettle(t *testing.T) {
	s := newSite(t)
	hold := s.Reserved("42.50", "order-1")
	first, second := s.as(party.RoleOwner, s.Shop.ID), s.as(party.RolePacker, s.Shop.ID)
	action, form := second.ask(s.payment(hold.ID, "settle"))
	first.act(s.payment(hold.ID, "settle")).want("The money was taken.")
	second.post(action, form).wantStatus(http.StatusUnprocessableEntity).want("It was settled.", "$42.50")
	s.Network.Next(holdfasttest.Reply{Step: payment.StepCapture, Decline: "TransactionDenied"})
	declined := s.Reserved("9.00", "order-2")
	first.act(s.payment(declined.ID, "settle")).want("The card network declined it.", "Failed")
}

// A member with the role finance refunds up to its limit.
func TestRefundLimit(t *testing.T) {
	s := newSite(t)
	paid := s.Paid("42.50", "order-1")
	b := s.signedIn(s.members.AddLimited(party.RoleFinance, s.Shop.ID, holdfasttest.USD("20.00")))
	b.act(s.payment(paid.ID, "refund")).wantStatus(http.StatusUnprocessableEntity).want("Your limit for a refund is $20.00.")
	b.act(s.payment(paid.ID, "refund"), "amount", "20.01").wantStatus(http.StatusUnprocessableEntity)
	b.act(s.payment(paid.ID, "refund"), "amount", "20.00").want("The refund was made.")
	if got := s.Transaction(paid.ID).Refunded; got != money.Micros(20_000_000) {
		t.Errorf("%v was refunded", got)
	}
}

// Roles that may not act see neither the links nor the pages.
func TestDeedsOfRoles(t *testing.T) {
	s := newSite(t)
	hold := s.lasting("100.00", "order-1")
	for _, role := range party.Roles {
		b := s.as(role, s.Shop.ID)
		for action, permission := range map[string]party.Permission{
			"settle": party.MayActOnHolds, "release": party.MayActOnHolds, "raise": party.MayActOnHolds,
			"renew": party.MayActOnHolds, "end-token": party.MayEndTokens, "resend": party.MayResend,
		} {
			path := s.payment(hold.ID, action)
			if b.get(s.payment(hold.ID)); strings.Contains(b.body, path+`"`) != role.May(permission) {
				t.Errorf("%s: the link to %s is shown or missing", role, action)
			}
			if !role.May(permission) {
				b.get(path).wantStatus(http.StatusForbidden)
				b.post(path, url.Values{"once": {"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}}).wantStatus(http.StatusForbidden)
			}
		}
	}
	s.WantState(hold.ID, payment.Reserved)
}

// Each state, step, question, reason and kind has words.
func TestWordsOfCases(t *testing.T) {
	if missing := console.WordsMissing(); len(missing) > 0 {
		t.Errorf("there are no words for %v", missing)
	}
}
