package holdfast_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

const subscriptionXML = "<SubscriptionDetails><SubscriptionId>" + testToken +
	"</SubscriptionId><Description>Tea club</Description>" +
	"<SubscriptionAmount><CurrencyCode>USD</CurrencyCode><Value>10.000000</Value></SubscriptionAmount>" +
	"<NextTransactionAmount><CurrencyCode>USD</CurrencyCode><Value>9.000000</Value></NextTransactionAmount>" +
	"<PromotionalAmount><CurrencyCode>USD</CurrencyCode><Value>1.000000</Value></PromotionalAmount>" +
	"<NumberOfPromotionalTransactions>2</NumberOfPromotionalTransactions>" +
	"<StartDate>2026-11-23T02:15:30.044-08:00</StartDate>" +
	"<EndDate>2027-11-23T10:15:30.044Z</EndDate><SubscriptionPeriod><Value>12</Value><TimeUnit>month</TimeUnit>" +
	"</SubscriptionPeriod>" +
	"<SubscriptionFrequency><Value>1</Value><TimeUnit>week</TimeUnit></SubscriptionFrequency>" +
	"<OverrideIPNUrl>https://shop.example.test/ipn</OverrideIPNUrl><SubscriptionStatus>Active</SubscriptionStatus>" +
	"<NumberOfTransactionsProcessed>3</NumberOfTransactionsProcessed><RecipientEmail>shop@example.test</RecipientEmail>" +
	"<RecipientName>Tea &amp; Mugs</RecipientName><SenderEmail>ann@example.test</SenderEmail>" +
	"<SenderName>Ann Buyer</SenderName>" +
	"<NextTransactionDate>2026-12-23T10:15:30.044Z</NextTransactionDate></SubscriptionDetails>"

