package holdfast_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

const testInstrument = "PINSTRUMENT00000000000000000000000000000000000000000000000000001"

// amountXML is an amount in the form of answers.
func amountXML(name, value string) string {
	return "<" + name + "><CurrencyCode>USD</CurrencyCode><Value>" + value + "</Value></" + name + ">"
}

var prepaidCalls = []call{
	{
		action: "FundPrepaid", variant: "with everything",
		ask: asking((*holdfast.Client).FundPrepaid, holdfast.FundPrepaidRequest{
			SenderTokenID: testToken, PrepaidInstrumentID: testInstrument, FundingAmount: money.Cents(5000),
			CallerReference: "fund-1", SenderDescription: "Tea card", CallerDescription: "Card 17", SoftDescriptorType: "Static",
			CSOwner:                "Recipient",
			TransactionTimeoutMins: 10080, OverrideIPNURL: "https://shop.example.test/ipn",
		}),
		sent: holdfast.Params{
			{"SenderTokenId", testToken},
			{"PrepaidInstrumentId", testInstrument},
			{"FundingAmount.CurrencyCode", "USD"},
			{"FundingAmount.Value", "50.00"},
			{"CallerReference", "fund-1"},
			{"SenderDescription", "Tea card"},
			{"CallerDescription", "Card 17"},
			{"DescriptorPolicy.SoftDescriptorType", "Static"},
			{"DescriptorPolicy.CSOwner", "Recipient"},
			{"TransactionTimeoutInMins", "10080"},
			{"OverrideIPNURL", "https://shop.example.test/ipn"},
		},
		result: successXML, want: succeeded, flaws: flawsOfSuccess,
		doubt: holdfast.InDoubtError{Action: "FundPrepaid", Reference: "fund-1"},
	},
	{
		action: "FundPrepaid",
		ask: asking((*holdfast.Client).FundPrepaid, holdfast.FundPrepaidRequest{
			SenderTokenID: testToken, PrepaidInstrumentID: testInstrument, FundingAmount: money.Cents(5000),
			CallerReference: "fund-1",
		}),
		sent: holdfast.Params{
			{"SenderTokenId", testToken},
			{"PrepaidInstrumentId", testInstrument},
			{"FundingAmount.CurrencyCode", "USD"},
			{"FundingAmount.Value", "50.00"},
			{"CallerReference", "fund-1"},
		},
		result: pendingXML, want: pending,
		doubt: holdfast.InDoubtError{Action: "FundPrepaid", Reference: "fund-1"},
	},
	{
		action: "GetPrepaidBalance", variant: "with everything",
		ask:  asking((*holdfast.Client).GetPrepaidBalance, testInstrument),
		sent: holdfast.Params{{"PrepaidInstrumentId", testInstrument}},
		result: "<PrepaidBalance>" + amountXML("AvailableBalance", "52.750000") + amountXML("PendingInBalance", "10.000000") +
			"</PrepaidBalance>",
		want: holdfast.PrepaidBalance{Available: money.Cents(5275), PendingIn: money.Cents(1000), Answer: answered},
		flaws: map[string]string{
			"52.750000": "52,75",
			"10.000000": "1e1",
			"USD":       "EUR",
			"<PrepaidBalance>" + amountXML("AvailableBalance", "52.750000"): "<PrepaidBalance>",
		},
	},
	{
		action: "GetPrepaidBalance",
		ask:    asking((*holdfast.Client).GetPrepaidBalance, testInstrument),
		sent:   holdfast.Params{{"PrepaidInstrumentId", testInstrument}},
		result: "<PrepaidBalance>" + amountXML("AvailableBalance", "0.000000") + "</PrepaidBalance>",
		want:   holdfast.PrepaidBalance{Available: money.Cents(0), Answer: answered},
		flaws:  map[string]string{"<CurrencyCode>USD</CurrencyCode>": ""},
	},
	{
		action: "GetTotalPrepaidLiability",
		ask:    askingForNothing((*holdfast.Client).GetTotalPrepaidLiability),
		result: "<OutstandingPrepaidLiability>" + amountXML("OutstandingBalance", "49.750000") +
			amountXML("PendingInBalance", "10.000000") +
			"</OutstandingPrepaidLiability>",
		want: holdfast.PrepaidLiability{Outstanding: money.Cents(4975), PendingIn: money.Cents(1000), Answer: answered},
		flaws: map[string]string{
			"49.750000": "$49.75",
			"10.000000": "",
			amountXML("OutstandingBalance", "49.750000"): "",
		},
	},
}

func TestPrepaid(t *testing.T) { checkCalls(t, prepaidCalls) }
