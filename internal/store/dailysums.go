package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// changeField is a column of what a day has added to a group of accounts.
func changeField(name string, g ledger.Group) field[payment.DayFigures] {
	f := numberField(name, func(d *payment.DayFigures) *int64 {
		micro := d.Changes[g]
		return &micro
	})
	f.dest = func(d *payment.DayFigures) any { return changeDest{d, g} }
	return f
}

// A changeDest is where the scan puts such a column.
type changeDest struct {
	day   *payment.DayFigures
	group ledger.Group
}

func (d changeDest) ScanInt64(v pgtype.Int8) error {
	if d.day.Changes == nil {
		d.day.Changes = make(map[ledger.Group]int64)
	}
	d.day.Changes[d.group] = v.Int64
	return nil
}

func (d changeDest) Scan(v any) error { return scanNumber(v, d.ScanInt64) }

type figures = payment.DayFigures

var dailySumTable = table[figures]{name: "daily_sums", fields: fields[figures]{
	textField("caller_id", func(d *figures) *party.CallerID { return &d.Caller }),
	numberField("day", func(d *figures) *payment.BookDay { return &d.Day }),
	numberField("holds", func(d *figures) *int64 { return &d.Holds }),
	numberField("held", func(d *figures) *int64 { return &d.Held }),
	numberField("released", func(d *figures) *int64 { return &d.Released }),
	numberField("settlements", func(d *figures) *int64 { return &d.Settlements }),
	numberField("settled", func(d *figures) *int64 { return &d.Settled }),
	numberField("refunds", func(d *figures) *int64 { return &d.Refunds }),
	numberField("refunded", func(d *figures) *int64 { return &d.Refunded }),
	numberField("fees", func(d *figures) *int64 { return &d.Fees }),
	numberField("commissions", func(d *figures) *int64 { return &d.Commissions }),
	numberField("disputes", func(d *figures) *int64 { return &d.Disputes }),
	numberField("disputed", func(d *figures) *int64 { return &d.Disputed }),
	numberField("declines", func(d *figures) *int64 { return &d.Declines }),
	numberField("own_in", func(d *figures) *int64 { return &d.OwnIn }),
	numberField("own_out", func(d *figures) *int64 { return &d.OwnOut }),
	changeField("network_change", ledger.GroupNetwork),
	changeField("held_change", ledger.GroupHeld),
	changeField("outgoing_change", ledger.GroupOutgoing),
	changeField("fees_change", ledger.GroupFees),
	changeField("parties_change", ledger.GroupParties),
	changeField("prepaid_change", ledger.GroupPrepaid),
	changeField("owed_change", ledger.GroupOwed),
	changeField("debt_change", ledger.GroupDebt),
	changeField("due_change", ledger.GroupDue),
}}

var (
	dailySumColumns = dailySumTable.list()
	scanDailySum    = dailySumTable.scanner()
	insertDailySum  = dailySumTable.insertText("")
)

// DailySums reads the daily sums of a caller from a day until before another, in
// order. The job computes those of the present day every minute. Days on which
// nothing moved are left out.
func (tx *ReadTx) DailySums(c party.CallerID, from, to payment.BookDay) ([]payment.DayFigures, error) {
	return list(tx, "reading daily sums", scanDailySum, `
		SELECT `+dailySumColumns+` FROM daily_sums WHERE caller_id = $1 AND day >= $2 AND day < $3 ORDER BY day`, c, from, to)
}

// DaySums are the sums of some days. Changes are those of accounts, on the days that are
// about to be closed.
type DaySums struct {
	Days    []payment.DayFigures
	Changes []AccountDay
}

// An AccountDay is what a day has added to an account of a caller's books.
type AccountDay struct {
	Day     payment.BookDay
	Account ledger.AccountID
	Micro   int64
}

// SumDays computes the sums of each day in UTC from what moved in the books, with
// the changes of accounts on the days before closed. Days on which nothing moved are
// left out.
func (tx *ReadTx) SumDays(c party.CallerID, from, to, closed payment.BookDay) (DaySums, error) {
	days := newSumming(c, closed)
	err := tx.anyOrder(c, from.Time(), to.Time(), days.add)
	return days.sums(), err
}

