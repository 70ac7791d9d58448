package main

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/report"
)

type booksExport struct {
	storeFlags
	Format report.Format `help:"Write this format: hledger, beancount or csv." enum:"hledger,beancount,csv" required:"" placeholder:"FORMAT"`
	Caller string        `help:"Export the books of this caller only." placeholder:"ID"`
	From   string        `help:"Begin with this day, and with the balances of its beginning; by default with the first transaction." placeholder:"DAY"`
	To     string        `help:"End with this day; by default today." placeholder:"DAY"`
	Zone   string        `help:"Begin days at midnight of this time zone, such as Europe/Berlin." default:"UTC" placeholder:"ZONE"`
}

// Help is the help of the verb.
func (booksExport) Help() string {
	return `Each step that moved money becomes one entry. Assets are above zero; liabilities
and income are below. The files for hledger and Beancount also check the
balances at the end of the period.

Examples:
    holdfast books export --data demo --format hledger > books.journal
    holdfast books export --data demo --format csv --from 2026-11-01 --to 2026-11-30 > books.csv`
}

func (v booksExport) Run(ctx context.Context, w world) error {
	db, callers, err := v.openForAll(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	now := processor.Micro(w.Now())
	for _, c := range callers { // some clocks are ahead
		if theirs := c.Now(now); theirs.After(now) {
			now = theirs
		}
	}
	books := report.Books{Callers: callers, Format: v.Format}
	if books.Period, err = v.period(now); err != nil {
		return misuseError{err}
	}
	return books.Write(ctx, db.Reader, w.Out)
}

// period is the period of the export. Without a first day it has no beginning.
func (v booksExport) period(now time.Time) (report.Period, error) {
	in := report.PeriodInput{From: v.From, To: v.To, Zone: v.Zone}
	if in.From == "" && in.To == "" {
		in.From = report.Earliest
	}
	p, err := in.Period(now)
	if err == nil && v.From == "" {
		p.From = time.Time{}
	}
	return p, err
}
