package holdfast_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

var debtCalls = []call{
	{
		action: "SettleDebt", variant: "with everything",
		ask: asking((*holdfast.Client).SettleDebt, holdfast.SettleDebtRequest{
			SenderTokenID: testToken, CreditInstrumentID: testInstrument, SettlementAmount: money.Cents(4250),
			CallerReference: "november", SenderDescription: "Your November", CallerDescription: "Table 4",
			SoftDescriptorType: "Dynamic", CSOwner: "Caller", TransactionTimeoutMins: 1,
			OverrideIPNURL: "https://shop.example.test/ipn",
		}),
		sent: holdfast.Params{
			{"SenderTokenId", testToken},
			{"CreditInstrumentId", testInstrument},
			{"SettlementAmount.CurrencyCode", "USD"},
			{"SettlementAmount.Value", "42.50"},
			{"CallerReference", "november"},
			{"SenderDescription", "Your November"},
			{"CallerDescription", "Table 4"},
			{"DescriptorPolicy.SoftDescriptorType", "Dynamic"},
			{"DescriptorPolicy.CSOwner", "Caller"},
			{"TransactionTimeoutInMins", "1"},
			{"OverrideIPNURL", "https://shop.example.test/ipn"},
		},
		result: successXML, want: succeeded, flaws: flawsOfSuccess,
		doubt: holdfast.InDoubtError{Action: "SettleDebt", Reference: "november"},
	},
	{
		action: "SettleDebt",
		ask: asking((*holdfast.Client).SettleDebt, holdfast.SettleDebtRequest{
			SenderTokenID: testToken, CreditInstrumentID: testInstrument, SettlementAmount: money.Cents(4250),
			CallerReference: "november",
		}),
		sent: holdfast.Params{
			{"SenderTokenId", testToken},
			{"CreditInstrumentId", testInstrument},
			{"SettlementAmount.CurrencyCode", "USD"},
			{"SettlementAmount.Value", "42.50"},
			{"CallerReference", "november"},
		},
		result: pendingXML, want: pending,
		doubt: holdfast.InDoubtError{Action: "SettleDebt", Reference: "november"},
	},
	{
		action: "WriteOffDebt", variant: "with everything",
		ask: asking((*holdfast.Client).WriteOffDebt, holdfast.WriteOffDebtRequest{
			CreditInstrumentID: testInstrument, AdjustmentAmount: money.Cents(1000), CallerReference: "forgiven-1",
			CallerDescription: "a cold coffee",
		}),
		sent: holdfast.Params{
			{"CreditInstrumentId", testInstrument},
			{"AdjustmentAmount.CurrencyCode", "USD"},
			{"AdjustmentAmount.Value", "10.00"},
			{"CallerReference", "forgiven-1"},
			{"CallerDescription", "a cold coffee"},
		},
		result: successXML, want: succeeded, flaws: flawsOfSuccess,
		doubt: holdfast.InDoubtError{Action: "WriteOffDebt", Reference: "forgiven-1"},
	},
	{
		action: "WriteOffDebt",
		ask: asking((*holdfast.Client).WriteOffDebt, holdfast.WriteOffDebtRequest{
			CreditInstrumentID: testInstrument, AdjustmentAmount: money.Cents(1000), CallerReference: "forgiven-1",
		}),
		sent: holdfast.Params{
			{"CreditInstrumentId", testInstrument},
			{"AdjustmentAmount.CurrencyCode", "USD"},
			{"AdjustmentAmount.Value", "10.00"},
			{"CallerReference", "forgiven-1"},
		},
		result: successXML, want: succeeded,
		doubt: holdfast.InDoubtError{Action: "WriteOffDebt", Reference: "forgiven-1"},
	},
	{
		action: "GetDebtBalance", variant: "with everything",
		ask:  asking((*holdfast.Client).GetDebtBalance, testInstrument),
		sent: holdfast.Params{{"CreditInstrumentId", testInstrument}},
		result: "<DebtBalance>" + amountXML("AvailableBalance", "10.000000") + amountXML("PendingOutBalance", "4.000000") +
			"</DebtBalance>",
		want: holdfast.DebtBalance{Available: money.Cents(1000), PendingOut: money.Cents(400), Answer: answered},
		flaws: map[string]string{
			"10.000000": "ten",
			"4.000000":  "4.",
			amountXML("AvailableBalance", "10.000000"): "",
		},
	},
	{
		action: "GetDebtBalance",
		ask:    asking((*holdfast.Client).GetDebtBalance, testInstrument),
		sent:   holdfast.Params{{"CreditInstrumentId", testInstrument}},
		result: "<DebtBalance>" + amountXML("AvailableBalance", "0.000000") + "</DebtBalance>",
		want:   holdfast.DebtBalance{Available: money.Cents(0), Answer: answered},
	},
	{
		action: "GetOutstandingDebtBalance",
		ask:    askingForNothing((*holdfast.Client).GetOutstandingDebtBalance),
		result: "<OutstandingDebt>" + amountXML("OutstandingBalance", "100.000000") +
			amountXML("PendingOutBalance", "0.000000") + "</OutstandingDebt>",
		want: holdfast.OutstandingDebt{Outstanding: money.Cents(10000), PendingOut: money.Cents(0), Answer: answered},
		flaws: map[string]string{
			"100.000000":                                  "1000000000000000.000000",
			"0.000000</Value></PendingOutBalance>":        "0.0000001</Value></PendingOutBalance>",
			amountXML("OutstandingBalance", "100.000000"): "<OutstandingBalance/>",
		},
	},
}

func TestDebt(t *testing.T) { checkCalls(t, debtCalls) }
