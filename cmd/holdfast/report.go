package main

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/report"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type reportVerb struct {
	Settlements reportSettlements `cmd:"" help:"List what was paid to recipients, with fees and net amounts."`
	Refunds     reportRefunds     `cmd:"" help:"List refunds, with the fees that were given back."`
	Fees        reportFees        `cmd:"" help:"List the fees of the operator and of marketplaces."`
	Disputes    reportDisputes    `cmd:"" help:"List what disputes took, and what came back."`
	Balances    reportBalances    `cmd:"" help:"Show the balances of the books at the end of each day or month, or of each account."`
	Statement   reportStatement   `cmd:"" help:"List what changed the money of the caller's owner, with its balance."`
}

// Help is the help of the verb.
func (reportVerb) Help() string {
	return `Everything is dated by when the money moved, by the caller's clock. A hold of
October that was settled in November is a settlement of November.

Examples:
    holdfast report settlements --data demo --month 2026-11 --csv
    holdfast report settlements --data demo --from 2026-11-01 --to 2026-11-15 --by day
    holdfast report statement --data demo --month 2026-11 --zone Europe/Berlin
    holdfast report balances --data demo --month 2026-11 --by day`
}

// periodFlags say which time a report is about.
type periodFlags struct {
	Month string `help:"Take this month, such as 2026-11; by default the present month by the caller's clock." placeholder:"MONTH" xor:"month-from,month-to"`
	From  string `help:"Begin with this day, such as 2026-11-01." placeholder:"DAY" xor:"month-from"`
	To    string `help:"End with this day." placeholder:"DAY" xor:"month-to"`
	Zone  string `help:"Begin days at midnight of this time zone, such as Europe/Berlin; by default the caller's (see caller set)." placeholder:"ZONE"`
}

// period is the period by the caller's clock and zone.
func (f periodFlags) period(c party.Caller, now time.Time) (report.Period, error) {
	zone := cmp.Or(f.Zone, c.Zone.String())
	p, err := report.PeriodInput{Month: f.Month, From: f.From, To: f.To, Zone: zone}.Period(now)
	if err != nil {
		return p, misuseError{err}
	}
	return p, nil
}

// reportFlags are the flags of all reports.
type reportFlags struct {
	storeFlags
	Caller string `help:"Choose this caller, if there are several." placeholder:"ID"`
	periodFlags
	JSON bool `name:"json" help:"Print one line of JSON for each row." xor:"form"`
	CSV  bool `name:"csv" help:"Print a CSV file." xor:"form"`
}

// byFlag adds the lines of a report up.
type byFlag struct {
	By report.By `help:"Add up each day or month." enum:"day,month," default:"" placeholder:"PERIOD"`
}

type (
	reportSettlements struct {
		reportFlags
		byFlag
	}
	reportRefunds struct {
		reportFlags
		byFlag
	}
	reportFees struct {
		reportFlags
		byFlag
	}
	reportDisputes struct {
		reportFlags
		byFlag
	}
	reportStatement struct {
		reportFlags
		byFlag
	}
	reportBalances struct {
		reportFlags
		By       report.By `help:"Show a row for the end of each day or month." enum:"day,month" default:"month" placeholder:"PERIOD"`
		Accounts bool      `help:"Show each account with its balance at the beginning and at the end, in place of days or months."`
	}
)

// Each verb is called by kong.

func (v reportSettlements) Run(ctx context.Context, w world) error {
	return v.lines(ctx, w, report.Settlements, v.By)
}

func (v reportRefunds) Run(ctx context.Context, w world) error {
	return v.lines(ctx, w, report.Refunds, v.By)
}

func (v reportFees) Run(ctx context.Context, w world) error {
	return v.lines(ctx, w, report.Fees, v.By)
}

func (v reportDisputes) Run(ctx context.Context, w world) error {
	return v.lines(ctx, w, report.Disputes, v.By)
}

func (v reportStatement) Run(ctx context.Context, w world) error {
	return v.lines(ctx, w, report.Statement, v.By)
}

func (v reportBalances) Run(ctx context.Context, w world) error {
	return v.run(ctx, w, func(q report.Query) report.Report {
		if v.Accounts {
			return report.Accounts{Caller: q.Caller, Period: q.Period}
		}
		return report.Balances{Query: q, By: v.By}
	})
}

func (f reportFlags) lines(ctx context.Context, w world, name report.Name, by report.By) error {
	return f.run(ctx, w, func(q report.Query) report.Report { return report.Lines{Query: q, Name: name, By: by} })
}

// run prints a report.
func (f reportFlags) run(ctx context.Context, w world, of func(report.Query) report.Report) error {
	db, c, err := f.openFor(ctx, f.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	now := c.Now(processor.Micro(w.Now()))
	period, err := f.period(c, now)
	if err != nil {
		return err
	}
	made := of(report.Query{Caller: c, Period: period, Now: now})
	switch {
	case f.CSV:
		return report.WriteCSV(ctx, db.Reader, made, w.Out)
	case f.JSON:
		return report.WriteJSON(ctx, db.Reader, made, w.Out)
	}
	return f.print(ctx, w, db.Reader, made, period.Zone())
}

// rowsTogether is how many rows of a long table have the same widths of columns.
const rowsTogether = 1000

func (f reportFlags) print(
	ctx context.Context, w world, r store.Reader, made report.Report, zone *time.Location,
) error {
	headings := made.Headings()
	for i, name := range headings {
		if headings[i] = strings.ToUpper(strings.ReplaceAll(name, "_", " ")); name == "date" {
			headings[i] += " (" + zone.String() + ")"
		}
	}
	table, rows := newColumns(w.Out, headings...), 0
	err := made.Run(ctx, r, func(cells []any) error {
		texts := make([]string, len(cells))
		for i, cell := range cells {
			if at, is := cell.(time.Time); is {
				texts[i] = at.Format(shortLayout)
			} else {
				texts[i] = report.Text(cell)
			}
		}
		table.row(texts...)
		if rows++; rows%rowsTogether == 0 {
			return table.Flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return table.Flush()
}
