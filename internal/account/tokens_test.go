package account_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func (s *site) token(id holdfast.TokenID) (token payment.Token) {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		token, _, err = tx.Token(id)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return token
}

// handle is the id of a token on the pages.
func (s *site) handle(id holdfast.TokenID) string { return string(s.token(id).Handle()) }

// multiUse returns a token with which the shop may charge up to 40 dollars a
// month and 15 at a time.
func (s *site) multiUse() holdfast.TokenID {
	return s.Token(
		payment.Token{
			Instrument: s.Card.ID, Method: holdfast.MethodCC, Type: holdfast.TokenMultiUse,
			Reason: "<b>Mugs</b>, <i>as they break</i>", AmountType: holdfast.AmountMaximum, Amount: holdfasttest.USD("15"),
		},
		payment.Limit{
			Kind: payment.LimitAmount, Value: holdfasttest.USD("40").Micro, Period: payment.Period{N: 1, Unit: payment.Month},
		},
		payment.Limit{Kind: payment.LimitCount, Value: 3, Period: payment.Period{}},
	)
}

// The page of an approval shows its terms and how much of them is used, and can
// cancel it, on both databases.
func TestAnApproval(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		id := s.multiUse()
		if _, err := s.Reserve(id, "12.00", "order-1"); err != nil {
			t.Fatal(err)
		}
		b := s.ann()
		b.get("authorisations")
		b.wantText(
			"Kiln & Co", "Several payments · Mugs, as they break",
			"up to $15.00 each time · at most $40.00 per month · at most 3 payments in total · "+
				"Visa\u00a04242 · since Nov 23, 2026",
		)
		b.get("authorisations/one?token=" + s.handle(id))
		b.wantText(
			"Approval for Kiln & Co", "Each payment, at most", "$15.00", "at most $40.00 per month", "Used so far", "$12.00",
			"Resets on", "at most 3 payments in total", "one payment", "Visa ending in 4242", "You cancel it",
		)
		b.wantText(`class="secondary danger"`)
		b.wantNoText(`class="primary"`)
		b.send("authorisations/cancel", "")
		b.wantPage("authorisations")
		b.wantText("The approval was cancelled and can no longer be used.", "There are no approvals.")
		if !s.token(id).Cancelled {
			t.Error("it is not cancelled")
		}
		if _, err := s.Reserve(id, "12.00", "order-2"); err == nil {
			t.Error("it can still be used")
		}
		b.postTo("authorisations/cancel", "token", s.handle(id))
		b.wantStatus("cancelling it twice", http.StatusConflict)
		b.wantText("This approval is no longer active.")
		b.get("authorisations?all=1")
		b.wantText("Cancelled")
		s.CheckBooks()
	})
}

// An approval that a debt or a prepaid balance needs cannot be cancelled.
func TestApprovalsThatCannotBeCancelled(t *testing.T) {
	for method, says := range map[holdfast.PaymentMethod]string{
		holdfast.MethodDebt: "You owe $20.00", holdfast.MethodPrepaid: "You can still spend $20.00",
	} {
		s := newSite(t)
		_, spends, pays := s.Aggregate(method, "50.00")
		needed := spends
		if method == holdfast.MethodDebt {
			needed = pays
			if _, err := s.Pay(spends, "20.00", "on-account"); err != nil {
				t.Fatal(err)
			}
		} else if _, err := s.Processor.FundPrepaid(t.Context(), s.Shop, holdfast.FundPrepaidRequest{
			SenderTokenID: pays, PrepaidInstrumentID: s.token(spends).Aggregate, FundingAmount: holdfasttest.USD("20.00"),
			CallerReference: "fill",
		}); err != nil {
			t.Fatal(err)
		}
		b := s.ann()
		b.get("authorisations/one?token=" + s.handle(needed))
		b.send("authorisations/cancel", "")
		b.wantStatus(string(method), http.StatusConflict)
		b.wantText(says, "at most", "$50.00")
		if s.token(needed).Cancelled {
			t.Error("the page refuses to cancel it, but it is cancelled")
		}
		s.CheckBooks()
	}
}

// Ending an instrument returns a prepaid balance. A debt can still be paid.
func TestInstrumentsAreEnded(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		prepaid, spends, funds := s.Aggregate(holdfast.MethodPrepaid, "50.00")
		if _, err := s.Processor.FundPrepaid(t.Context(), s.Shop, holdfast.FundPrepaidRequest{
			SenderTokenID: funds, PrepaidInstrumentID: prepaid.ID, FundingAmount: holdfasttest.USD("20.00"),
			CallerReference: "fill",
		}); err != nil {
			t.Fatal(err)
		}
		_, owes, settles := s.Aggregate(holdfast.MethodDebt, "50.00")
		if _, err := s.Pay(owes, "30.00", "on-account"); err != nil {
			t.Fatal(err)
		}
		b := s.ann()
		b.get("authorisations/one?token=" + s.handle(spends))
		b.send("authorisations/cancel", "")
		b.wantText("You can still spend $20.00", "goes to your account balance")
		b.send("authorisations/end", "")
		b.wantPage("authorisations")
		b.wantText("The approval has ended. The remaining money is now in your account balance.")
		b.get("")
		b.wantText("$20.00")
		b.get("history")
		b.wantText("+$20.00", "Prepaid balance paid back")

		b.get("authorisations/one?token=" + s.handle(settles))
		b.send("authorisations/cancel", "")
		b.wantText("You owe $30.00", "can only charge what you owe")
		b.send("authorisations/end", "")
		b.wantText("No more purchases can be added. What you owe can still be charged.", "Paying what you owe")
		b.get("authorisations/one?token=" + s.handle(settles))
		b.wantText("can still charge the $30.00 that you owe")
		if _, err := s.Pay(owes, "1.00", "more"); err == nil {
			t.Error("the debt grew")
		}
		b.get("methods/remove?method=" + string(s.Card.ID))
		b.wantText("it pays what you owe", "$30.00")
		b.postTo("authorisations/end", "token", s.handle(s.multiUse()))
		b.wantStatus("ending what is no instrument", http.StatusConflict)
		s.CheckBooks()
	})
}

