package account_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestTheHistory(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		s.Change(s.Owner.ID, func(p *party.Party) { p.Business = true })
		s.Deposit(s.Buyer.ID, "100.00")
		s.Clock.Advance(time.Second)
		paid := s.Paid("20.00", "order-1")
		s.Clock.Advance(time.Second)
		if _, err := s.Refund(paid.ID, "5.00", "refund-1"); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(time.Second)
		s.Reserved("12.00", "order-2")
		b := s.ann()
		b.wantText("$100.00") // the balance
		b.get("history")
		b.wantText("+$100.00", "Deposit", "−$20.00", "Kiln & Co", "+$5.00", "Refund", "$5.00 refunded", "$12.00", "Held",
			"Paid", "Received")
		b.wantNoText("−$12.00", "Through") // nothing was charged, and the shop is the payee
		owner := s.newBrowser()
		owner.signIn(s.Owner.Email, holdfasttest.Password)
		owner.get("history")
		owner.wantText("+$20.00", "−$5.00", "Ann Buyer", "$12.00")
		owner.wantNoText("$100.00", "+$12.00") // held money has not been received
	})
}

func TestTheHistoryByPage(t *testing.T) {
	s := newSite(t)
	for i := range 45 {
		s.Clock.Advance(time.Second)
		s.Paid("1.00", holdfast.CallerReference(fmt.Sprint("order-", i)))
	}
	b := s.ann()
	rows := 0
	for place := "history"; place != ""; {
		b.get(place)
		b.wantPage("history")
		rows += strings.Count(b.at.body, `<li class="row`)
		place = ""
		for _, next := range links(b.at.body, "history?") {
			place = next
		}
	}
	if rows != 45 {
		t.Errorf("there are %d payments", rows)
	}
	for _, before := range []string{"x", "-1", "99999999999999999999", "9999999999999999"} {
		b.get("history?before=" + before)
		b.wantStatus("before "+before, http.StatusNotFound)
	}
}

// owner is the seller's browser, signed in.
func (s *site) owner() *browser {
	s.t.Helper()
	b := s.newBrowser()
	b.signIn(s.Owner.Email, holdfasttest.Password)
	b.wantPage("")
	return b
}

// A seller's overview lists the holds for the seller by deadline, and does not
// ask for a card. A buyer's overview does not list other people's holds.
func TestASellersOverview(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		b := s.owner()
		b.wantText("To be charged", "There is nothing to charge.")
		b.wantNoText("Add a payment method", "On hold", "You have no holds")
		s.Reserved("12.00", "order-1")
		s.Clock.Advance(24 * time.Hour)
		s.Reserved("30.50", "order-2")
		b = s.owner()
		b.wantText("$42.50 in 2 holds.", "Ann Buyer", "$12.00", "Charge by", "November 30, 2026, 10:15", "$30.50",
			"December 1, 2026, 10:15")
		if strings.Index(b.at.body, "$12.00") > strings.Index(b.at.body, "$30.50") {
			t.Error("the nearest deadline does not come first")
		}
		s.Clock.Advance(6 * 24 * time.Hour)
		b = s.owner()
		b.wantText("$30.50 in one hold.")
		b.wantNoText("$12.00") // the hold has expired
		s.ann().wantNoText("To be charged")
	})
}

// A seller on a marketplace sees the holds that the marketplace has made for them.
func TestAMarketplaceSellersOverview(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		m := s.Market(false)
		if _, err := m.Reserve("25.00", "2.00", "order-1"); err != nil {
			t.Fatal(err)
		}
		b := s.newBrowser()
		b.signIn(m.Seller.Email, holdfasttest.Password)
		b.wantText("$25.00 in one hold.", "Ann Buyer", "Through", "Kiln & Co")
		s.owner().wantText("There is nothing to charge.") // the marketplace is not paid
		b.get("history")
		place := links(b.at.body, "history/one")[0]
		b.get(place)
		b.wantText("Through", "Kiln & Co")

		s.Change(m.Seller.ID, func(p *party.Party) { p.Name = s.Shop.Name })
		b.get("")
		b.wantNoText("Through") // one name for one shop
		b.get(place)
		b.wantNoText("Through")
		ann := s.ann()
		ann.get(place)
		ann.wantText("Kiln & Co")
		ann.wantNoText("Through", "Paid to")
		ann.get(links(ann.at.body, "authorisations/one")[0])
		ann.wantNoText("Paid to")
	})
}

