package holdfast_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

var allSetupPrepaid = holdfast.SetupPrepaidRequest{
	CallerReferenceSender: "c", CallerReferenceFunding: "d", ReturnURL: "https://shop.test/r",
	FundingAmount: money.Cents(10_000), ValidityStart: startDay, ValidityExpiry: expiryDay, PaymentReason: "tea",
	PaymentMethods: allMethods,
	Address:        allAddress, CollectEmailAddress: true, CobrandingURL: "https://shop.test/logo.png",
	WebsiteDescription: "Shop",
}

func TestSetupPrepaidURLSendsEverything(t *testing.T) {
	everythingIsSet(t, allSetupPrepaid)
	sends(t, "SetupPrepaid", linkClient().SetupPrepaidURL, allSetupPrepaid, sentByAll, sentBySenders, sentOfValidity,
		map[string]string{
			"callerReferenceSender": "c", "callerReferenceFunding": "d", "fundingAmount": "100.00",
		})
	sends(t, "SetupPrepaid", linkClient().SetupPrepaidURL, holdfast.SetupPrepaidRequest{
		CallerReferenceSender: "c", CallerReferenceFunding: "d", ReturnURL: "https://shop.test/r",
		FundingAmount:          money.Cents(1),
		CollectShippingAddress: true,
	}, map[string]string{
		"callerReferenceSender": "c", "callerReferenceFunding": "d", "returnURL": "https://shop.test/r",
		"fundingAmount": "0.01", "currencyCode": "USD", "collectShippingAddress": "True",
	})
}

func TestSetupPrepaidURLRefuses(t *testing.T) {
	type request = holdfast.SetupPrepaidRequest
	refuses(t, linkClient().SetupPrepaidURL, allSetupPrepaid, []refusal[request]{
		{"no sender reference", func(r *request) { r.CallerReferenceSender = "" }, "callerReferenceSender is required"},
		{"no funding reference", func(r *request) { r.CallerReferenceFunding = "" }, "callerReferenceFunding is required"},
		{
			"one reference twice", func(r *request) { r.CallerReferenceFunding = "c" },
			"callerReferenceFunding is also the reference",
		},
		{"no return URL", func(r *request) { r.ReturnURL = "" }, "ReturnURL"},
		{"no amount", func(r *request) { r.FundingAmount = money.Amount{} }, "fundingAmount must be"},
		{"amount of zero", func(r *request) { r.FundingAmount = money.Cents(0) }, "fundingAmount must be"},
		{"expiry before start", func(r *request) { r.ValidityExpiry = startDay }, "validityExpiry is not after"},
	}, nil)
}
