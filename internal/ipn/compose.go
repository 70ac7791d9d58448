package ipn

import (
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Message is what a notification is made of: one step of a transaction, and
// who is part of it.
type Message struct {
	Transaction payment.Transaction
	Step        payment.HistoryRow
	Caller      party.Caller
	Sender      party.Party
	Recipient   party.Party
	TokenReason string // the paymentReason that the sender agreed to
}

// Compose returns the fields of a transaction notification (IPN, "transaction
// notification" and "values per event"): those of the step it tells of, however
// far the transaction has come since. Fields without a value are left out.
func Compose(m Message) holdfast.Params {
	t := m.Transaction
	reason := t.CallerDescription
	if reason == "" {
		reason = m.TokenReason
	}
	buyerEmail := m.Sender.Email
	if t.Recipient != m.Caller.Owner { // a marketplace does not learn it
		buyerEmail = ""
	}
	status := strings.ToUpper(string(m.Step.After.Status()))
	all := holdfast.Params{
		{Name: "notificationType", Value: "TransactionStatus"},
		{Name: "transactionId", Value: string(t.ID)},
		{Name: "transactionDate", Value: strconv.FormatInt(t.Received.Unix(), 10)},
		{Name: "transactionStatus", Value: status},
		{Name: "status", Value: status}, // its older name, which programs of 2009 read
		{Name: "statusCode", Value: string(m.Step.StatusCode)},
		{Name: "statusMessage", Value: m.Step.StatusMessage},
		{Name: "operation", Value: strings.ToUpper(string(operation(m.Step.Verb)))},
		{Name: "paymentMethod", Value: string(t.Method)},
		{Name: "paymentReason", Value: reason},
		{Name: "transactionAmount", Value: m.Step.Amount.String()},
		{Name: "callerReference", Value: string(t.Reference)},
		{Name: "buyerName", Value: m.Sender.Name},
		{Name: "buyerEmail", Value: buyerEmail},
		{Name: "recipientName", Value: m.Recipient.Name},
		{Name: "recipientEmail", Value: m.Recipient.Email},
	}
	fields := make(holdfast.Params, 0, len(all))
	for _, field := range all {
		if field.Value != "" {
			fields = append(fields, field)
		}
	}
	return fields
}

// operation is what the step belongs to. Giving a hold up, by whomever, is a
// part of the Reserve.
func operation(v payment.Verb) holdfast.Operation {
	switch v {
	case payment.VerbSettle, payment.VerbCapture, payment.VerbCaptureDecline:
		return holdfast.OperationSettle
	case payment.VerbReserve, payment.VerbApprove, payment.VerbDecline, payment.VerbCancel, payment.VerbExpire:
	}
	return holdfast.OperationReserve
}