// A summing adds up the movements of days.
type summing struct {
	caller party.CallerID
	closed payment.BookDay // accounts are added up on the days before it
	days   map[payment.BookDay]*summingDay
}

type summingDay struct {
	payment.DayFigures
	changes map[ledger.AccountID]int64
}

func newSumming(c party.CallerID, closed payment.BookDay) *summing {
	return &summing{c, closed, make(map[payment.BookDay]*summingDay)}
}

func (s *summing) add(m *payment.Movement) {
	at := payment.BookDayOf(m.At)
	if s.days[at] == nil {
		s.days[at] = &summingDay{payment.DayFigures{Caller: s.caller, Day: at}, make(map[ledger.AccountID]int64)}
	}
	s.days[at].Add(m)
	if at < s.closed {
		addChanges(s.days[at].changes, m)
	}
}

func (s *summing) sums() (sums DaySums) {
	for _, at := range slices.Sorted(maps.Keys(s.days)) {
		day := s.days[at]
		if !day.Empty() {
			sums.Days = append(sums.Days, day.DayFigures)
		}
		for _, a := range slices.Sorted(maps.Keys(day.changes)) {
			if micro := day.changes[a]; micro != 0 {
				sums.Changes = append(sums.Changes, AccountDay{at, a, micro})
			}
		}
	}
	return sums
}

func addChanges(to map[ledger.AccountID]int64, m *payment.Movement) {
	accounts, by := ledger.AllChanges(m.Postings)
	for i, a := range accounts {
		to[a] += by[i]
	}
}

// DaysToSum are the days that the job computes. The days before Closed are closed
// then.
type DaysToSum struct{ From, To, Closed payment.BookDay }

// A DayReading is [ReadTx.SumDays] in many short transactions, one for each page of
// payments. One long transaction would keep PostgreSQL from removing old versions of
// rows, and SQLite from shortening its log.
//
// The days that are about to be closed get no further steps, so their sums are exact.
// Those of the other days may lack a step that is written meanwhile. Each step is
// read once or not at all, and its postings are balanced.
type DayReading struct {
	reader Reader
	stream *movementStream
	sum    *summing
}

// ReadDays begins to compute the sums of days.
func (r Reader) ReadDays(c party.CallerID, days DaysToSum) *DayReading {
	return &DayReading{r, newMovementStream(nil, c, days.From.Time(), days.To.Time()), newSumming(c, days.Closed)}
}

// Next adds up the next page. more says that there are further pages.
func (d *DayReading) Next(ctx context.Context) (more bool, err error) {
	more = !d.stream.ended
	err = d.reader.View(ctx, func(tx *ReadTx) error {
		d.stream.tx = tx
		if !more {
			return d.stream.rest(d.sum.add)
		}
		page, _, err := d.stream.next()
		for _, m := range page {
			d.sum.add(m)
		}
		return err
	})
	return more, err
}

// Sums are the sums of what was read.
func (d *DayReading) Sums() DaySums { return d.sum.sums() }

// A DailySumPlace is how far the daily sums of a caller are.
type DailySumPlace struct {
	Caller    party.CallerID
	Version   int64           // zero for a place that was never written
	Closed    payment.BookDay // the days before it do not change any more
	NotBefore time.Time       // real time; no day is closed before it
}

var dailySumPlaceTable = table[DailySumPlace]{name: "daily_sum_places", fields: fields[DailySumPlace]{
	textField("caller_id", func(p *DailySumPlace) *party.CallerID { return &p.Caller }),
	numberField("version", func(p *DailySumPlace) *int64 { return &p.Version }),
	numberField("closed", func(p *DailySumPlace) *payment.BookDay { return &p.Closed }),
	timeField("not_before", func(p *DailySumPlace) *time.Time { return &p.NotBefore }),
}}

var (
	dailySumPlaceColumns = dailySumPlaceTable.list()
	scanDailySumPlace    = dailySumPlaceTable.scanner()
	insertDailySumPlace  = dailySumPlaceTable.insertText("ON CONFLICT (caller_id) DO NOTHING")
)

