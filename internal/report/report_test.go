package report_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/report"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// rowsOf runs a report.
func rowsOf(t *testing.T, db *store.DB, made report.Report) (rows [][]any) {
	t.Helper()
	err := made.Run(t.Context(), db.Reader, func(cells []any) error {
		rows = append(rows, cells)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// sums adds up the columns of amounts of a report, by their names. For other columns
// of amounts, such as a balance, it has the last value.
func sums(t *testing.T, db *store.DB, made report.Report) map[string]int64 {
	t.Helper()
	all, names := make(map[string]int64), made.Headings()
	for _, cells := range rowsOf(t, db, made) {
		for i, cell := range cells {
			amount, is := cell.(money.Amount)
			switch {
			case is && names[i] == "balance":
				all[names[i]] = amount.Micro
			case is:
				all[names[i]] += amount.Micro
			}
		}
	}
	maps.DeleteFunc(all, func(_ string, micro int64) bool { return micro == 0 })
	return all
}

// balances are the balances of all accounts at a time, from the movements.
func balances(t *testing.T, db *store.DB, c party.CallerID, at time.Time) map[ledger.AccountID]int64 {
	t.Helper()
	all := make(map[ledger.AccountID]int64)
	err := db.Movements(t.Context(), c, time.UnixMicro(1), at, func(m *payment.Movement) error {
		accounts, by := ledger.AllChanges(m.Postings)
		for i, a := range accounts {
			all[a] += by[i]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func period(t *testing.T, from, to, zone string) report.Period {
	t.Helper()
	p, err := report.PeriodInput{From: from, To: to, Zone: zone}.Period(holdfasttest.Start)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Each report agrees with the sums of the movements in its window, which agree with
// the ledger. The sums of days and months are those of the lines.
func TestReportsAddUp(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		holdfasttest.NewBusyShop(w, 5).Run(150)
		for _, p := range []report.Period{
			period(t, "2026-11-01", "2027-11-30", ""),
			period(t, "2026-12-01", "2026-12-31", "America/New_York"),
			period(t, "2026-11-29", "2027-01-20", "Asia/Kathmandu"),
		} {
			q := report.Query{Caller: w.Shop, Period: p, Now: p.To}
			var want payment.Figures
			commissions := int64(0)
			err := db.Movements(t.Context(), w.Shop.ID, p.From, p.To, func(m *payment.Movement) error {
				want.Add(m)
				if m.Kind == payment.KindCommission {
					commissions += m.CommissionPaid()
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			of := func(name report.Name, by report.By) map[string]int64 {
				return sums(t, db, report.Lines{Query: q, Name: name, By: by})
			}
			settled, refunded, fees := of(report.Settlements, ""), of(report.Refunds, ""), of(report.Fees, "")
			if settled["amount"] != want.Settled || settled["marketplace_fee"] != commissions ||
				settled["fee"]-refunded["fee_returned"] != want.Fees || refunded["amount"] != want.Refunded ||
				fees["fee"] != want.Fees || fees["fee"] != want.Changes[ledger.GroupFees] ||
				fees["marketplace_fee"] != want.Commissions ||
				settled["marketplace_fee"]-refunded["marketplace_fee_returned"] != want.Commissions {
				t.Errorf("%v: settlements %v, refunds %v, fees %v, want %+v and %d", p, settled, refunded, fees, want, commissions)
			}
			checkStatement(t, w, q)
			for _, name := range []report.Name{report.Settlements, report.Refunds, report.Fees, report.Statement} {
				for _, by := range []report.By{report.ByDay, report.ByMonth} {
					if got, want := of(name, by), of(name, ""); !maps.Equal(got, want) {
						t.Errorf("%s by %s: %v, want %v", name, by, got, want)
					}
				}
			}
			checkBalances(t, w, q)
		}
	})
}

// checkStatement compares a statement with the owner's accounts.
func checkStatement(t *testing.T, w *holdfasttest.World, q report.Query) {
	t.Helper()
	own := func(at time.Time) int64 {
		all := balances(t, w.DB, w.Shop.ID, at)
		return all[ledger.Party(string(w.Owner.ID))] + all[ledger.SetAside(string(w.Owner.ID))]
	}
	lines := report.Lines{Query: q, Name: report.Statement}
	rows, got := rowsOf(t, w.DB, lines), sums(t, w.DB, lines)
	opening, _ := rows[0][len(rows[0])-1].(money.Amount)
	if want := own(q.Period.From); opening.Micro != want {
		t.Errorf("%v: the statement begins with %v, want %d", q.Period, opening, want)
	}
	if want := own(q.Period.To); got["balance"] != want || opening.Micro+got["in"]-got["out"] != want {
		t.Errorf("%v: the statement ends with %v from %v, want %d", q.Period, got, opening, want)
	}
}

// checkBalances compares the reports of balances with the accounts.
func checkBalances(t *testing.T, w *holdfasttest.World, q report.Query) {
	t.Helper()
	for _, by := range []report.By{report.ByDay, report.ByMonth} {
		made := report.Balances{Query: q, By: by}
		rows := rowsOf(t, w.DB, made)
		layout := map[report.By]string{report.ByDay: time.DateOnly, report.ByMonth: "2006-01"}[by]
		for _, row := range []int{0, len(rows) / 2, len(rows) - 1} {
			label, _ := rows[row][0].(string)
			start, err := time.ParseInLocation(layout, label, q.Period.Zone())
			if err != nil {
				t.Fatal(err)
			}
			end := start.AddDate(0, 0, 1)
			if by == report.ByMonth {
				end = start.AddDate(0, 1, 0)
			}
			if end.After(q.Period.To) {
				end = q.Period.To
			}
			want := make(map[ledger.Group]int64)
			for a, micro := range balances(t, w.DB, w.Shop.ID, end) {
				want[a.Group()] += micro
			}
			for i, g := range ledger.Groups {
				if got, _ := rows[row][i+1].(money.Amount); got.Micro != want[g] {
					t.Errorf("%s at the end of %s: %v, want %d", g, label, got, want[g])
				}
			}
		}
	}
	opening, closing := balances(t, w.DB, w.Shop.ID, q.Period.From), balances(t, w.DB, w.Shop.ID, q.Period.To)
	for _, row := range rowsOf(t, w.DB, report.Accounts{Caller: q.Caller, Period: q.Period}) {
		account, _ := row[0].(string)
		first, _ := row[1].(money.Amount)
		last, _ := row[4].(money.Amount)
		if a := ledger.AccountID(account); first.Micro != opening[a] || last.Micro != closing[a] {
			t.Errorf("%s goes from %v to %v, want %d to %d", a, first, last, opening[a], closing[a])
		}
		delete(closing, ledger.AccountID(account))
	}
	maps.DeleteFunc(closing, func(_ ledger.AccountID, micro int64) bool { return micro == 0 })
	if len(closing) > 0 {
		t.Errorf("the report lacks %v", slices.Sorted(maps.Keys(closing)))
	}
}

func TestPeriods(t *testing.T) {
	now := time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC)
	const layout = "2006-01-02T15:04:05Z07:00"
	for _, row := range []struct {
		in       report.PeriodInput
		from, to string // or an error
	}{
		{report.PeriodInput{}, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"},
		{report.PeriodInput{Zone: "Europe/Berlin"}, "2026-12-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"},
		{report.PeriodInput{Month: "2026-03", Zone: "Europe/Berlin"}, "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"},
		{report.PeriodInput{From: "2026-11-29"}, "2026-11-29T00:00:00Z", "2026-12-01T00:00:00Z"},
		{report.PeriodInput{To: "2026-11-29"}, "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z"},
		{report.PeriodInput{From: "2026-11-29", To: "2026-11-29"}, "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z"},
		// At midnight of this day, the clocks of Beirut went to 01:00.
		{
			report.PeriodInput{From: "2022-03-27", To: "2022-03-27", Zone: "Asia/Beirut"},
			"2022-03-27T01:00:00+03:00", "2022-03-28T00:00:00+03:00",
		},
		{report.PeriodInput{From: "2026-11-30", To: "2026-11-29"}, "", "the last day is before the first"},
		{report.PeriodInput{Month: "2026-11", To: "2026-11-29"}, "", "not both"},
		{report.PeriodInput{Month: "2026-13"}, "", "not a month"},
		{report.PeriodInput{Month: "11/2026"}, "", "not a month"},
		{report.PeriodInput{From: "2026-02-30"}, "", "not a day"},
		{report.PeriodInput{From: "0001-01-01"}, "", "between the years"},
		{report.PeriodInput{Zone: "Local"}, "", "not a time zone"},
		{report.PeriodInput{Zone: "../etc/passwd"}, "", "not a time zone"},
	} {
		p, err := row.in.Period(now)
		if row.from == "" {
			if err == nil || !strings.Contains(err.Error(), row.to) {
				t.Errorf("%+v: %v, %v, want %q", row.in, p, err, row.to)
			}
			continue
		}
		if err != nil || p.From.Format(layout) != row.from || p.To.Format(layout) != row.to {
			t.Errorf("%+v: from %s to %s, %v", row.in, p.From.Format(layout), p.To.Format(layout), err)
		}
	}
}
