package payment

import (
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Receipt is what a sender is told by mail of an approval or of money, before
// somebody puts it into words.
type Receipt struct {
	About      ReceiptAbout
	Language   string // that the sender reads our pages in, "de-CH"; empty when not known
	Caller     party.Caller
	Instrument Instrument // that pays; the zero value of an approval without one

	Transaction Transaction // that the money moved by

	// Of an approval.
	Token     Token
	Limits    []Limit
	Aggregate *AggregateInstrument // prepaid or credit, that comes with it; nil without one
}

// A ReceiptAbout is what a receipt is about.
type ReceiptAbout string

// Receipts are about these.
const (
	ReceiptApproved ReceiptAbout = "approved" // an approval was given, or took the place of another
	ReceiptCharged  ReceiptAbout = "charged"  // the sender has paid
	ReceiptReleased ReceiptAbout = "released" // what was held is the sender's again
	ReceiptRefunded ReceiptAbout = "refunded" // what was paid has come back
)

// receiptMethods are the ways to pay whose money is the sender's own. What is spent
// of a prepaid or credit instrument was paid, or will be, in one sum; there may be
// very many such payments.
var receiptMethods = []holdfast.PaymentMethod{holdfast.MethodCC, holdfast.MethodACH, holdfast.MethodABT}

// Receipt is what the transaction's sender is told of a step; due is whether there
// is anything to tell.
func (c Change) Receipt() (about ReceiptAbout, due bool) {
	t := c.After
	if !c.Moved() || t.Sender == "" || !slices.Contains(receiptMethods, t.Method) {
		return "", false
	}
	switch t.Kind {
	case KindReserve, KindPay, KindFundPrepaid, KindSettleDebt:
		switch {
		case t.State == Success:
			return ReceiptCharged, true
		case t.State == Cancelled && c.Before.State == Reserved:
			return ReceiptReleased, true
		}
	case KindRefund:
		return ReceiptRefunded, t.State == Success
	case KindWriteOffDebt, KindCommission, KindDeposit:
	}
	return "", false
}

// Released is what was held and not charged, once a Reserve is settled for less.
func (t Transaction) Released() money.Amount {
	if t.Kind != KindReserve || !t.Settled.Positive() {
		return money.Micros(0)
	}
	return t.Amount.Sub(t.Settled)
}

// Receipt is what the party that agreed is told; due is whether there is anything
// to tell, which a token that was left as it is gives no cause for. There is one
// receipt, however many tokens were made.
func (a Agreement) Receipt(made Installation) (r Receipt, due bool) {
	if len(made.Tokens) == 0 {
		return r, false
	}
	r = Receipt{
		About: ReceiptApproved, Caller: a.Caller, Instrument: a.Instrument, Token: made.Tokens[0], Aggregate: made.Aggregate,
	}
	for _, l := range made.Limits {
		if l.Subject == string(r.Token.ID) {
			r.Limits = append(r.Limits, l)
		}
	}
	return r, true
}