// DailySumPlace reads the place of a caller's daily sums. Before the first sums it
// is at the day of the caller's first transaction. found is false if there is no
// transaction.
func (tx *ReadTx) DailySumPlace(c party.CallerID) (p DailySumPlace, found bool, err error) {
	all, err := list(tx, "reading how far daily sums are", scanDailySumPlace,
		`SELECT `+dailySumPlaceColumns+` FROM daily_sum_places WHERE caller_id = $1`, c)
	if err != nil || len(all) > 0 {
		return append(all, p)[0], err == nil, err
	}
	first, found, err := tx.FirstReceived(c)
	if err != nil || !found {
		return p, false, err
	}
	return DailySumPlace{Caller: c, Closed: payment.BookDayOf(first)}, true, nil
}

// FirstReceived is when a caller's first transaction was received.
func (tx *ReadTx) FirstReceived(c party.CallerID) (first time.Time, found bool, err error) {
	some, err := list(tx, "reading the first transaction", scanNumber64, `
		SELECT received FROM transactions WHERE caller_id = $1 AND received > 0 ORDER BY received LIMIT 1`, c)
	if err != nil || len(some) == 0 {
		return first, false, err
	}
	return when(some[0]), true, nil
}

func scanNumber64(row scanner) (n int64, err error) { return n, row.Scan(&n) }

// OverdueSince is the earliest deadline of a caller's transactions that has passed
// at now, the caller's time, without their end being written. Their last steps will
// be dated by it. It is zero if there is none.
func (tx *ReadTx) OverdueSince(c party.CallerID, now time.Time) (first time.Time, err error) {
	for _, query := range []string{
		`SELECT due FROM transactions WHERE caller_id = $1 AND due > 0 AND due <= $2 ORDER BY due LIMIT 1`,
		`SELECT deadline FROM transactions WHERE caller_id = $1 AND taking > 0 AND deadline <= $2 ORDER BY deadline LIMIT 1`,
	} {
		some, err := list(tx, "looking for overdue transactions", scanNumber64, query, c, micros(now))
		if err != nil {
			return first, err
		}
		if len(some) > 0 && (first.IsZero() || when(some[0]).Before(first)) {
			first = when(some[0])
		}
	}
	return first, nil
}

// changesMost is how many changes of accounts one commit writes.
const changesMost = 2000

// KeepDailySums writes the sums of the days from p.Closed until before d.To, and
// the new place. It writes nothing if all of it is there already. It is ErrStale if
// another server has written the place since. No commit writes many rows: the others
// wait for it.
func (db *DB) KeepDailySums(ctx context.Context, p DailySumPlace, d DaysToSum, s DaySums) error {
	most := cmp.Or(db.changesMost, changesMost)
	for {
		part, some := s.first(d, most)
		large := len(some.Changes) > most // of one day
		if large {
			if err := db.keepChanges(ctx, &p, some.Changes, most); err != nil {
				return err
			}
		}
		err := db.Background(ctx, func(tx *Tx) error { return tx.keepDailySums(p, part, some, large) })
		if err != nil || part == d {
			return err
		}
		p.Version++
		p.Closed = part.Closed
		s = DaySums{s.Days[len(some.Days):], s.Changes[len(some.Changes):]}
	}
}

// first returns the first days of d and their sums: as many days as have at most so many
// changes of accounts, but at least one.
func (s DaySums) first(d DaysToSum, most int) (DaysToSum, DaySums) {
	if len(s.Changes) <= most {
		return d, s
	}
	to := max(s.Changes[most].Day, s.Changes[0].Day+1)
	if to >= d.Closed {
		return d, s
	}
	days := slices.IndexFunc(s.Days, func(f payment.DayFigures) bool { return f.Day >= to })
	changes := slices.IndexFunc(s.Changes, func(a AccountDay) bool { return a.Day >= to })
	if days >= 0 {
		s.Days = s.Days[:days]
	}
	if changes >= 0 {
		s.Changes = s.Changes[:changes]
	}
	return DaysToSum{From: d.From, To: to, Closed: to}, s
}

