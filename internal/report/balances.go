package report

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// Balances is the report of the balances of groups of accounts at the end of each
// day or month. By is ByDay or ByMonth. It begins with the sums of the days before.
type Balances struct {
	Query
	By By
}

// Headings are the names of the columns.
func (q Balances) Headings() []string {
	names := []string{string(q.By)}
	for _, g := range ledger.Groups {
		names = append(names, string(g))
	}
	return append(names, zoneHeading)
}

// Run makes the report from one consistent state of the store.
func (q Balances) Run(ctx context.Context, r store.Reader, row func([]any) error) error {
	return r.ViewLong(ctx, func(tx *store.ReadTx) error { return q.run(tx, row) })
}

func (q Balances) run(tx *store.ReadTx, row func([]any) error) error {
	start, end := q.By.start(q.Period.From), q.Period.To
	if tomorrow := ByDay.next(q.Now.In(q.Period.Zone())); end.After(tomorrow) {
		end = tomorrow
	}
	before, err := tx.FiguresBefore(q.Caller.ID, start)
	if err != nil {
		return err
	}
	sums := before.Changes
	put := func() error {
		cells := []any{q.By.label(start)}
		for _, g := range ledger.Groups {
			cells = append(cells, money.Micros(sums[g]))
		}
		return row(append(cells, q.Period.Zone().String()))
	}
	// until writes the rows of the days and months that end by a time.
	until := func(at time.Time) error {
		for next := q.By.next(start); !at.Before(next); next = q.By.next(start) {
			if err := put(); err != nil {
				return err
			}
			start = next
		}
		return nil
	}
	err = tx.Movements(q.Caller.ID, start, end, func(m *payment.Movement) error {
		if err := until(m.At); err != nil {
			return err
		}
		accounts, by := ledger.AllChanges(m.Postings)
		for i, a := range accounts {
			sums[a.Group()] += by[i]
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := until(end); err != nil || !start.Before(end) {
		return err
	}
	return put() // the last month ends before its end
}

// Accounts is the report of the balances of all accounts at the beginning and the
// end of a period.
type Accounts struct {
	Caller party.Caller
	Period Period
}

// Headings are the names of the columns.
func (q Accounts) Headings() []string { return []string{"account", "opening", "in", "out", "closing"} }

// Run makes the report from one consistent state of the store.
func (q Accounts) Run(ctx context.Context, r store.Reader, row func([]any) error) error {
	return r.ViewLong(ctx, func(tx *store.ReadTx) error { return q.run(tx, row) })
}

func (q Accounts) run(tx *store.ReadTx, row func([]any) error) error {
	opening, err := tx.BalancesAt(q.Caller.ID, q.Period.From)
	if err != nil {
		return err
	}
	type sums struct{ opening, in, out int64 }
	all := make(map[ledger.AccountID]*sums)
	for a, micro := range opening {
		all[a] = &sums{opening: micro}
	}
	err = tx.Movements(q.Caller.ID, q.Period.From, q.Period.To, func(m *payment.Movement) error {
		accounts, by := ledger.AllChanges(m.Postings)
		for i, a := range accounts {
			of := all[a]
			if of == nil {
				of = &sums{}
				all[a] = of
			}
			of.in, of.out = of.in+max(by[i], 0), of.out+max(-by[i], 0)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range slices.Sorted(maps.Keys(all)) {
		of := all[a]
		if *of == (sums{}) {
			continue
		}
		if err := row([]any{
			string(a), money.Micros(of.opening), money.Micros(of.in), money.Micros(of.out),
			money.Micros(of.opening + of.in - of.out),
		}); err != nil {
			return err
		}
	}
	return nil
}
