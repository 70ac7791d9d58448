package console_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// reportedSite has two settlements, one of them in the month after its hold, and a
// refund. The job has added the days up.
func reportedSite(t *testing.T, db *store.DB) *site {
	t.Helper()
	s := newSiteOn(t, db)
	paid := s.Paid("10.00", "=order-1").ID
	s.Clock.Advance(5 * 24 * time.Hour)
	held := s.Reserved("42.50", "order-2").ID
	s.Clock.Advance(4 * 24 * time.Hour)
	_, settling := s.Settle(held, "")
	_, refunding := s.Refund(paid, "4.00", "refund-1")
	for _, err := range []error{settling, refunding, s.SumDays()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestReportPages(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := reportedSite(t, db)
		b := s.as(party.RoleFinance, s.Shop.ID)
		// The clock is in December: the hold of November was settled then.
		b.get(s.caller("reports")).wantStatus(http.StatusOK).
			want("December 2026", "$42.50", "1 settlement", "$4.00", "1 refund", "2026-12-02", "reports/days/2026-12-02", "Older").
			wantNot("$10.00", "Newer")
		b.get(s.caller("reports?month=2026-11")).want("November 2026", "$10.00", "$0.59", "$9.41", "Newer").wantNot("$42.50")
		b.get(s.caller("reports/statement")).wantStatus(http.StatusOK).want("$9.41", "$40.97", "$46.62")
		b.get(s.caller("reports/ledger")).wantStatus(http.StatusOK).want("−$48.50", "$1.88", "$46.62", "$0.00").wantNot("Prepaid")
		b.get(s.caller("reports/days/2026-12-02")).wantStatus(http.StatusOK).
			want("order-2", "$42.50", "refund-1", "payments/", "−$0.24").wantNot("order-1")
		b.get(s.caller("reports/days/2026-11-28")).want("order-2", "$42.50")
		b.get(s.caller("reports/days/2020-01-01")).wantStatus(http.StatusOK).want("Nothing moved.")
		b.get(s.caller("reports?month=November")).wantStatus(http.StatusUnprocessableEntity).want("Give a month such as 2026-11")
		// A year has its months, also in the statement and the ledger.
		b.get(s.caller("reports?month=2026")).wantStatus(http.StatusOK).
			want("By month", "2026-11", "2026-12", "$10.00", "$42.50", "month=2026-11").wantNot("2026-12-02", "Newer")
		b.get(s.caller("reports/statement?month=2026")).wantStatus(http.StatusOK).want("2026-11", "$9.41", "$46.62")
		b.get(s.caller("reports/ledger?month=2026")).wantStatus(http.StatusOK).want("2026-12", "−$48.50", "$46.62")
		b.get(s.caller("reports/days/2026-11")).wantStatus(http.StatusOK).want("November 2026", "=order-1", "order-2", "$0.59")
		b.get(s.caller("reports/days/2026-12?show=refunds")).wantStatus(http.StatusOK).want("refund-1", "$4.00").
			wantNot("order-2")
		b.get(s.caller("reports/days/2026")).wantStatus(http.StatusOK).want("=order-1", "refund-1", "order-2")
		b.get(s.caller("reports/days/2026-11?after=1764000000000000..0")).wantStatus(http.StatusOK).want("Newer")
		for _, wrong := range []string{
			"reports/days/2026-11?show=all", "reports/days/2026-11?after=1.2", "reports/days/2026-11?after=x.y.z", "reports/days/20x6",
			"reports?file=secrets", "reports/ledger?file=exe", "reports/days/yesterday", "reports/days/2026-02-30",
		} {
			b.get(s.caller(wrong)).wantStatus(http.StatusNotFound)
		}
	})
}

// A file has every line of the month, and no formula.
func TestReportFiles(t *testing.T) {
	s := reportedSite(t, holdfasttest.Open(t, t.TempDir()+"/holdfast.db"))
	b := s.as(party.RoleFinance, s.Shop.ID)
	for _, row := range []struct {
		path  string
		lines int
		has   string
	}{
		{"reports?month=2026-11&file=settlements", 2, ",Pay,'=order-1,CC,,10.00,0.59,0.00,9.41"},
		{"reports?month=2026-12&file=settlements", 2, ",42.50,1.53,0.00,40.97"},
		{"reports?file=refunds", 2, ",4.00,0.24,0.00,3.76"},
		{"reports?file=fees", 3, ",-0.24,0.00"},
		{"reports?file=disputes", 1, "date,transaction"},
		{"reports?file=statement", 4, ",9.41\n"},
		{"reports/ledger?file=csv", 13, "Income:Fees:"},
	} {
		b.get(s.caller(row.path)).wantStatus(http.StatusOK).want(row.has)
		rows, err := csv.NewReader(strings.NewReader(b.body)).ReadAll()
		if err != nil || len(rows) != row.lines {
			t.Errorf("%s has %d lines, want %d (%v):\n%s", row.path, len(rows), row.lines, err, b.body)
		}
	}
	b.get(s.caller("reports/ledger?month=2026-12&file=hledger")).want("* Opening balances", "* Balances at the end of the period")
	b.get(s.caller("reports/ledger?month=2026-12&file=beancount")).want("2027-01-01 balance Income:Fees:")
}

func TestReportsAreForThoseWhoMay(t *testing.T) {
	s := reportedSite(t, holdfasttest.Open(t, t.TempDir()+"/holdfast.db"))
	other := s.OtherShop()
	foreign := s.as(party.RoleOwner, other.ID)
	for _, role := range party.Roles {
		b, want := s.as(role, s.Shop.ID), http.StatusForbidden
		if role.May(party.MayReport) {
			want = http.StatusOK
		}
		for _, path := range []string{
			"reports", "reports/statement", "reports/ledger", "reports/days/2026-12-02", "reports?file=settlements",
			"reports/ledger?file=csv",
		} {
			b.get(s.caller(path)).wantStatus(want)
			foreign.get(s.caller(path)).wantStatus(http.StatusNotFound).wantNot("order-2")
		}
	}
}

// Without an account at a network there is nothing to compare. An account serves
// several callers, so members of one caller do not see the page.
func TestReconciliationPage(t *testing.T) {
	s := newSite(t)
	s.as(party.RoleFinance, "").get("server/reconciliation").wantStatus(http.StatusOK).want("no account at a card network")
	s.as(party.RoleSupport, "").get("server/reconciliation").wantStatus(http.StatusForbidden)
	s.as(party.RoleOwner, s.Shop.ID).get("server/reconciliation").wantStatus(http.StatusNotFound)
}
