package ipn

import (
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Message is the content of a notification: one step of a transaction with
// its parties, or a token that was cancelled.
type Message struct {
	Token *payment.Token // set when the notification is about it, with Sender its holder

	Transaction payment.Transaction
	Step        payment.HistoryRow
	Caller      party.Caller
	Sender      party.Party
	Recipient   party.Party
	TokenReason string // the paymentReason that the sender agreed to
}

// MessageOf is the message of what a notification tells of.
func MessageOf(t store.Telling) Message {
	return Message{
		Token: t.Token, Transaction: t.Transaction, Step: t.Step, Caller: t.Caller, Sender: t.Sender,
		Recipient: t.Recipient, TokenReason: t.TokenReason,
	}
}

// Compose returns the fields of a transaction notification (IPN, "transaction
// notification" and "values per event"): they describe its step, even if the
// transaction has changed since. Fields without a value are left out. The last
// field names the caller that the notification is for.
func Compose(m Message) holdfast.Params {
	fields := composeTransaction
	if m.Token != nil {
		fields = composeToken
	}
	return append(given(fields(m)), holdfast.Param{Name: holdfast.CallerField, Value: string(m.Caller.ID)})
}

func composeTransaction(m Message) holdfast.Params {
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
	return holdfast.Params{
		{Name: "notificationType", Value: "TransactionStatus"},
		{Name: "transactionId", Value: string(t.ID)},
		{Name: "transactionDate", Value: strconv.FormatInt(t.Received.Unix(), 10)},
		{Name: "transactionStatus", Value: status},
		{Name: "status", Value: status}, // its older name, which programs of 2009 read
		{Name: "statusCode", Value: string(m.Step.StatusCode)},
		{Name: "statusMessage", Value: m.Step.StatusMessage},
		{Name: "operation", Value: strings.ToUpper(string(operation(t.Kind, m.Step)))},
		{Name: "paymentMethod", Value: string(t.Method)},
		{Name: "paymentReason", Value: reason},
		{Name: "transactionAmount", Value: m.Step.Amount.String()},
		{Name: "callerReference", Value: string(t.Reference)},
		{Name: "parentTransactionId", Value: string(t.Parent)},
		{Name: "buyerName", Value: m.Sender.Name},
		{Name: "buyerEmail", Value: buyerEmail},
		{Name: "recipientName", Value: m.Recipient.Name},
		{Name: "recipientEmail", Value: m.Recipient.Email},
	}
}

// composeToken returns the fields of a token notification (IPN, "token
// notification"). The date is text, as it was recorded.
func composeToken(m Message) holdfast.Params {
	t, holder := m.Token, m.Sender
	return holdfast.Params{
		{Name: "notificationType", Value: "TokenCancellation"},
		{Name: "tokenId", Value: string(t.ID)},
		{Name: "tokenType", Value: string(t.Type)},
		{Name: "dateInstalled", Value: t.Installed.UTC().Format("Jan 2, 2006")},
		{Name: "callerReference", Value: string(t.Reference)},
		{Name: "paymentReason", Value: t.Reason},
		{Name: "customerName", Value: holder.Name},
		{Name: "customerEmail", Value: holder.Email},
	}
}

// given are the fields that have a value.
func given(all holdfast.Params) holdfast.Params {
	fields := make(holdfast.Params, 0, len(all))
	for _, field := range all {
		if field.Value != "" {
			fields = append(fields, field)
		}
	}
	return fields
}

// operation is the operation that a step belongs to. The end of a hold, for any
// reason, belongs to Reserve; taking the money belongs to Settle.
func operation(kind payment.Kind, step payment.HistoryRow) holdfast.Operation {
	taken := payment.Transaction{Kind: kind}
	switch step.Verb {
	case payment.VerbSettle, payment.VerbCapture, payment.VerbCaptureDecline, payment.VerbClose:
		taken.Settled = step.Amount
	default:
	}
	return taken.Operation()
}
