package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

type txList struct {
	apiFlags
	Since       *time.Duration             `help:"Begin this long before --to, or before now by the caller's clock; by default 30d." xor:"start" placeholder:"DURATION"`
	From        dateFlag                   `help:"Begin with this day, such as 2026-11-23, or this time, such as 2026-11-23T10:00:00Z." xor:"start" placeholder:"DATE"`
	To          dateFlag                   `help:"End with this day, or this time." placeholder:"DATE"`
	Status      holdfast.TransactionStatus `help:"List only these: Reserved, Success, Failure, Pending or Cancelled." enum:"Reserved,Success,Failure,Pending,Cancelled," default:"" placeholder:"STATUS"`
	Operation   holdfast.Operation         `help:"List only these: Pay, Refund, Settle, SettleDebt, WriteOffDebt, FundPrepaid or Reserve." enum:"Pay,Refund,Settle,SettleDebt,WriteOffDebt,FundPrepaid,Reserve," default:"" placeholder:"OPERATION"`
	Method      holdfast.PaymentMethod     `help:"List only these: CC, ACH, ABT, Prepaid or Debt." enum:"CC,ACH,ABT,Prepaid,Debt," default:"" placeholder:"METHOD"`
	Role        []holdfast.Role            `help:"List only where the account is Sender, Caller or Recipient; given several times, any of them." enum:"Sender,Caller,Recipient" placeholder:"ROLE"`
	By          string                     `help:"Select and sort by this date: received or completed. The latter finds payments that were completed up to 30 days after they were received." enum:"received,completed" default:"received" placeholder:"DATE"`
	OldestFirst bool                       `help:"List the oldest first."`
	Max         int                        `help:"List at most this many." default:"20" placeholder:"ROWS"`
}

// Limits of a listing. FPS's pages begin at 20 rows.
const (
	rowsMax     = 10_000
	pageRowsMin = 20
	pageRowsMax = 200
	lastMoment  = 24*time.Hour - time.Millisecond // of a day, as finely as a request can say

	sinceDefault = 720 * time.Hour

	// completedWithin is how far before a completion the listing begins to read. A
	// hold lasts seven days; a network that answers late may take longer.
	completedWithin = 30 * 24 * time.Hour

	byCompleted = "completed"
)

// Validate is called by kong. A wrong value ends with exitMisused.
func (v txList) Validate() error { return checkMax(v.Max) }

func checkMax(rows int) error {
	if rows < 1 || rows > rowsMax {
		return fmt.Errorf("--max: give a number from 1 to %d", rowsMax)
	}
	return nil
}

func (v txList) Run(ctx context.Context, w world) error {
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	request := holdfast.GetAccountActivityRequest{
		EndDate: v.To.end(), FPSOperation: v.Operation, PaymentMethod: v.Method, Roles: v.Role, TransactionStatus: v.Status,
		MaxBatchSize: min(max(v.Max+1, pageRowsMin), pageRowsMax), // one more tells whether that is all
	}
	if v.OldestFirst {
		request.SortOrderByDate = holdfast.SortAscending
	}
	if request.StartDate, err = v.start(ctx, client, w); err != nil {
		return err
	}
	if v.By == byCompleted {
		return v.listCompleted(ctx, client, request, w)
	}
	return v.list(ctx, client, request, w)
}

// start is the first moment of the listing. Transactions are dated by the
// caller's clock, which in a sandbox may be far ahead.
func (v txList) start(ctx context.Context, client *holdfast.Client, w world) (time.Time, error) {
	since := sinceDefault
	set(&since, v.Since)
	switch {
	case !v.From.at.IsZero():
		return v.From.at, nil
	case !v.To.at.IsZero():
		return v.To.end().Add(-since), nil
	}
	clock, err := client.Clock(ctx)
	if refusal, ok := errors.AsType[*holdfast.Error](err); ok && refusal.Code == holdfast.AccessFailure {
		return w.Now().Add(-since), nil // a live caller's clock is everybody's
	}
	return clock.Now.Add(-since), err
}

func (v txList) list(
	ctx context.Context, client *holdfast.Client, request holdfast.GetAccountActivityRequest, w world,
) (err error) {
	table := v.table(w)
	defer func() { err = errors.Join(err, table.Flush()) }()
	rows := 0
	for t, err := range client.AccountActivity(ctx, request) {
		switch {
		case err != nil:
			return err
		case rows == v.Max:
			return sayMore(w, v.Max, true, nil)
		}
		rows++
		if err := v.row(table, describeActivity(t), w); err != nil {
			return err
		}
	}
	return nil
}

// listCompleted lists by the date of completion. The API cannot search by it,
// so listCompleted reads from some time before and keeps the transactions that
// were completed in the period.
func (v txList) listCompleted(
	ctx context.Context, client *holdfast.Client, request holdfast.GetAccountActivityRequest, w world,
) (err error) {
	from := request.StartDate
	if !v.To.at.IsZero() && v.To.end().Before(from) {
		return errors.New("--to is before --from")
	}
	request.StartDate, request.MaxBatchSize = from.Add(-completedWithin), pageRowsMax
	var found []activityAnswer
	for t, err := range client.AccountActivity(ctx, request) {
		if err != nil {
			return err
		}
		done := t.DateCompleted
		if !done.IsZero() && !done.Before(from) && (v.To.at.IsZero() || !done.After(v.To.end())) {
			found = append(found, describeActivity(t))
		}
	}
	slices.SortStableFunc(found, func(a, b activityAnswer) int {
		if v.OldestFirst {
			return a.DateCompleted.Compare(b.DateCompleted)
		}
		return b.DateCompleted.Compare(a.DateCompleted)
	})
	table := v.table(w)
	defer func() { err = errors.Join(err, table.Flush()) }()
	for i, a := range found {
		if i == v.Max {
			return sayMore(w, v.Max, true, nil)
		}
		if err := v.row(table, a, w); err != nil {
			return err
		}
	}
	return nil
}