var subscriptionCalls = []call{
	{
		action: "CancelSubscriptionAndRefund", variant: "with a refund",
		ask: asking((*holdfast.Client).CancelSubscriptionAndRefund, holdfast.CancelSubscriptionAndRefundRequest{
			SubscriptionID: testToken, RefundAmount: money.Cents(400), CallerReference: "end-1", CancelReason: "moved",
		}),
		sent: holdfast.Params{
			{"SubscriptionId", testToken},
			{"RefundAmount.CurrencyCode", "USD"},
			{"RefundAmount.Value", "4.00"},
			{"CallerReference", "end-1"},
			{"CancelReason", "moved"},
		},
		result: "<RefundTransactionId>" + refundID + "</RefundTransactionId>",
		want:   holdfast.CancelledSubscription{RefundTransactionID: refundID, Answer: answered},
		flaws:  map[string]string{refundID: "", "<RefundTransactionId>" + refundID + "</RefundTransactionId>": ""},
		doubt:  holdfast.InDoubtError{Action: "CancelSubscriptionAndRefund", Reference: "end-1"},
	},
	{
		// Zero dollars is an amount that is given: it is sent, and the server may
		// refuse it.
		action: "CancelSubscriptionAndRefund", variant: "with a refund of nothing",
		ask: asking((*holdfast.Client).CancelSubscriptionAndRefund, holdfast.CancelSubscriptionAndRefundRequest{
			SubscriptionID: testToken, RefundAmount: money.Cents(0), CallerReference: "end-1",
		}),
		sent: holdfast.Params{
			{"SubscriptionId", testToken},
			{"RefundAmount.CurrencyCode", "USD"},
			{"RefundAmount.Value", "0.00"},
			{"CallerReference", "end-1"},
		},
		result: "<RefundTransactionId>" + refundID + "</RefundTransactionId>",
		want:   holdfast.CancelledSubscription{RefundTransactionID: refundID, Answer: answered},
		flaws:  map[string]string{refundID: ""},
		doubt:  holdfast.InDoubtError{Action: "CancelSubscriptionAndRefund", Reference: "end-1"},
	},
	{
		action: "CancelSubscriptionAndRefund", variant: "without a refund",
		ask: asking((*holdfast.Client).CancelSubscriptionAndRefund, holdfast.CancelSubscriptionAndRefundRequest{
			SubscriptionID: testToken,
		}),
		sent: holdfast.Params{{"SubscriptionId", testToken}},
		want: holdfast.CancelledSubscription{Answer: answered},
	},
	{
		action: "GetSubscriptionDetails", variant: "with everything",
		ask:    asking((*holdfast.Client).GetSubscriptionDetails, testToken),
		sent:   holdfast.Params{{"SubscriptionId", testToken}},
		result: subscriptionXML,
		want: holdfast.SubscriptionDetails{
			SubscriptionID: testToken, Description: "Tea club", Amount: money.Cents(1000),
			NextTransactionAmount: money.Cents(900), PromotionalAmount: money.Cents(100), NumberOfPromotionalTransactions: 2,
			StartDate: testNow, EndDate: testNow.AddDate(1, 0, 0),
			Period:         holdfast.SubscriptionPeriod{Value: 12, Unit: holdfast.UnitMonth},
			Frequency:      holdfast.SubscriptionPeriod{Value: 1, Unit: holdfast.UnitWeek},
			OverrideIPNURL: "https://shop.example.test/ipn", Status: holdfast.SubscriptionActive,
			NumberOfTransactionsProcessed: 3, RecipientEmail: "shop@example.test", RecipientName: "Tea & Mugs",
			SenderEmail: "ann@example.test", SenderName: "Ann Buyer",
			NextTransactionDate: testNow.AddDate(0, 1, 0), Answer: answered,
		},
		flaws: map[string]string{
			"<SubscriptionId>" + testToken + "</SubscriptionId>": "",
			"<SubscriptionStatus>Active</SubscriptionStatus>":    "",
			"10.000000":          "ten",
			"9.000000":           "9,00",
			"1.000000</Value>":   "1.0.0</Value>",
			"-08:00</StartDate>": "</StartDate>",
			"2027-11-23T":        "2027-11-31T",
			"2026-12-23T10:15:30.044Z</NextTransactionDate>": "soon</NextTransactionDate>",
			"<Value>12</Value>": "<Value>1.5</Value>",
			"Processed>3<":      "Processed>many<",
		},
	},
	{
		action: "GetSubscriptionDetails",
		ask:    asking((*holdfast.Client).GetSubscriptionDetails, testToken),
		sent:   holdfast.Params{{"SubscriptionId", testToken}},
		result: "<SubscriptionDetails><SubscriptionId>" + testToken +
			"</SubscriptionId><SubscriptionStatus>Completed</SubscriptionStatus></SubscriptionDetails>",
		want: holdfast.SubscriptionDetails{
			SubscriptionID: testToken, Status: holdfast.SubscriptionCompleted, Answer: answered,
		},
		flaws: map[string]string{"<SubscriptionStatus>Completed</SubscriptionStatus>": "<SubscriptionStatus/>"},
	},
	{
		action: "GetTransactionsForSubscription", variant: "with everything",
		ask:  asking((*holdfast.Client).GetTransactionsForSubscription, testToken),
		sent: holdfast.Params{{"SubscriptionId", testToken}},
		result: "<SubscriptionTransaction><TransactionId>T1</TransactionId>" +
			"<TransactionDate>2026-10-23T03:15:30-07:00</TransactionDate>" +
			"<TransactionSerialNumber>1</TransactionSerialNumber>" + amountXML("TransactionAmount", "10.000000") +
			"<Description>October</Description><TransactionStatus>Success</TransactionStatus></SubscriptionTransaction>" +
			"<SubscriptionTransaction><TransactionId>T2</TransactionId>" +
			"<TransactionDate>2026-11-23T02:15:30.044-08:00</TransactionDate>" +
			"<TransactionSerialNumber>2</TransactionSerialNumber>" + amountXML("TransactionAmount", "9.500000") +
			"<Description>November</Description><TransactionStatus>Pending</TransactionStatus></SubscriptionTransaction>",
		want: holdfast.SubscriptionTransactions{Transactions: []holdfast.SubscriptionTransaction{
			{
				TransactionID: "T1", Date: time.Date(2026, 10, 23, 10, 15, 30, 0, time.UTC), SerialNumber: 1,
				Amount: money.Cents(1000), Description: "October", Status: holdfast.StatusSuccess,
			},
			{
				TransactionID: "T2", Date: testNow, SerialNumber: 2, Amount: money.Cents(950), Description: "November",
				Status: holdfast.StatusPending,
			},
		}, Answer: answered},
		flaws: map[string]string{
			"<TransactionId>T2</TransactionId>":              "",
			"<TransactionStatus>Pending</TransactionStatus>": "",
			"9.500000":                      "9.50 USD",
			"2026-11-23T02:15:30.044-08:00": "2026-11-23 02:15",
			"SerialNumber>2<":               "SerialNumber>II<",
		},
	},
	{
		action: "GetTransactionsForSubscription",
		ask:    asking((*holdfast.Client).GetTransactionsForSubscription, testToken),
		sent:   holdfast.Params{{"SubscriptionId", testToken}},
		want:   holdfast.SubscriptionTransactions{Answer: answered},
	},
}

func TestSubscriptions(t *testing.T) { checkCalls(t, subscriptionCalls) }
