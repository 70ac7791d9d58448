package holdfast_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// writtenOffXML is a written-off debt, which has elements that a Reserve does
// not have and few others.
const writtenOffXML = "<Transaction><TransactionId>" + testID +
	"</TransactionId><CallerReference>forgiven-1</CallerReference>" +
	"<DateReceived>2009-10-07T04:29:05.054-07:00</DateReceived>" +
	"<TransactionAmount><CurrencyCode>USD</CurrencyCode><Value>12.500000</Value></TransactionAmount>" +
	"<FPSFees><CurrencyCode>USD</CurrencyCode><Value>-0.670000</Value></FPSFees><FPSFeesPaidBy>Recipient</FPSFeesPaidBy>" +
	"<PrepaidInstrumentId>P1</PrepaidInstrumentId><CreditInstrumentId>C1</CreditInstrumentId>" +
	"<FPSOperation>WriteOffDebt</FPSOperation><PaymentMethod>Debt</PaymentMethod>" +
	"<TransactionStatus>Success</TransactionStatus>" +
	"<CallerName>Shop Inc</CallerName>" +
	"<RelatedTransaction><TransactionId>T1</TransactionId><RelationType>Parent</RelationType></RelatedTransaction>" +
	"<RelatedTransaction><TransactionId>T2</TransactionId><RelationType>MarketplaceFee</RelationType>" +
	"</RelatedTransaction></Transaction>"

var transactionCalls = []call{
	{
		action: "GetTransactionStatus",
		ask:    asking((*holdfast.Client).GetTransactionStatus, testID),
		sent:   holdfast.Params{{"TransactionId", testID}},
		result: successXML + "<CallerReference>order-1001</CallerReference><StatusCode>Success</StatusCode>" +
			"<StatusMessage>Done.</StatusMessage>",
		want: holdfast.TransactionState{
			TransactionID: testID, Status: holdfast.StatusSuccess, CallerReference: "order-1001",
			StatusCode: holdfast.CodeSuccess, StatusMessage: "Done.", Answer: answered,
		},
		flaws: flawsOfSuccess,
	},
	{
		action: "GetTransaction",
		ask:    asking((*holdfast.Client).GetTransaction, testID),
		sent:   holdfast.Params{{"TransactionId", testID}},
		result: writtenOffXML,
		want: holdfast.TransactionDetail{
			TransactionID: testID, CallerReference: "forgiven-1",
			DateReceived: time.Date(2009, 10, 7, 11, 29, 5, 54_000_000, time.UTC), TransactionAmount: money.Cents(1250),
			FPSFees: money.Cents(-67), FPSFeesPaidBy: holdfast.RoleRecipient,
			PrepaidInstrumentID: "P1", CreditInstrumentID: "C1",
			Operation: holdfast.OperationWriteOffDebt, PaymentMethod: holdfast.MethodDebt, Status: holdfast.StatusSuccess,
			CallerName: "Shop Inc",
			Related: []holdfast.RelatedTransaction{
				{TransactionID: "T1", Relation: holdfast.RelationParent},
				{TransactionID: "T2", Relation: holdfast.RelationMarketplaceFee},
			},
			Answer: answered,
		},
		flaws: map[string]string{
			"<TransactionId>" + testID + "</TransactionId>":  "",
			"<TransactionStatus>Success</TransactionStatus>": "",
			"-07:00": " PST",
		},
	},
	{
		action: "VerifySignature",
		ask: asking((*holdfast.Client).VerifySignature, holdfast.VerifySignatureRequest{
			URLEndPoint: "https://shop.example.test/return", HTTPParameters: "status=SC&signature=a%2Bb",
		}),
		sent: holdfast.Params{
			{"UrlEndPoint", "https://shop.example.test/return"},
			{"HttpParameters", "status=SC&signature=a%2Bb"},
		},
		result: "<VerificationStatus>Success</VerificationStatus>",
		want:   holdfast.VerifySignatureResult{Status: holdfast.VerificationSuccess, Answer: answered},
		flaws: map[string]string{
			">Success<": ">Perhaps<", "VerificationStatus>Success</VerificationStatus": "VerificationStatus/",
		},
	},
}

func TestTransactions(t *testing.T) { checkCalls(t, transactionCalls) }