// A seller's overview has this month's income, fees and net. A payment counts
// in the month in which it was charged, not in which it was held. If all the
// account's money came in this month, the net is the balance.
func TestASellersMonth(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		b := s.owner()
		b.wantText("This month", "You have received no payments this month.")
		paid := s.Paid("20.00", "order-1")
		if _, err := s.Refund(paid.ID, "5.00", "refund-1"); err != nil {
			t.Fatal(err)
		}
		held := s.Reserved("32.00", "order-2")
		if _, err := s.Settle(held.ID, "30.00"); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(6 * 24 * time.Hour) // November 29
		late := s.Reserved("40.00", "order-3")
		b = s.owner()
		if got, want := b.figures(), "Received $50.00 Refunded −$5.00 Fees −$1.83 Net $43.17"; got != want {
			t.Errorf("November is %q, want %q", got, want)
		}
		b.wantText(`<p class="amount">$43.17</p>`, "Show payments started this month")
		b.get(links(b.at.body, "history?period")[0])
		b.wantText("November 2026")
		if got := len(b.amounts()); got != 4 {
			t.Errorf("the history of this month has %d rows, want 4", got)
		}
		s.Clock.Advance(3 * 24 * time.Hour) // December 2
		if _, err := s.Settle(late.ID, "40.00"); err != nil {
			t.Fatal(err)
		}
		if got, want := s.owner().figures(), "Received $40.00 Fees −$1.46 Net $38.54"; got != want {
			t.Errorf("December is %q, want %q", got, want)
		}
		s.ann().wantNoText("This month")
	})
}

// The fee of a marketplace is the seller's cost and the marketplace's income. A
// refund returns a part of it.
func TestAMarketplaceSellersMonth(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		m := s.Market(true)
		paid, err := m.Pay("25.00", "2.00", "order-1")
		if err != nil {
			t.Fatal(err)
		}
		for ref, r := range map[holdfast.CallerReference]holdfast.RefundRequest{
			"refund-1": {RefundAmount: holdfasttest.USD("5.00"), MarketplaceRefundPolicy: holdfast.RefundMasterAndMarketplace},
			"refund-2": {RefundAmount: holdfasttest.USD("0.10"), MarketplaceRefundPolicy: holdfast.RefundMarketplaceOnly},
		} {
			r.TransactionID, r.CallerReference = paid.ID, ref
			if _, err := s.Processor.Refund(t.Context(), s.Shop, r); err != nil {
				t.Fatal(err)
			}
		}
		b := s.newBrowser()
		b.signIn(m.Seller.Email, holdfasttest.Password)
		if got, want := b.figures(),
			"Received $25.00 Refunded −$5.00 Marketplace fees −$1.50 Fees −$0.82 Net $17.68"; got != want {
			t.Errorf("the seller's month is %q, want %q", got, want)
		}
		b.wantText(`<p class="amount">$17.68</p>`)
		b = s.owner()
		if got, want := b.figures(), "Received $2.00 Refunded −$0.50 Fees $0.00 Net $1.50"; got != want {
			t.Errorf("the marketplace's month is %q, want %q", got, want)
		}
		b.wantText(`<p class="amount">$1.50</p>`)
	})
}

// A purchase from a prepaid balance was paid when the balance was funded.
// Neither the history nor the seller's month counts it twice.
func TestAPrepaidPurchaseIsNotCountedTwice(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		a, spends, funds := s.Aggregate(holdfast.MethodPrepaid, "50.00")
		if _, err := s.Processor.FundPrepaid(t.Context(), s.Shop, holdfast.FundPrepaidRequest{
			SenderTokenID: funds, PrepaidInstrumentID: a.ID, FundingAmount: holdfasttest.USD("50.00"), CallerReference: "fund-1",
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Pay(spends, "8.00", "order-1"); err != nil {
			t.Fatal(err)
		}
		b := s.ann()
		b.get("history")
		if got, want := b.figures(), "Paid $50.00 Prepaid or on credit $8.00"; got != want {
			t.Errorf("the buyer's totals are %q, want %q", got, want)
		}
		if got, want := s.owner().figures(), "Received $50.00 Fees −$1.75 Net $48.25"; got != want {
			t.Errorf("the seller's month is %q, want %q", got, want)
		}
	})
}

