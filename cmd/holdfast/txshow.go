package main

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// A detailAnswer is everything about a transaction, as --json prints it.
type detailAnswer struct {
	TransactionID       holdfast.TransactionID     `json:"transactionId"`
	Operation           holdfast.Operation         `json:"operation"`
	PaymentMethod       holdfast.PaymentMethod     `json:"paymentMethod"`
	Status              holdfast.TransactionStatus `json:"status"`
	StatusCode          holdfast.StatusCode        `json:"statusCode"`
	StatusMessage       string                     `json:"statusMessage"`
	TransactionAmount   dollars                    `json:"transactionAmount,omitzero"`
	FPSFees             dollars                    `json:"fpsFees,omitzero"`
	FPSFeesPaidBy       holdfast.Role              `json:"fpsFeesPaidBy,omitempty"`
	MarketplaceFees     dollars                    `json:"marketplaceFees,omitzero"`
	DateReceived        time.Time                  `json:"dateReceived,omitzero"`
	DateCompleted       time.Time                  `json:"dateCompleted,omitzero"`
	CallerReference     holdfast.CallerReference   `json:"callerReference,omitempty"`
	CallerDescription   string                     `json:"callerDescription,omitempty"`
	SenderDescription   string                     `json:"senderDescription,omitempty"`
	SenderName          string                     `json:"senderName,omitempty"`
	SenderEmail         string                     `json:"senderEmail,omitempty"`
	RecipientName       string                     `json:"recipientName,omitempty"`
	RecipientEmail      string                     `json:"recipientEmail,omitempty"`
	CallerName          string                     `json:"callerName,omitempty"`
	SenderTokenID       holdfast.TokenID           `json:"senderTokenId,omitempty"`
	RecipientTokenID    holdfast.TokenID           `json:"recipientTokenId,omitempty"`
	PrepaidInstrumentID holdfast.InstrumentID      `json:"prepaidInstrumentId,omitempty"`
	CreditInstrumentID  holdfast.InstrumentID      `json:"creditInstrumentId,omitempty"`
	holdAnswer
	Related   []relatedAnswer `json:"related"`
	History   []changeAnswer  `json:"history"`
	RequestID string          `json:"requestId"`
}

type relatedAnswer struct {
	Relation      holdfast.RelationType  `json:"relation"`
	TransactionID holdfast.TransactionID `json:"transactionId"`
}

type changeAnswer struct {
	Date       time.Time                  `json:"date,omitzero"`
	Status     holdfast.TransactionStatus `json:"status"`
	StatusCode holdfast.StatusCode        `json:"statusCode"`
	Amount     dollars                    `json:"amount,omitzero"`
}

func describeDetail(t holdfast.TransactionDetail) detailAnswer {
	a := detailAnswer{
		TransactionID: t.TransactionID, Operation: t.Operation, PaymentMethod: t.PaymentMethod,
		Status: t.Status, StatusCode: t.StatusCode, StatusMessage: t.StatusMessage,
		TransactionAmount: dollars(t.TransactionAmount), FPSFees: dollars(t.FPSFees), FPSFeesPaidBy: t.FPSFeesPaidBy,
		MarketplaceFees: dollars(t.MarketplaceFees), DateReceived: t.DateReceived.UTC(), DateCompleted: t.DateCompleted.UTC(),
		CallerReference: t.CallerReference, CallerDescription: t.CallerDescription, SenderDescription: t.SenderDescription,
		SenderName: t.SenderName, SenderEmail: t.SenderEmail, RecipientName: t.RecipientName,
		RecipientEmail: t.RecipientEmail, CallerName: t.CallerName, SenderTokenID: t.SenderTokenID,
		RecipientTokenID: t.RecipientTokenID, PrepaidInstrumentID: t.PrepaidInstrumentID,
		CreditInstrumentID: t.CreditInstrumentID, holdAnswer: describeHold(t.Status, t.Answer), Related: []relatedAnswer{},
		History: []changeAnswer{}, RequestID: t.RequestID,
	}
	for _, r := range t.Related {
		a.Related = append(a.Related, relatedAnswer{Relation: r.Relation, TransactionID: r.TransactionID})
	}
	for _, h := range t.History {
		a.History = append(a.History, changeAnswer{
			Date: h.Date.UTC(), Status: h.Status, StatusCode: h.StatusCode, Amount: dollars(h.Amount),
		})
	}
	return a
}

func (a detailAnswer) facts() []fact {
	facts := append([]fact{
		{"transaction", string(a.TransactionID)},
		{"operation", string(a.Operation)},
		{"payment method", string(a.PaymentMethod)},
		{"status", string(a.Status)},
		{"status code", string(a.StatusCode)},
		{"status message", a.StatusMessage},
		{"amount", a.TransactionAmount.String()},
		{"fees", a.FPSFees.String()},
		{"fees paid by", string(a.FPSFeesPaidBy)},
		{"marketplace fees", a.MarketplaceFees.String()},
		{"received", moment(a.DateReceived)},
		{"completed", moment(a.DateCompleted)},
	}, a.holdAnswer.facts()...)
	facts = append(
		facts,
		fact{"caller reference", string(a.CallerReference)},
		fact{"caller description", a.CallerDescription},
		fact{"sender description", a.SenderDescription},
		fact{"sender", named(a.SenderName, a.SenderEmail)},
		fact{"recipient", named(a.RecipientName, a.RecipientEmail)},
		fact{"caller", a.CallerName},
		fact{"sender token", string(a.SenderTokenID)},
		fact{"recipient token", string(a.RecipientTokenID)},
		fact{"prepaid instrument", string(a.PrepaidInstrumentID)},
		fact{"credit instrument", string(a.CreditInstrumentID)},
	)
	for _, r := range a.Related {
		facts = append(facts, fact{"related", strings.TrimSpace(string(r.Relation) + " " + string(r.TransactionID))})
	}
	for _, h := range a.History {
		facts = append(facts, fact{"history", strings.Join([]string{
			moment(h.Date), string(h.Status), string(h.StatusCode), h.Amount.String(),
		}, " ")})
	}
	return facts
}

// named is a name with the e-mail address, if there is one.
func named(name, email string) string {
	if email == "" {
		return name
	}
	return strings.TrimSpace(name + " <" + email + ">")
}
