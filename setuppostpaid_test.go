package holdfast_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

var allSetupPostpaid = holdfast.SetupPostpaidRequest{
	CallerReferenceSender: "c", CallerReferenceSettlement: "d", ReturnURL: "https://shop.test/r",
	CreditLimit: money.Cents(10_000), GlobalAmountLimit: money.Cents(50_000), UsageLimits: allUsage,
	ValidityStart: startDay, ValidityExpiry: expiryDay, PaymentReason: "tea", PaymentMethods: allMethods,
	Address: allAddress, CollectEmailAddress: true, CobrandingURL: "https://shop.test/logo.png",
	WebsiteDescription: "Shop",
}

func TestSetupPostpaidURLSendsEverything(t *testing.T) {
	everythingIsSet(t, allSetupPostpaid)
	sends(t, "SetupPostpaid", linkClient().SetupPostpaidURL, allSetupPostpaid,
		sentByAll, sentBySenders, sentOfUsage, sentOfValidity, map[string]string{
			"callerReferenceSender": "c", "callerReferenceSettlement": "d", "creditLimit": "100.00",
			"globalAmountLimit": "500.00",
		})
	sends(t, "SetupPostpaid", linkClient().SetupPostpaidURL, holdfast.SetupPostpaidRequest{
		CallerReferenceSender: "c", CallerReferenceSettlement: "d", ReturnURL: "https://shop.test/r",
		CreditLimit: money.Cents(1), GlobalAmountLimit: money.Cents(2), CollectShippingAddress: true,
	}, map[string]string{
		"callerReferenceSender": "c", "callerReferenceSettlement": "d", "returnURL": "https://shop.test/r",
		"creditLimit": "0.01", "globalAmountLimit": "0.02", "currencyCode": "USD", "collectShippingAddress": "True",
	})
}

func TestSetupPostpaidURLRefuses(t *testing.T) {
	type request = holdfast.SetupPostpaidRequest
	refuses(t, linkClient().SetupPostpaidURL, allSetupPostpaid, []refusal[request]{
		{"no sender reference", func(r *request) { r.CallerReferenceSender = "" }, "callerReferenceSender is required"},
		{
			"no settlement reference", func(r *request) { r.CallerReferenceSettlement = "" },
			"callerReferenceSettlement is required",
		},
		{
			"one reference twice", func(r *request) { r.CallerReferenceSettlement = "c" },
			"callerReferenceSettlement is also the reference",
		},
		{"no return URL", func(r *request) { r.ReturnURL = "" }, "ReturnURL"},
		{"no credit", func(r *request) { r.CreditLimit = money.Amount{} }, "creditLimit must be"},
		{"no limit", func(r *request) { r.GlobalAmountLimit = money.Cents(0) }, "globalAmountLimit must be"},
		{
			"usage limit of nothing", func(r *request) { r.UsageLimits = make([]holdfast.UsageTerms, 1) },
			"limit 1 must have",
		},
		{"expiry before start", func(r *request) { r.ValidityExpiry = startDay }, "validityExpiry is not after"},
	}, nil)
}