func (v txList) table(w world) *columns {
	return newColumns(w.Out, "TRANSACTION", strings.ToUpper(v.By), "OPERATION", "METHOD", "AMOUNT", "STATUS", "FROM", "TO")
}

func (v txList) row(table *columns, a activityAnswer, w world) error {
	if v.JSON {
		return printJSON(w.Out, a)
	}
	date := a.DateReceived
	if v.By == byCompleted {
		date = a.DateCompleted
	}
	table.row(a.cells(date)...)
	return nil
}

// A dateFlag is a day, or a moment of one.
type dateFlag struct {
	at  time.Time
	day bool
}

// UnmarshalText reads a date; days are those of UTC, as in everything printed.
func (d *dateFlag) UnmarshalText(text []byte) (err error) {
	if d.at, err = time.Parse(time.DateOnly, string(text)); err == nil {
		d.day = true
		return nil
	}
	if d.at, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return errors.New("give a day such as 2026-11-23, or a time such as 2026-11-23T10:00:00Z")
	}
	return nil
}

// end is the last moment of the date.
func (d dateFlag) end() time.Time {
	if d.day {
		return d.at.Add(lastMoment)
	}
	return d.at
}

// An activityAnswer is a row of the listing, as --json prints it.
type activityAnswer struct {
	TransactionID         holdfast.TransactionID     `json:"transactionId"`
	Operation             holdfast.Operation         `json:"operation"`
	PaymentMethod         holdfast.PaymentMethod     `json:"paymentMethod"`
	Status                holdfast.TransactionStatus `json:"status"`
	StatusCode            holdfast.StatusCode        `json:"statusCode"`
	StatusMessage         string                     `json:"statusMessage"`
	TransactionAmount     dollars                    `json:"transactionAmount,omitzero"`
	FPSFees               dollars                    `json:"fpsFees,omitzero"`
	Balance               dollars                    `json:"balance,omitzero"`
	CallerTransactionDate time.Time                  `json:"callerTransactionDate,omitzero"`
	DateReceived          time.Time                  `json:"dateReceived,omitzero"`
	DateCompleted         time.Time                  `json:"dateCompleted,omitzero"`
	OriginalTransactionID holdfast.TransactionID     `json:"originalTransactionId,omitempty"`
	SenderName            string                     `json:"senderName,omitempty"`
	RecipientName         string                     `json:"recipientName,omitempty"`
	CallerName            string                     `json:"callerName,omitempty"`
	SenderTokenID         holdfast.TokenID           `json:"senderTokenId,omitempty"`
	RecipientTokenID      holdfast.TokenID           `json:"recipientTokenId,omitempty"`
	Parts                 []partAnswer               `json:"parts"`
}

type partAnswer struct {
	Role         holdfast.Role `json:"role"`
	Name         string        `json:"name,omitempty"`
	InstrumentID string        `json:"instrumentId,omitempty"`
	Reference    string        `json:"reference,omitempty"`
	Description  string        `json:"description,omitempty"`
	FeesPaid     dollars       `json:"feesPaid,omitzero"`
}

func describeActivity(t holdfast.AccountTransaction) activityAnswer {
	a := activityAnswer{
		TransactionID: t.TransactionID, Operation: t.Operation, PaymentMethod: t.PaymentMethod,
		Status: t.Status, StatusCode: t.StatusCode, StatusMessage: t.StatusMessage,
		TransactionAmount: dollars(t.TransactionAmount), FPSFees: dollars(t.FPSFees), Balance: dollars(t.Balance),
		CallerTransactionDate: t.CallerTransactionDate.UTC(), DateReceived: t.DateReceived.UTC(),
		DateCompleted: t.DateCompleted.UTC(), OriginalTransactionID: t.OriginalTransactionID, SenderName: t.SenderName,
		RecipientName: t.RecipientName, CallerName: t.CallerName,
		SenderTokenID: t.SenderTokenID, RecipientTokenID: t.RecipientTokenID, Parts: []partAnswer{},
	}
	for _, p := range t.Parts {
		a.Parts = append(a.Parts, partAnswer{
			Role: p.Role, Name: p.Name, InstrumentID: p.InstrumentID, Reference: p.Reference, Description: p.Description,
			FeesPaid: dollars(p.FeesPaid),
		})
	}
	return a
}

// cells is a row for people. A refund goes from the payment's recipient to its
// sender.
func (a activityAnswer) cells(date time.Time) []string {
	from, to := a.SenderName, a.RecipientName
	if a.Operation == holdfast.OperationRefund {
		from, to = to, from
	}
	return []string{
		string(a.TransactionID), date.Format(shortLayout), string(a.Operation), string(a.PaymentMethod),
		a.TransactionAmount.String(), string(a.Status), from, to,
	}
}