// A payment without a description shows the reason that the buyer approved.
func TestAPaymentWithoutADescription(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		token := s.Token(payment.Token{
			Instrument: s.Card.ID, Method: holdfast.MethodCC, Type: holdfast.TokenSingleUse, Reason: "A <b>mug</b>",
			AmountType: holdfast.AmountMaximum, Amount: holdfasttest.USD("15"),
		})
		if _, err := s.Reserve(token, "15.00", "order-1"); err != nil {
			t.Fatal(err)
		}
		b := s.ann()
		b.wantText("A mug")
		b.get("history")
		b.wantText("A mug")
		b.get(links(b.at.body, "history/one")[0])
		b.wantText("A mug")
		b = s.owner()
		b.wantText("A mug")
		b.get("history")
		b.wantText("A mug")
	})
}

// A payment's page has its history and, for a part charge, the amount that was
// held. Only the card's owner sees the card.
func TestAPaymentsPage(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		s.Change(s.Owner.ID, func(p *party.Party) { p.Name = "Kiln Trading Ltd" })
		held := s.Reserved("32.00", "order-1")
		s.Clock.Advance(time.Hour)
		if _, err := s.Settle(held.ID, "30.00"); err != nil {
			t.Fatal(err)
		}
		b := s.ann()
		b.get("history")
		b.wantText("Kiln & Co", "−$30.00", "of $32.00 held", "Paid")
		b.wantNoText("Through", "Kiln Trading Ltd") // one name for one shop
		place := links(b.at.body, "history/one")[0]
		b.get(place)
		b.wantText(
			"Kiln & Co", "Paid to", "Kiln Trading Ltd", "−$30.00", "Visa ending in 4242", "Amount held", "$32.00", "Charged",
			"What happened", "November 23, 2026, 10:15", "$32.00 held", "November 23, 2026, 11:15", "$30.00 paid",
			string(held.ID), "Show the approval",
		)
		b.get(links(b.at.body, "authorisations/one")[0])
		b.wantPage("authorisations/one")
		owner := s.owner()
		owner.get(place)
		owner.wantText("+$30.00", "Ann Buyer", "$32.00 held", "Fee")
		owner.wantNoText("4242", "Show the approval")
		nora := s.newBrowser()
		nora.signUp()
		for _, wrong := range []string{place, "history/one", "history/one?payment=.-" +
			string(held.ID), "history/one?payment=-1-" + string(held.ID), "history/one?payment=zzzzzzzzzzzzzzzzzzzz-x", place +
			"0"} {
			nora.get(wrong)
			nora.wantStatus(wrong, http.StatusNotFound)
		}
	})
}

// The page of an expired hold says so, whether or not the sweeper has processed
// it.
func TestAnExpiredHoldsPage(t *testing.T) {
	s := newSite(t)
	s.Reserved("32.00", "order-1")
	s.Clock.Advance(8 * 24 * time.Hour)
	b := s.ann()
	b.get("history")
	b.wantText("$32.00", "Cancelled")
	b.wantNoText("−$32.00")
	b.get(links(b.at.body, "history/one")[0])
	b.wantText("$32.00 held", "Released, because it was not charged in time.")
}

// Only the page for entering a card mentions card details.
func TestPagesWithoutACard(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	for _, place := range []string{"", "history", "nowhere"} {
		b.get(place)
		b.wantNoText("Your card details")
	}
	b.get("methods/card")
	b.wantText("Your card details")
}

// The list of approvals shows amount, frequency, payment method and start.
func TestApprovalsInALine(t *testing.T) {
	s := newSite(t)
	month := payment.Period{N: 1, Unit: payment.Month}
	s.Token(payment.Token{
		Instrument: s.Card.ID, Method: holdfast.MethodCC, Type: holdfast.TokenRecurring, Reason: "Mug of the month",
		AmountType: holdfast.AmountExact, Amount: holdfasttest.USD("9.99"), Period: month,
	})
	s.Aggregate(holdfast.MethodPrepaid, "50.00")
	s.Authorize("5.00")
	for accept, wants := range map[string][]string{
		"en-US": {
			"Regular payments · Mug of the month", "$9.99 every month · Visa\u00a04242 · since Nov 23, 2026",
			"up to $50.00 · ", "$5.00 · Visa",
		},
		"de": {"9,99\u00a0$ jeden Monat · Visa\u00a04242 · seit 23.11.2026", "bis zu 50,00\u00a0$ · "},
		"es": {"9,99\u00a0US$ cada mes · Visa\u00a04242 · desde el 23 nov 2026", "hasta 50,00\u00a0US$ · "},
	} {
		b := s.newBrowser()
		b.header.Set("Accept-Language", accept)
		b.signIn(s.Buyer.Email, holdfasttest.Password)
		b.get("authorisations")
		b.wantText(wants...)
	}
}

