package store

import (
	"maps"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A report that begins at a time needs what was there before. The sums of closed days
// say so: only the movements after the last of these days are read, usually those of
// less than a day.

// closedBefore is the last day that begins by a time and before which all days are
// closed.
func (tx *ReadTx) closedBefore(c party.CallerID, at time.Time) (payment.BookDay, error) {
	place, found, err := tx.DailySumPlace(c)
	if err != nil || !found {
		return 0, err
	}
	return min(place.Closed, payment.BookDayOf(at)), nil
}

// FiguresBefore adds up the figures of a caller before a time.
func (tx *ReadTx) FiguresBefore(c party.CallerID, at time.Time) (sum payment.Figures, err error) {
	day, err := tx.closedBefore(c, at)
	if err != nil {
		return sum, err
	}
	if sum, err = tx.SumBefore(c, day); err != nil {
		return sum, err
	}
	if sum.Changes == nil {
		sum.Changes = make(map[ledger.Group]int64)
	}
	return sum, tx.anyOrder(c, day.Time(), at, sum.Add)
}

// BalancesAt are the balances of all accounts in a caller's books at a time. Those
// that are zero are left out.
func (tx *ReadTx) BalancesAt(c party.CallerID, at time.Time) (map[ledger.AccountID]int64, error) {
	day, err := tx.closedBefore(c, at)
	if err != nil {
		return nil, err
	}
	changes, err := list(tx, "adding up changes of accounts", scanAccountDay, `
		SELECT CAST(0 AS BIGINT), account, CAST(SUM(micro) AS BIGINT) FROM daily_changes WHERE caller_id = $1 AND day < $2
		GROUP BY account`, c, day)
	if err != nil {
		return nil, err
	}
	balances := make(map[ledger.AccountID]int64, len(changes))
	for _, one := range changes {
		balances[one.Account] = one.Micro
	}
	err = tx.anyOrder(c, day.Time(), at, func(m *payment.Movement) { addChanges(balances, m) })
	maps.DeleteFunc(balances, func(_ ledger.AccountID, micro int64) bool { return micro == 0 })
	return balances, err
}

func scanAccountDay(row scanner) (a AccountDay, err error) {
	return a, row.Scan(&a.Day, &a.Account, &a.Micro)
}

// daysChecked is how many days a check of the books compares at once.
const daysChecked = 31

// checkDailySums compares the sums of a caller's closed days with the steps.
func (tx *ReadTx) checkDailySums(c party.CallerID, report *Report) error {
	place, found, err := tx.DailySumPlace(c)
	if err != nil || !found || place.Version == 0 {
		return err
	}
	first, _, err := tx.FirstReceived(c)
	if err != nil {
		return err
	}
	for from, to := payment.BookDay(0), payment.BookDayOf(first); from < place.Closed; from, to = to, to+daysChecked {
		if err := tx.checkDays(c, from, min(to, place.Closed), report); err != nil {
			return err
		}
	}
	return nil
}

// checkDays is checkDailySums for the days from one until before another.
func (tx *ReadTx) checkDays(c party.CallerID, from, to payment.BookDay, report *Report) error {
	kept, err := tx.DailySums(c, from, to)
	if err != nil {
		return err
	}
	changes, err := list(tx, "reading changes of accounts", scanAccountDay, `
		SELECT day, account, micro FROM daily_changes WHERE caller_id = $1 AND day >= $2 AND day < $3
		ORDER BY day, account`, c, from, to)
	if err != nil {
		return err
	}
	steps, err := tx.SumDays(c, from, to, to)
	if err != nil {
		return err
	}
	wrong := func(table string, d payment.BookDay) {
		report.Findings = append(report.Findings, payment.Finding{
			Caller: c, Table: table, Row: string(c) + "/" + d.Time().Format(time.DateOnly),
			Problem: "is not what the steps of the day add up to",
		})
	}
	days := make(map[payment.BookDay]payment.DayFigures, len(kept))
	for _, d := range kept {
		days[d.Day] = d
	}
	for _, d := range steps.Days {
		if !sameFigures(days[d.Day], d) {
			wrong("daily_sums", d.Day)
		}
		delete(days, d.Day)
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		wrong("daily_sums", day)
	}
	should, does := byDay(steps.Changes), byDay(changes)
	for _, day := range slices.Sorted(maps.Keys(should)) {
		if !maps.Equal(should[day], does[day]) {
			wrong("daily_changes", day)
		}
		delete(does, day)
	}
	for _, day := range slices.Sorted(maps.Keys(does)) {
		wrong("daily_changes", day)
	}
	return nil
}

// byDay has the changes of each day by their accounts.
func byDay(all []AccountDay) map[payment.BookDay]map[ledger.AccountID]int64 {
	days := make(map[payment.BookDay]map[ledger.AccountID]int64)
	for _, one := range all {
		if days[one.Day] == nil {
			days[one.Day] = make(map[ledger.AccountID]int64)
		}
		days[one.Day][one.Account] = one.Micro
	}
	return days
}
