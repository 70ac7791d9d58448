package holdfast_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

var allRecipient = holdfast.RecipientRequest{
	CallerReference: "c", CallerReferenceRefund: "d", ReturnURL: "https://shop.test/r", RecipientPaysFee: true,
	MaxFixedFee: money.Cents(50), MaxVariableFee: "2.5", PaymentMethods: allMethods,
	ValidityStart: startDay, ValidityExpiry: expiryDay, PaymentReason: "tea",
	CobrandingURL: "https://shop.test/logo.png", WebsiteDescription: "Shop",
}

func TestRecipientURLSendsEverything(t *testing.T) {
	everythingIsSet(t, allRecipient)
	sends(t, "Recipient", linkClient().RecipientURL, allRecipient, sentByAll, sentOfValidity, map[string]string{
		"callerReference": "c", "callerReferenceRefund": "d", "recipientPaysFee": "True", "maxFixedFee": "0.50",
		"maxVariableFee": "2.5",
	})
	sends(t, "Recipient", linkClient().RecipientURL, holdfast.RecipientRequest{
		CallerReference: "c", ReturnURL: "https://shop.test/r", MaxFixedFee: money.Cents(0),
	}, map[string]string{
		"callerReference": "c", "returnURL": "https://shop.test/r", "recipientPaysFee": "False", "maxFixedFee": "0.00",
	})
}

func TestRecipientURLRefuses(t *testing.T) {
	type request = holdfast.RecipientRequest
	rate := func(percent string) func(*request) { return func(r *request) { r.MaxVariableFee = percent } }
	refuses(t, linkClient().RecipientURL, allRecipient, []refusal[request]{
		{"no reference", func(r *request) { r.CallerReference = "" }, "callerReference is required"},
		{
			"one reference twice", func(r *request) { r.CallerReferenceRefund = "c" },
			"callerReferenceRefund is also the reference",
		},
		{"refund reference of 129 bytes", func(r *request) {
			r.CallerReferenceRefund = holdfast.CallerReference(strings.Repeat("x", 129))
		}, "callerReferenceRefund is longer"},
		{"no return URL", func(r *request) { r.ReturnURL = "" }, "ReturnURL"},
		{"fee below zero", func(r *request) { r.MaxFixedFee = money.Cents(-1) }, "maxFixedFee: an amount"},
		{"fee above 100 percent", rate("100.0001"), "maxVariableFee: a percentage"},
		{"fee with a sign", rate("5%"), "maxVariableFee: a percentage"},
		{"unknown method", func(r *request) { r.PaymentMethods = []holdfast.PaymentMethod{"Prepaid"} }, `"Prepaid"`},
		{"expiry before start", func(r *request) { r.ValidityExpiry = startDay }, "validityExpiry is not after"},
	}, map[string]func(*request){
		"100 percent":         rate("100"),
		"no refund reference": func(r *request) { r.CallerReferenceRefund = "" },
	})
}