func TestApprovalsByPage(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	for range 40 {
		s.Clock.Advance(time.Second)
		s.Authorize("5.00")
	}
	seen, pages := make(map[string]bool), 0
	for place := "authorisations"; place != ""; pages++ {
		b.get(place)
		b.wantPage("authorisations")
		for _, link := range links(b.at.body, "authorisations/one") {
			if seen[link] {
				t.Errorf("%s is listed twice", link)
			}
			seen[link] = true
		}
		place = ""
		for _, next := range links(b.at.body, "authorisations?after=") {
			place = next
		}
	}
	if len(seen) != 40 || pages != 3 {
		t.Errorf("%d approvals on %d pages", len(seen), pages)
	}
	for _, after := range []string{"none", "0-" + strings.Repeat("0", 32), "%27"} {
		b.get("authorisations?after=" + after)
		b.wantStatus("after "+after, http.StatusNotFound)
	}
}

// links returns the links to our pages whose path begins with place.
func links(body, place string) (found []string) {
	for _, piece := range strings.Split(body, `href="/account/`)[1:] {
		address, _, _ := strings.Cut(piece, `"`)
		if strings.HasPrefix(address, place) {
			found = append(found, strings.ReplaceAll(address, "&amp;", "&"))
		}
	}
	return found
}

// The overview shows the amount, caller and deadline of a hold in the reader's
// formats.
func TestWhatIsHeld(t *testing.T) {
	for accept, wants := range map[string][]string{
		"en-US": {"Kiln & Co", "Held", "$1,234.50", "Held until", "November 30, 2026, 10:15 AM\u00a0UTC"},
		"de":    {"Kiln & Co", "Reserviert", "1.234,50\u00a0$", "Reserviert bis", "30. November 2026, 10:15\u00a0UTC"},
		"es":    {"Kiln & Co", "Retenido", "1.234,50\u00a0US$", "Retenido hasta", "30 de noviembre de 2026, 10:15\u00a0UTC"},
	} {
		s := newSite(t)
		s.Reserved("1234.50", "order-1")
		b := s.newBrowser()
		b.header.Set("Accept-Language", accept)
		b.signIn(s.Buyer.Email, holdfasttest.Password)
		b.wantText(wants...)
		s.Clock.Advance(8 * 24 * time.Hour)
		b.signedInAgain()
		b.get("")
		b.wantNoText(wants[2]) // expired, even if the sweeper has not processed it
	}
}

// signedInAgain signs Ann in again, because her session has expired.
func (b *browser) signedInAgain() {
	b.t.Helper()
	b.signIn(b.Buyer.Email, holdfasttest.Password)
}

// The holds of a caller with a moved clock expire by that clock, and the page
// says so.
func TestWhatIsHeldByAMovedClock(t *testing.T) {
	s := newSite(t)
	if _, err := s.Processor.AdvanceClock(t.Context(), s.Shop.ID, 48*time.Hour); err != nil {
		t.Fatal(err)
	}
	s.Reserved("12.00", "order-1")
	b := s.ann()
	b.wantText("December 2, 2026, 10:15 AM", "The shop’s test clock shows", "November 25, 2026, 10:15 AM")
}

// A seller sees the token by which they agreed to be paid, and can cancel it.
func TestAnApprovalToBePaid(t *testing.T) {
	s := newSite(t)
	id := s.Token(payment.Token{
		Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Recipient: s.Buyer.ID, Methods: []holdfast.PaymentMethod{
			holdfast.MethodCC, holdfast.MethodABT,
		},
		FeeCeiling: &payment.FeeCeiling{Fixed: holdfasttest.USD("0.50")},
	})
	b := s.ann()
	b.get("authorisations")
	b.wantText("Kiln & Co", "Receiving payments")
	b.get("authorisations/one?token=" + s.handle(id))
	b.wantText("Fee of Kiln & Co for each payment", "at most $0.50", "card, balance")
	b.send("authorisations/cancel", "")
	b.wantPage("authorisations")
	if !s.token(id).Cancelled {
		t.Error("it is not cancelled")
	}
}

// Many used approvals hide an older one that can be used. A page looks through some of
// them, says so, and the next one goes on.
func TestApprovalsOfALargeAccount(t *testing.T) {
	at := t.TempDir() + "/holdfast.db"
	s := newSiteOn(t, holdfasttest.Open(t, at))
	oldest := s.Authorize("5.00")
	s.Clock.Advance(time.Minute)
	s.Crowd(at, 3_000)
	b := s.ann()
	b.get("authorisations")
	b.wantText("Older approvals have not been checked yet.")
	b.wantNoText("There are no approvals.")
	next := links(b.at.body, "authorisations?after=")
	if len(next) != 1 {
		t.Fatalf("%d links lead to the next page", len(next))
	}
	b.get(next[0])
	b.wantNoText("have not been checked yet")
	found := links(b.at.body, "authorisations/one")
	if len(found) != 1 || !strings.Contains(found[0], s.handle(oldest)) {
		t.Errorf("the next page lists %s", found)
	}
}
