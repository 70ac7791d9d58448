package holdfast_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

var allMultiUse = holdfast.MultiUseRequest{
	CallerReference: "c", ReturnURL: "https://shop.test/r", GlobalAmountLimit: money.Cents(10_000),
	TransactionAmount: money.Cents(1000), AmountType: holdfast.AmountMaximum, UsageLimits: allUsage,
	ValidityStart: startDay, ValidityExpiry: expiryDay, PaymentReason: "tea", PaymentMethods: allMethods,
	Address: allAddress, CollectEmailAddress: true, CobrandingURL: "https://shop.test/logo.png",
	WebsiteDescription: "Shop", RecipientTokens: []holdfast.TokenID{"R", "S"}, RecipientCobranding: true,
}

func TestMultiUseURLSendsEverything(t *testing.T) {
	everythingIsSet(t, allMultiUse)
	sends(t, "MultiUse", linkClient().MultiUseURL, allMultiUse, sentByAll, sentBySenders, sentOfUsage, sentOfValidity,
		map[string]string{
			"callerReference": "c", "globalAmountLimit": "100.00", "transactionAmount": "10.00", "amountType": "Maximum",
			"recipientTokenList": "R,S", "isRecipientCobranding": "True",
		})
	sends(t, "MultiUse", linkClient().MultiUseURL, holdfast.MultiUseRequest{
		CallerReference: "c", ReturnURL: "https://shop.test/r", GlobalAmountLimit: money.Cents(1),
		CollectShippingAddress: true,
	}, map[string]string{
		"callerReference": "c", "returnURL": "https://shop.test/r", "globalAmountLimit": "0.01", "currencyCode": "USD",
		"collectShippingAddress": "True",
	})
}

func TestMultiUseURLRefuses(t *testing.T) {
	type request = holdfast.MultiUseRequest
	payment := func(cents int64, kind holdfast.AmountType) func(*request) {
		return func(r *request) { r.TransactionAmount, r.AmountType = money.Cents(cents), kind }
	}
	usage := func(terms ...holdfast.UsageTerms) func(*request) {
		return func(r *request) { r.UsageLimits = terms }
	}
	recipients := func(n int) func(*request) {
		return func(r *request) { r.RecipientTokens = slices.Repeat([]holdfast.TokenID{"R"}, n) }
	}
	refuses(t, linkClient().MultiUseURL, allMultiUse, []refusal[request]{
		{"no reference", func(r *request) { r.CallerReference = "" }, "callerReference is required"},
		{"no return URL", func(r *request) { r.ReturnURL = "" }, "ReturnURL"},
		{"no limit", func(r *request) { r.GlobalAmountLimit = money.Amount{} }, "globalAmountLimit must be"},
		{"limit of zero", func(r *request) { r.GlobalAmountLimit = money.Cents(0) }, "globalAmountLimit must be"},
		{"limit in euros", func(r *request) { r.GlobalAmountLimit.Currency = "EUR" }, "the only currency is USD"},
		{"payment of zero", payment(0, ""), "transactionAmount must be"},
		{"payment above $10,000", payment(1_000_001, holdfast.AmountMaximum), "more than USD 10000.00"},
		{"payment above the limit", payment(10_001, ""), "more than globalAmountLimit"},
		{"exact payment above the limit", payment(10_001, holdfast.AmountExact), "more than globalAmountLimit"},
		{"smallest payment above the limit", payment(10_001, holdfast.AmountMinimum), "more than globalAmountLimit"},
		{"unknown type", payment(1, "exact"), `"exact" does not exist`},
		{"type of no payment", func(r *request) { r.TransactionAmount = money.Amount{} }, "AmountType needs"},
		{"three usage limits", usage(holdfast.UsageTerms{Count: 1}, holdfast.UsageTerms{Count: 2},
			holdfast.UsageTerms{Count: 3}), "more than 2"},
		{
			"usage limit of nothing", usage(holdfast.UsageTerms{Count: 1}, holdfast.UsageTerms{Period: "1 Day"}),
			"limit 2 must have",
		},
		{"usage limit of both", usage(holdfast.UsageTerms{Count: 1, Amount: money.Cents(1)}), "limit 1 must have"},
		{"usage limit below zero", usage(holdfast.UsageTerms{Count: -1}), "limit 1 must have"},
		{"usage limit of zero", usage(holdfast.UsageTerms{Amount: money.Cents(0)}), "usageLimitValue1 must be"},
		{
			"usage limit in parts of a cent", usage(holdfast.UsageTerms{Amount: money.Micros(1)}),
			"usageLimitValue1: an amount",
		},
		{
			"usage limit of no period", usage(holdfast.UsageTerms{Count: 1, Period: "Month"}),
			"usageLimitPeriod1 is not a period",
		},
		{"expiry before start", func(r *request) { r.ValidityExpiry = startDay }, "validityExpiry is not after"},
		{"21 recipients", recipients(21), "more than 20"},
		{
			"a recipient that is none", func(r *request) { r.RecipientTokens = []holdfast.TokenID{"R", ""} },
			"token id is missing",
		},
		{"two recipients in one", func(r *request) { r.RecipientTokens = []holdfast.TokenID{"R,S"} }, "not a token id"},
		{"a recipient of 66 bytes", func(r *request) {
			r.RecipientTokens = []holdfast.TokenID{holdfast.TokenID(strings.Repeat("R", 66))}
		}, "recipientTokenList is longer"},
	}, map[string]func(*request){
		"largest payment above the limit": payment(10_001, holdfast.AmountMaximum),
		"exact payment of the limit":      payment(10_000, ""),
		"20 recipients":                   recipients(20),
		"as many uses as there can be":    usage(holdfast.UsageTerms{Count: math.MaxInt32, Period: "1200 Years"}),
		"nothing of a payment": func(r *request) {
			r.TransactionAmount, r.AmountType = money.Amount{}, ""
		},
	})
}
