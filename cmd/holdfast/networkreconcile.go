package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

type networkReconcile struct {
	networkFlags
	From dayFlag `help:"Begin with this day in UTC, such as 2026-11-01; by default yesterday." placeholder:"DAY"`
	To   dayFlag `help:"End with this day; by default the day of --from." placeholder:"DAY"`
}

// A dayFlag is a day on the command line.
type dayFlag struct{ time.Time }

// UnmarshalText reads a day.
func (d *dayFlag) UnmarshalText(text []byte) error {
	day, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("%q is not a day; give one such as 2026-11-01", text)
	}
	d.Time = day
	return nil
}

// reconciledDaysMax is how many days are compared at once.
const reconciledDaysMax = 92

func (v networkReconcile) Run(ctx context.Context, w world) error {
	from, to, err := v.period(w.Now())
	if err != nil {
		return misuseError{err}
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	account, err := v.find(ctx, db.Reader)
	if err != nil {
		return err
	}
	p := networkClerk(db, w)
	defer p.Close()
	if err := logDone(ctx, db, w, "network.reconcile", string(account.ID), party.Facts{
		"from": from.Format(time.RFC3339), "to": to.Format(time.RFC3339),
	}); err != nil {
		return err
	}
	r, err := p.Reconcile(ctx, account.ID, from, to)
	if err != nil {
		return err
	}
	if v.JSON {
		err = printJSON(w.Out, describeReconciliation(r))
	} else {
		err = printReconciliation(w.Out, r)
	}
	if err == nil && !r.Equal() {
		err = errSaid
	}
	return err
}

// period is the time from the beginning of the first day to the end of the last.
func (v networkReconcile) period(now time.Time) (from, to time.Time, err error) {
	from, to = v.From.Time, v.To.Time
	if from.IsZero() {
		from = now.UTC().Truncate(day).AddDate(0, 0, -1)
		if !to.IsZero() {
			return from, to, errors.New("--to needs --from")
		}
	}
	if to.IsZero() {
		to = from
	}
	to = to.AddDate(0, 0, 1)
	switch {
	case !from.Before(to):
		return from, to, errors.New("--to is before --from")
	case to.Sub(from) > reconciledDaysMax*day:
		return from, to, fmt.Errorf("compare at most %d days at once", reconciledDaysMax)
	}
	return from, to, nil
}

// reasons are the words for why two sides differ.
var reasons = map[payment.DifferenceReason]string{
	payment.DiffMidnight:  "both have it, on different days",
	payment.DiffNew:       "the network books it within a day",
	payment.DiffUnbooked:  "not in the books; the server books it when it hears of it",
	payment.DiffMissing:   "not at the network",
	payment.DiffAmount:    "another amount",
	payment.DiffUnknown:   "the books do not know the payment",
	payment.DiffUnrelated: "belongs to no payment",
	payment.DiffPayout:    "the payout is not the sum of its lines",
}

func printReconciliation(to io.Writer, r payment.Reconciliation) error {
	table := newColumns(to, "DAY", "BOOKS", "NETWORK", "FEES", "PAID OUT")
	micro := func(n int64) string { return money.Micros(n).Decimal() }
	for _, d := range r.Days {
		table.row(d.Day.Format(time.DateOnly), micro(d.Books), micro(d.Network), micro(d.Fees), micro(d.PaidOut))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if r.Rests > 0 {
		fmt.Fprintf(to, "\n%s took less than the hold: the network shows a charge of all and a refund of the rest.\n",
			counted(r.Rests, "settlement"))
	}
	if r.Foreign > 0 {
		fmt.Fprintf(to, "\n%s of the account are not this server's, and are left out.\n", counted(r.Foreign, "payment"))
	}
	if len(r.Differences) > 0 {
		fmt.Fprintln(to)
	}
	list := newColumns(to, "DAY", "ABOUT", "PAYMENT", "TRANSACTION", "BOOKS", "NETWORK", "WHY")
	wrong := 0
	for _, d := range r.Differences {
		if !d.Why.Explained() {
			wrong++
		}
		list.row(d.Day.Format(time.DateOnly), string(d.Type), d.Payment, string(d.Transaction), micro(d.Books),
			micro(d.Network), reasons[d.Why])
	}
	if err := list.Flush(); err != nil {
		return err
	}
	if wrong > 0 {
		fmt.Fprintf(to, "\nThe books and the network differ in %s.\n", counted(wrong, "place"))
		return nil
	}
	fmt.Fprintln(to, "\nThe books and the network agree.")
	return nil
}

// A reconciledAnswer is what --json prints.
type reconciledAnswer struct {
	Equal       bool               `json:"equal"`
	Days        []reconciledDay    `json:"days"`
	Differences []differenceAnswer `json:"differences"`
	PartOfHold  int                `json:"partOfHold"` // settlements of less than the hold
	Foreign     int                `json:"foreign"`
}

type reconciledDay struct {
	Day     string  `json:"day"`
	Books   dollars `json:"books"`
	Network dollars `json:"network"`
	Fees    dollars `json:"fees"`
	PaidOut dollars `json:"paidOut"`
}

type differenceAnswer struct {
	Day         string                   `json:"day"`
	About       payment.LineType         `json:"about"`
	Payment     string                   `json:"payment,omitempty"`
	Transaction holdfast.TransactionID   `json:"transactionId,omitempty"`
	Books       dollars                  `json:"books"`
	Network     dollars                  `json:"network"`
	Why         payment.DifferenceReason `json:"why"`
	Explained   bool                     `json:"explained"`
}

func describeReconciliation(r payment.Reconciliation) reconciledAnswer {
	a := reconciledAnswer{
		Equal: r.Equal(), Days: []reconciledDay{}, Differences: []differenceAnswer{}, PartOfHold: r.Rests, Foreign: r.Foreign,
	}
	micro := func(n int64) dollars { return dollars(money.Micros(n)) }
	for _, d := range r.Days {
		a.Days = append(a.Days, reconciledDay{
			d.Day.Format(time.DateOnly), micro(d.Books), micro(d.Network), micro(d.Fees), micro(d.PaidOut),
		})
	}
	for _, d := range r.Differences {
		a.Differences = append(a.Differences, differenceAnswer{
			d.Day.Format(time.DateOnly), d.Type, d.Payment, d.Transaction, micro(d.Books), micro(d.Network), d.Why,
			d.Why.Explained(),
		})
	}
	return a
}