// historyOf gives Ann and the shop a history: a deposit, a refunded payment, a
// part charge, a hold, a cancelled hold, and a payment to another shop.
func (s *site) historyOf() (paid payment.Transaction) {
	s.t.Helper()
	next := func() { s.Clock.Advance(3 * 24 * time.Hour) }
	s.Deposit(s.Buyer.ID, "1234.50") // November 23
	next()
	paid = s.Paid("20.00", "order-1001")
	if _, err := s.Refund(paid.ID, "5.00", "refund-1001"); err != nil {
		s.t.Fatal(err)
	}
	next()
	held := s.Reserved("32.00", "order-1002")
	if _, err := s.Settle(held.ID, "30.00"); err != nil {
		s.t.Fatal(err)
	}
	next()
	cancelled := s.Reserved("7.00", "order-1003")
	if _, err := s.Cancel(cancelled.ID); err != nil {
		s.t.Fatal(err)
	}
	next()
	token := s.Token(payment.Token{
		Instrument: s.Card.ID, Method: holdfast.MethodCC, Type: holdfast.TokenSingleUse, Reason: "Ein Krug aus Köln",
		AmountType: holdfast.AmountMaximum, Amount: holdfasttest.USD("12"),
	})
	if _, err := s.Reserve(token, "12.00", "order-1004"); err != nil { // December 5
		s.t.Fatal(err)
	}
	return paid
}

// amounts are the amounts of the rows that the history shows.
func (b *browser) amounts() (all []string) {
	sum := regexp.MustCompile(`<p class="sum[^>]*>([^ <]+)`)
	for _, m := range sum.FindAllStringSubmatch(html.UnescapeString(b.at.body), -1) {
		all = append(all, m[1])
	}
	return all
}

// figures are the totals that the history shows.
func (b *browser) figures() string {
	_, rest, _ := strings.Cut(html.UnescapeString(b.at.body), `<dl class="figures">`)
	figures, _, _ := strings.Cut(rest, "</dl>")
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(figures, " ")), " ")
}

