package holdfast_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

const (
	refundID   = "14TESTTXN00000000000000000000000R01"
	successXML = "<TransactionId>" + testID + "</TransactionId><TransactionStatus>Success</TransactionStatus>"
	pendingXML = "<TransactionId>" + testID + "</TransactionId><TransactionStatus>Pending</TransactionStatus>"
	refundXML  = "<TransactionId>" + refundID + "</TransactionId><TransactionStatus>Success</TransactionStatus>"
)

var (
	succeeded = holdfast.TransactionResult{TransactionID: testID, Status: holdfast.StatusSuccess, Answer: answered}
	pending   = holdfast.TransactionResult{TransactionID: testID, Status: holdfast.StatusPending, Answer: answered}
)

// flawsOfSuccess remove elements that the result of an action that moves money
// must have.
var flawsOfSuccess = map[string]string{
	"<TransactionId>" + testID + "</TransactionId>":  "",
	"<TransactionStatus>Success</TransactionStatus>": "<TransactionStatus/>",
}

var payCalls = []call{
	{
		action: "Pay", variant: "with everything",
		ask: asking((*holdfast.Client).Pay, holdfast.PayRequest{
			SenderTokenID: testToken, RecipientTokenID: "R1", TransactionAmount: money.Cents(1250),
			CallerReference: "order-1001", CallerDescription: "Tea & cakes", SenderDescription: "café *~+",
			ChargeFeeTo: holdfast.RoleCaller, SoftDescriptorType: "Dynamic", CSOwner: "Caller", TransactionTimeoutMins: 60,
			MarketplaceFixedFee: money.Cents(5), MarketplaceVariableFee: "2.5", OverrideIPNURL: "https://shop.example.test/ipn",
		}),
		sent: holdfast.Params{
			{"SenderTokenId", testToken},
			{"RecipientTokenId", "R1"},
			{"TransactionAmount.CurrencyCode", "USD"},
			{"TransactionAmount.Value", "12.50"},
			{"CallerReference", "order-1001"},
			{"CallerDescription", "Tea & cakes"},
			{"SenderDescription", "café *~+"},
			{"ChargeFeeTo", "Caller"},
			{"DescriptorPolicy.SoftDescriptorType", "Dynamic"},
			{"DescriptorPolicy.CSOwner", "Caller"},
			{"TransactionTimeoutInMins", "60"},
			{"MarketplaceFixedFee.CurrencyCode", "USD"},
			{"MarketplaceFixedFee.Value", "0.05"},
			{"MarketplaceVariableFee", "2.5"},
			{"OverrideIPNURL", "https://shop.example.test/ipn"},
		},
		result: successXML, want: succeeded, flaws: flawsOfSuccess,
		doubt: holdfast.InDoubtError{Action: "Pay", Reference: "order-1001"},
	},
	{
		action: "Pay",
		ask: asking((*holdfast.Client).Pay, holdfast.PayRequest{
			SenderTokenID: testToken, TransactionAmount: money.Cents(1), CallerReference: "order-1001",
		}),
		sent: holdfast.Params{
			{"SenderTokenId", testToken},
			{"TransactionAmount.CurrencyCode", "USD"},
			{"TransactionAmount.Value", "0.01"},
			{"CallerReference", "order-1001"},
		},
		result: pendingXML, want: pending,
		doubt: holdfast.InDoubtError{Action: "Pay", Reference: "order-1001"},
	},
	{
		action: "Reserve", // TestReserve has a call with every field
		ask:    asking((*holdfast.Client).Reserve, reserve),
		sent: holdfast.Params{
			{"SenderTokenId", testToken},
			{"TransactionAmount.CurrencyCode", "USD"},
			{"TransactionAmount.Value", "12.50"},
			{"CallerReference", "order-1001"},
		},
		result: successXML, want: succeeded, flaws: flawsOfSuccess,
		doubt: holdfast.InDoubtError{Action: "Reserve", Reference: "order-1001"},
	},
	{
		action: "Settle", variant: "with everything",
		ask: asking((*holdfast.Client).Settle, holdfast.SettleRequest{
			ReserveTransactionID: testID, TransactionAmount: money.Cents(1000), OverrideIPNURL: "https://shop.example.test/ipn",
		}),
		sent: holdfast.Params{
			{"ReserveTransactionId", testID},
			{"TransactionAmount.CurrencyCode", "USD"},
			{"TransactionAmount.Value", "10.00"},
			{"OverrideIPNURL", "https://shop.example.test/ipn"},
		},
		result: successXML, want: succeeded, flaws: flawsOfSuccess,
		doubt: holdfast.InDoubtError{Action: "Settle", TransactionID: testID},
	},
	{
		action: "Settle", variant: "of all",
		ask:    asking((*holdfast.Client).Settle, holdfast.SettleRequest{ReserveTransactionID: testID}),
		sent:   holdfast.Params{{"ReserveTransactionId", testID}},
		result: pendingXML, want: pending,
		doubt: holdfast.InDoubtError{Action: "Settle", TransactionID: testID},
	},
	{
		action: "Cancel", variant: "with everything",
		ask: asking((*holdfast.Client).Cancel, holdfast.CancelRequest{
			TransactionID: testID, Description: "out of stock", OverrideIPNURL: "https://shop.example.test/ipn",
		}),
		sent: holdfast.Params{
			{"TransactionId", testID},
			{"Description", "out of stock"},
			{"OverrideIPNURL", "https://shop.example.test/ipn"},
		},
		result: successXML, want: succeeded, flaws: flawsOfSuccess,
		doubt: holdfast.InDoubtError{Action: "Cancel", TransactionID: testID},
	},
	{
		action: "Cancel",
		ask:    asking((*holdfast.Client).Cancel, holdfast.CancelRequest{TransactionID: testID}),
		sent:   holdfast.Params{{"TransactionId", testID}},
		result: pendingXML, want: pending,
		doubt: holdfast.InDoubtError{Action: "Cancel", TransactionID: testID},
	},
	{
		action: "Refund", variant: "with everything",
		ask: asking((*holdfast.Client).Refund, holdfast.RefundRequest{
			TransactionID: testID, RefundAmount: money.Cents(250), CallerReference: "refund-1",
			CallerDescription:       "one mug broke",
			MarketplaceRefundPolicy: holdfast.RefundMasterAndMarketplace, OverrideIPNURL: "https://shop.example.test/ipn",
		}),
		sent: holdfast.Params{
			{"TransactionId", testID},
			{"RefundAmount.CurrencyCode", "USD"},
			{"RefundAmount.Value", "2.50"},
			{"CallerReference", "refund-1"},
			{"CallerDescription", "one mug broke"},
			{"MarketplaceRefundPolicy", "MasterAndMarketplaceTxn"},
			{"OverrideIPNURL", "https://shop.example.test/ipn"},
		},
		result: refundXML,
		want:   holdfast.TransactionResult{TransactionID: refundID, Status: holdfast.StatusSuccess, Answer: answered},
		flaws: map[string]string{
			"<TransactionId>" + refundID + "</TransactionId>": "",
			"<TransactionStatus>Success</TransactionStatus>":  "",
		},
		doubt: holdfast.InDoubtError{Action: "Refund", Reference: "refund-1"},
	},
	{
		action: "Refund", variant: "of all",
		ask:    asking((*holdfast.Client).Refund, holdfast.RefundRequest{TransactionID: testID, CallerReference: "refund-1"}),
		sent:   holdfast.Params{{"TransactionId", testID}, {"CallerReference", "refund-1"}},
		result: pendingXML, want: pending,
		doubt: holdfast.InDoubtError{Action: "Refund", Reference: "refund-1"},
	},
}

func TestPayments(t *testing.T) { checkCalls(t, payCalls) }
