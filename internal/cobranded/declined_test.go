package cobranded_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A default card that was declined is not used again without asking the sender.
func TestADeclinedDefaultIsAskedAbout(t *testing.T) {
	holdfasttest.Databases(t, declinedDefaultIsAskedAbout)
}

func declinedDefaultIsAskedAbout(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	bad := s.cardOf("4000000000000002")
	paid, err := s.Reserve(s.AuthorizeWith(bad, "42.50"), "42.50", "declined")
	if err != nil {
		t.Fatal(err)
	}
	s.WantState(paid.ID, payment.Failure)

	r := order()
	s.get(s.link(r))
	s.signIn()
	s.wantPage("payment")
	s.wantText("Declined a minute ago")
	s.wantText("Visa ending in 0002")
	checked := regexp.MustCompile(`value="([^"]*)" required checked`).FindStringSubmatch(s.at.body)
	if len(checked) != 2 || checked[1] != string(s.Card.ID) {
		t.Errorf("checked is %q, want the other card", checked)
	}
	s.submit("instrument", string(bad.ID)) // the buyer may try it again
	s.wantPage("confirm")
	s.wantText("Visa ending in 0002")

	passed := time.Duration(0)
	for _, row := range []struct {
		wait           time.Duration
		language, says string
	}{
		{5 * time.Minute, "", "Declined 5 minutes ago"},
		{time.Hour, "de", "Vor 1 Stunde abgelehnt"},
		{72 * time.Hour, "es", "Rechazada hace 3 días"},
	} {
		s.Clock.Advance(row.wait - passed)
		passed = row.wait
		r.CallerReference += "x"
		s.reads(row.language)
		s.get(s.link(r))
		s.signIn()
		s.wantPage("payment")
		s.wantText(row.says)
	}
}

// Only the last use counts, and only in the same mode, sandbox or live.
func TestADefaultThatPaidSinceIsNotAskedAbout(t *testing.T) {
	s := newSite(t)
	bad := s.cardOf("4000000000000002")
	if _, err := s.Reserve(s.AuthorizeWith(bad, "42.50"), "42.50", "declined"); err != nil {
		t.Fatal(err)
	}
	s.live()
	s.get(s.link(order()))
	s.signIn()
	s.wantPage("confirm") // a sandbox decline does not matter for live payments

	s = newSite(t)
	good := s.cardOf("4242424242424242")
	const declines = "10.60" // a decline, simulated in the sandbox
	if _, err := s.Reserve(s.AuthorizeWith(good, declines), declines, "declined"); err != nil {
		t.Fatal(err)
	}
	s.get(s.link(order()))
	s.signIn()
	s.wantPage("payment")
	s.Clock.Advance(time.Minute)
	paid, err := s.Pay(s.AuthorizeWith(good, "10"), "10", "paid")
	if err != nil {
		t.Fatal(err)
	}
	s.WantState(paid.ID, payment.Success)
	again := order()
	again.CallerReference = "order-4712"
	s.get(s.link(again))
	s.wantPage("confirm")
}

// An expired hold is not a decline.
func TestALapsedHoldIsNoDecline(t *testing.T) {
	s := newSite(t)
	held, err := s.Reserve(s.AuthorizeWith(s.cardOf("4242424242424242"), "10"), "10", "held")
	if err != nil {
		t.Fatal(err)
	}
	s.WantState(held.ID, payment.Reserved)
	s.Clock.Advance(8 * 24 * time.Hour)
	if _, err := s.Processor.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.WantState(held.ID, payment.Cancelled)
	s.get(s.link(order()))
	s.signIn()
	s.wantPage("confirm")
}

// cardOf gives the buyer a card and makes it the default.
func (s *site) cardOf(number string) payment.Instrument {
	s.t.Helper()
	i, err := s.Processor.AddCard(s.t.Context(), s.Buyer.ID, processor.NewCard{
		Number: processor.NewCardNumber(number), SecurityCode: processor.NewCardNumber("123"), Holder: "Ann Buyer",
		ExpiryMonth: 12, ExpiryYear: 2031,
	}, true)
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}
