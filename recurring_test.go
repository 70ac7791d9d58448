package holdfast_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

var allRecurring = holdfast.RecurringRequest{
	CallerReference: "c", ReturnURL: "https://shop.test/r", TransactionAmount: money.Cents(900),
	RecurringPeriod: "12 Months", ValidityStart: startDay, ValidityExpiry: expiryDay, PaymentReason: "tea",
	PaymentMethods: allMethods,
	Address:        allAddress, CollectEmailAddress: true, CobrandingURL: "https://shop.test/logo.png",
	WebsiteDescription: "Shop", RecipientToken: "R", RecipientCobranding: true,
}

func TestRecurringURLSendsEverything(t *testing.T) {
	everythingIsSet(t, allRecurring)
	sends(t, "Recurring", linkClient().RecurringURL, allRecurring, sentByAll, sentBySenders, sentOfValidity,
		map[string]string{
			"callerReference": "c", "transactionAmount": "9.00", "recurringPeriod": "12 Months",
			"recipientToken": "R", "isRecipientCobranding": "True",
		})
	sends(t, "Recurring", linkClient().RecurringURL, holdfast.RecurringRequest{
		CallerReference: "c", ReturnURL: "https://shop.test/r", TransactionAmount: money.Cents(2), RecurringPeriod: "1 Hour",
		CollectShippingAddress: true,
	}, map[string]string{
		"callerReference": "c", "returnURL": "https://shop.test/r", "transactionAmount": "0.02", "currencyCode": "USD",
		"recurringPeriod": "1 Hour", "collectShippingAddress": "True",
	})
}

func TestRecurringURLRefuses(t *testing.T) {
	type request = holdfast.RecurringRequest
	period := func(p string) func(*request) { return func(r *request) { r.RecurringPeriod = p } }
	validity := func(start, expiry time.Time) func(*request) {
		return func(r *request) { r.ValidityStart, r.ValidityExpiry = start, expiry }
	}
	refuses(t, linkClient().RecurringURL, allRecurring, []refusal[request]{
		{"no reference", func(r *request) { r.CallerReference = "" }, "callerReference is required"},
		{"no return URL", func(r *request) { r.ReturnURL = "" }, "ReturnURL"},
		{"amount of a cent", func(r *request) { r.TransactionAmount = money.Cents(1) }, "from USD 0.02"},
		{"no period", period(""), "recurringPeriod is not a period"},
		{"period of nothing", period("0 Days"), "recurringPeriod is not a period"},
		{"period below zero", period("-1 Days"), "recurringPeriod is not a period"},
		{"period without a unit", period("1"), "recurringPeriod is not a period"},
		{"period of minutes", period("5 Minutes"), "recurringPeriod is not a period"},
		{"period of 1201 units", period("1201 Hours"), "recurringPeriod is longer"},
		{"start as expiry", validity(expiryDay, expiryDay.Add(time.Second-1)), "validityExpiry is not after"},
		{"start of old", validity(time.Unix(0, 0), expiryDay), "validityStart is not between"},
		{
			"expiry far away", validity(startDay, time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)),
			"validityExpiry is not between",
		},
		{"recipient with a blank", func(r *request) { r.RecipientToken = "R " }, "recipientToken is not a token id"},
	}, map[string]func(*request){
		"1200 units":        period("1200 Hours"),
		"weeks":             period("2 Weeks"),
		"a single year":     period("1 Year"),
		"a second's length": validity(expiryDay, expiryDay.Add(time.Second)),
		"expiry only":       validity(time.Time{}, time.Date(9998, time.December, 31, 23, 59, 59, 0, time.UTC)),
		"start only":        validity(startDay, time.Time{}),
	})
}