// The history can be filtered by state and period, searched by its texts, and
// added up. Both databases give the same result.
func TestTheHistoryFiltered(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		paid := s.historyOf()
		buyer, owner := s.ann(), s.owner()
		for _, row := range []struct {
			by      *browser
			query   string
			amounts string
			figures string
		}{
			{buyer, "", "$12.00 $7.00 −$30.00 +$5.00 −$20.00 +$1,234.50", "Paid $50.00 Received $1,239.50 Held $12.00"},
			{owner, "", "$12.00 $7.00 +$30.00 −$5.00 +$20.00", "Paid $5.00 Received $50.00 On hold for you $12.00"},
			{buyer, "show=paid", "−$30.00 −$20.00", "Paid $50.00"},
			{buyer, "show=received", "+$5.00 +$1,234.50", "Received $1,239.50"},
			{buyer, "show=held", "$12.00", "Held $12.00"},
			{buyer, "show=cancelled", "$7.00", ""},
			{buyer, "show=refunds", "+$5.00", "Received $5.00"},
			{buyer, "show=failed", "", ""},
			{buyer, "show=pending", "", ""},
			{buyer, "period=2026-12", "$12.00 $7.00", "Held $12.00"},
			{buyer, "period=2026-11", "−$30.00 +$5.00 −$20.00 +$1,234.50", "Paid $50.00 Received $1,239.50"},
			{
				buyer, "period=2026", "$12.00 $7.00 −$30.00 +$5.00 −$20.00 +$1,234.50",
				"Paid $50.00 Received $1,239.50 Held $12.00",
			},
			{buyer, "period=2025", "", ""},
			{buyer, "period=2026-11&show=paid", "−$30.00 −$20.00", "Paid $50.00"},
			{buyer, "q=deposit", "+$1,234.50", "Received $1,234.50"},
			{buyer, "q=KOLN+krug", "$12.00", "Held $12.00"},
			{buyer, "q=krug+hamburg", "", ""},
			{buyer, "q=1234,50+$", "+$1,234.50", "Received $1,234.50"},
			{buyer, "q=1.234,5", "+$1,234.50", "Received $1,234.50"},
			{buyer, "q=2", "", ""},
			{buyer, "q=32", "−$30.00", "Paid $30.00"},
			{buyer, "q=kiln+20.00", "−$20.00", "Paid $20.00"},
			{buyer, "q=order-1002", "", ""}, // the reference is the shop's
			{owner, "q=order-1002", "+$30.00", "Received $30.00"},
			{owner, "q=ann+BUYER&show=received", "+$30.00 +$20.00", "Received $50.00"},
			{buyer, "q=" + strings.ToLower(string(paid.ID)), "−$20.00", "Paid $20.00"},
			{buyer, "q=%25", "", ""},
			{
				buyer, "q=&show=&period=", "$12.00 $7.00 −$30.00 +$5.00 −$20.00 +$1,234.50",
				"Paid $50.00 Received $1,239.50 Held $12.00",
			},
		} {
			row.by.get("history?" + row.query)
			row.by.wantPage("history")
			if got := strings.Join(row.by.amounts(), " "); got != row.amounts || row.by.figures() != row.figures {
				t.Errorf("%q shows %q, with the totals %q; want %q and %q", row.query, got, row.by.figures(), row.amounts,
					row.figures)
			}
			if row.amounts == "" {
				row.by.wantText("No payment matches.")
			}
		}
	})
}

// The form shows the chosen filter, also in words, and its errors.
func TestTheHistorysForm(t *testing.T) {
	s := newSite(t)
	s.historyOf()
	b := s.ann()
	b.get("history?q=%3Cb%3Ek%C3%B6ln&show=held&period=2019-01")
	b.wantText("Held · January 2019 · “", "Show all payments", `<option value="held" selected>`,
		`<option value="2019-01" selected>January 2019`, "December 2026", "2024")
	if strings.Contains(b.at.body, "<b>") {
		t.Error("what is searched for is not escaped")
	}
	const visa = "4242 4242 4242 4242"
	for query, want := range map[string]string{
		"q=" + strings.Repeat("x", 101):     "This is too long.",
		"q=" + url.QueryEscape("Ann "+visa): "This looks like a card number.",
	} {
		b.get("history?" + query)
		b.wantStatus(query, http.StatusUnprocessableEntity)
		b.wantText(want, "<details class=\"filter\" open>")
		b.wantNoText(visa)
	}
	for _, wrong := range []string{"show=nonsense", "period=yesterday", "period=2026-13", "period=26"} {
		b.get("history?" + wrong)
		b.wantStatus(wrong, http.StatusNotFound)
	}
	b.get("history?q=" + strings.Repeat("%C3%B6", 100))
	b.wantStatus("a hundred characters", http.StatusOK)
}

// The filter also applies to the older pages, and the totals include all of
// them.
func TestTheHistoryFilteredByPage(t *testing.T) {
	s := newSite(t)
	for i := range 25 {
		s.Clock.Advance(time.Second)
		s.Paid("1.00", holdfast.CallerReference(fmt.Sprint("order-", i)))
		s.Paid("2.00", holdfast.CallerReference(fmt.Sprint("other-", i)))
	}
	b := s.ann()
	b.get("history?q=2.00&show=paid&period=2026")
	if got := b.figures(); got != "Paid $50.00" || len(b.amounts()) != 20 {
		t.Errorf("the first page has %d rows, with the totals %q", len(b.amounts()), got)
	}
	holdfasttest.CheckPage(t, "history", b.at.body)
	b.get(links(b.at.body, "history?")[0])
	if got := b.figures(); got != "" || len(b.amounts()) != 5 {
		t.Errorf("the second page has %d rows, with the totals %q", len(b.amounts()), got)
	}
	b.wantNoText("$1.00", "Show older entries")
}