// keepChanges writes the changes of accounts of a day in several commits. The day is
// not closed before the last one, so nothing reads them until then, and an attempt that
// was cut short is repeated.
func (db *DB) keepChanges(ctx context.Context, p *DailySumPlace, changes []AccountDay, most int) error {
	step := func(work func(*Tx) error) error {
		err := db.Background(ctx, func(tx *Tx) error {
			if err := tx.writeDailySumPlace(*p, p.Closed, p.NotBefore); err != nil { // ErrStale to another server
				return err
			}
			return work(tx)
		})
		p.Version++
		return err
	}
	for removed := int64(most); removed == int64(most); {
		if err := step(func(tx *Tx) (err error) {
			removed, err = tx.exec("removing changes of accounts", `
				DELETE FROM daily_changes WHERE caller_id = $1 AND (day, account) IN (
					SELECT day, account FROM daily_changes WHERE caller_id = $1 AND day >= $2 LIMIT $3)`, p.Caller, p.Closed, most)
			return err
		}); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(changes, most) {
		if err := step(func(tx *Tx) error { return tx.addChangesOfAccounts(p.Caller, some) }); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) addChangesOfAccounts(c party.CallerID, changes []AccountDay) error {
	rows := make([][]any, len(changes))
	for i, one := range changes {
		rows[i] = []any{c, one.Day, one.Account, one.Micro}
	}
	return tx.addRows("adding changes of accounts", `INSERT INTO daily_changes (caller_id, day, account, micro)`, ``, rows)
}

// keepDailySums writes days in one commit. kept says that the changes of accounts are
// there already.
func (tx *Tx) keepDailySums(p DailySumPlace, d DaysToSum, s DaySums, kept bool) error {
	to, days, closed := d.To, s.Days, d.Closed
	there, err := tx.DailySums(p.Caller, p.Closed, to)
	if err != nil {
		return err
	}
	if slices.EqualFunc(there, days, sameFigures) && closed == p.Closed {
		return nil
	}
	if err := tx.writeDailySumPlace(p, closed, p.NotBefore); err != nil {
		return err
	}
	if _, err := tx.exec("removing daily sums", `
		DELETE FROM daily_sums WHERE caller_id = $1 AND day >= $2 AND day < $3`, p.Caller, p.Closed, to); err != nil {
		return err
	}
	for i := range days {
		if err := tx.one("adding daily sums", insertDailySum, dailySumTable.fields.values(&days[i])...); err != nil {
			return err
		}
	}
	if kept {
		return nil
	}
	if _, err := tx.exec("removing changes of accounts", // of an attempt that was cut short
		`DELETE FROM daily_changes WHERE caller_id = $1 AND day >= $2`, p.Caller, p.Closed); err != nil {
		return err
	}
	return tx.addChangesOfAccounts(p.Caller, s.Changes)
}

func sameFigures(a, b payment.DayFigures) bool {
	return slices.Equal(dailySumTable.fields.values(&a), dailySumTable.fields.values(&b))
}

// ReopenDailySums makes the job compute the days from one on again, because the
// caller's clock was moved: it was on one of the two days before, and is on the
// other now. No day is closed before notBefore, which is real time.
func (tx *Tx) ReopenDailySums(c party.CallerID, before, now payment.BookDay, notBefore time.Time) error {
	p, found, err := tx.DailySumPlace(c)
	if err != nil || !found {
		return err
	}
	closed := min(p.Closed, before, now)
	if err := tx.writeDailySumPlace(p, closed, notBefore); err != nil {
		return err
	}
	_, err = tx.exec("removing changes of accounts", `
		DELETE FROM daily_changes WHERE caller_id = $1 AND day >= $2`, c, closed)
	if err != nil {
		return err
	}
	_, err = tx.exec("removing daily sums", `DELETE FROM daily_sums WHERE caller_id = $1 AND day > $2`, c, now)
	return err
}

func (tx *Tx) writeDailySumPlace(p DailySumPlace, closed payment.BookDay, notBefore time.Time) error {
	if p.Version == 0 {
		p.Version, p.Closed, p.NotBefore = 1, closed, notBefore
		return tx.one("writing how far daily sums are", insertDailySumPlace, dailySumPlaceTable.fields.values(&p)...)
	}
	return tx.one("writing how far daily sums are", `
		UPDATE daily_sum_places SET version = version + 1, closed = $1, not_before = $2
		WHERE caller_id = $3 AND version = $4`,
		closed, micros(notBefore), p.Caller, p.Version)
}

// SumBefore adds up the daily sums of a caller before a day.
func (tx *ReadTx) SumBefore(c party.CallerID, day payment.BookDay) (sum payment.Figures, err error) {
	all, err := tx.DailySums(c, 0, day)
	for _, d := range all {
		sum.Plus(d.Figures)
	}
	return sum, err
}
