package queryapi

import (
	"context"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// getAccountActivity lists transactions of the account of the caller's owner, a
// page at a time (Query API Reference, GetAccountActivity). Programs know
// several of its parameters by other names; ResponseGroup was of 2007.
var getAccountActivity = action{
	name: "GetAccountActivity",
	parameters: []parameter{
		{name: "MaxBatchSize", rule: batchSize},
		{name: "StartDate", required: true, rule: date},
		{name: "EndDate", rule: date},
		{name: "SortOrderByDate", rule: sortOrder},
		{name: "FPSOperation", rule: operation},
		{name: "PaymentMethod", rule: oneOf("ABT", "CC", "ACH", "Debt", "Prepaid")},
		{
			name: "Role", list: true,
			rule: oneOf(string(holdfast.RoleSender), string(holdfast.RoleCaller), string(holdfast.RoleRecipient)),
		},
		{name: "TransactionStatus", rule: transactionStatus},

		{name: "SortByDateOrder", rule: sortOrder, aliasOf: "SortOrderByDate"},
		{name: "Operation", rule: operation, aliasOf: "FPSOperation"},
		{name: "Status", rule: transactionStatus, aliasOf: "TransactionStatus"},
		{name: "ResponseGroup", aliasOf: "-"},
	},
	byClock: true,
	answer:  (*Server).getAccountActivity,
}

var (
	sortOrder = oneOf(string(holdfast.SortAscending), string(holdfast.SortDescending))
	operation = oneOf(
		string(holdfast.OperationPay), string(holdfast.OperationRefund), string(holdfast.OperationSettle),
		string(holdfast.OperationSettleDebt), string(holdfast.OperationWriteOffDebt), string(holdfast.OperationFundPrepaid),
		string(holdfast.OperationReserve),
	)
	transactionStatus = oneOf(
		string(holdfast.StatusReserved), string(holdfast.StatusSuccess), string(holdfast.StatusFailure),
		string(holdfast.StatusPending), string(holdfast.StatusCancelled),
	)
)

// batchSize is a number of rows. The documents begin at 20; smaller pages are
// allowed.
var batchSize = wholeNumber(payment.ActivityBatchMax, "")

// dateLayouts are how programs write a day or a moment.
var dateLayouts = append([]string{time.DateOnly, "2006-01-02T15:04:05"}, timestampLayouts...)

var date = rule{
	allowed: "a date or a time in ISO 8601, such as 2012-01-01 or 2012-01-01T00:00:00Z",
	met: func(value string) bool {
		_, ok := parseDate(value)
		return ok
	},
}

// The years that a date may have: four digits, within the range of the
// databases.
const yearMin, yearMax = 1970, 9999

// endOf is a parsed EndDate; a day counts to its end.
func endOf(value string) (time.Time, bool) {
	at, ok := parseDate(value)
	if len(value) == len(time.DateOnly) {
		at = at.AddDate(0, 0, 1).Add(-time.Microsecond)
	}
	return at, ok
}

func parseDate(value string) (time.Time, bool) {
	for _, layout := range dateLayouts {
		at, err := time.Parse(layout, value)
		if err == nil && at.UTC().Year() >= yearMin && at.UTC().Year() < yearMax {
			return at.UTC().Truncate(time.Microsecond), true
		}
	}
	return time.Time{}, false
}

func (s *Server) getAccountActivity(ctx context.Context, q *request, out *document) error {
	filter, err := q.activityFilter()
	if err != nil {
		return err
	}
	page := activityPage{processor.ActivityPage{
		Activity: payment.Activity{Filter: filter, Account: q.caller.Owner}, Sandbox: q.caller.Sandbox, Real: q.real,
	}}
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		if err := q.account(tx); err != nil {
			return err
		}
		return page.Read(tx)
	})
	if err != nil {
		return err
	}
	out.count("BatchSize", int64(len(page.Rows)))
	for _, t := range page.Rows {
		page.write(t, out)
	}
	out.date("StartTimeForNextTransaction", page.Next)
	return nil
}

// activityFilter reads the request's filter. EndDate includes its whole
// millisecond, because a page names the next one by a millisecond.
func (q *request) activityFilter() (f payment.ActivityFilter, err error) {
	given := func(name string) string {
		value, wrong := q.given(name)
		if wrong != nil && err == nil {
			err = wrong
		}
		return value
	}
	f = payment.ActivityFilter{
		Ascending: holdfast.SortOrder(given("SortOrderByDate")) == holdfast.SortAscending,
		Operation: holdfast.Operation(given("FPSOperation")), Method: holdfast.PaymentMethod(given("PaymentMethod")),
		Status: holdfast.TransactionStatus(given("TransactionStatus")), BatchMax: payment.ActivityBatchDefault,
	}
	if err != nil {
		return f, err
	}
	for _, role := range items(q.params, "Role") {
		f.Roles = append(f.Roles, holdfast.Role(role))
	}
	if size := q.params.Get("MaxBatchSize"); size != "" {
		f.BatchMax, _ = strconv.Atoi(size) // checked
	}
	f.Start, _ = parseDate(q.params.Get("StartDate"))
	end, ok := endOf(q.params.Get("EndDate"))
	if !ok {
		end = q.now()
	}
	f.End = end.Truncate(time.Millisecond).Add(time.Millisecond)
	switch {
	case f.Start.After(q.now()):
		return f, holdfast.Errorf(holdfast.InvalidDateRange, "StartDate is in the future.")
	case end.Before(f.Start):
		return f, holdfast.Errorf(holdfast.InvalidDateRange, "EndDate is before StartDate.")
	}
	return f, nil
}
