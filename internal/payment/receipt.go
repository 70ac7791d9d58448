package payment

import (
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Receipt is the content of a mail to a sender about an approval or a
// payment. The mail's text is written elsewhere.
type Receipt struct {
	About      ReceiptAbout
	Language   string // of the sender's pages, "de-CH"; empty if unknown
	Guest      string // link to the payments of a guest: see [party.GuestLink]; empty for accounts
	Caller     party.Caller
	Instrument Instrument // that pays; zero if an approval has none

	Transaction Transaction // that moved the money
	// Released is the amount that the sender has again. Held is the amount that is still on
	// hold for the same order. They are given for a release only.
	Released, Held money.Amount
	Reference      string // of the order: see [ShownReference]
	Page           string // link to the page of the receipt: see [party.ReceiptLink]; empty without one

	// For an approval.
	Token     Token
	Limits    []Limit
	Aggregate *AggregateInstrument // the prepaid or credit instrument made with it; nil without one
}

// A ReceiptAbout is the subject of a receipt.
type ReceiptAbout string

// The subjects of receipts.
const (
	ReceiptApproved ReceiptAbout = "approved" // an approval was given, or replaced another
	ReceiptCharged  ReceiptAbout = "charged"  // the sender has paid
	ReceiptReleased ReceiptAbout = "released" // held money is the sender's again
	ReceiptRefunded ReceiptAbout = "refunded" // a payment, or a part of it, was refunded
)

// receiptMethods are the methods that move the sender's own money. Purchases
// from a prepaid or credit instrument get no receipt: there may be very many,
// and the funding or settlement has its own.
var receiptMethods = []holdfast.PaymentMethod{holdfast.MethodCC, holdfast.MethodACH, holdfast.MethodABT}

// Receipt is the subject of the receipt that the sender gets for a step. due is
// false if there is none.
func (c *Change) Receipt() (about ReceiptAbout, due bool) {
	t := c.After
	moved := c.Moved() || c.Verb == VerbLower
	if !moved || c.Replaced || t.Sender == "" || !slices.Contains(receiptMethods, t.Method) {
		return "", false
	}
	switch t.Kind {
	case KindReserve, KindPart, KindPay, KindFundPrepaid, KindSettleDebt:
		if released, _ := c.Releases(); released.Positive() {
			return ReceiptReleased, true
		}
		if t.State == Success && c.Verb != VerbClose { // each part has a receipt
			return ReceiptCharged, true
		}
	case KindRefund:
		return ReceiptRefunded, t.State == Success
	case KindWriteOffDebt, KindCommission, KindDeposit, KindDispute, KindDisputeReturn, KindRefundReversal,
		KindOutsideRefund:
	}
	return "", false
}

// shownReferenceMax is the longest reference that a mail shows, in bytes.
const shownReferenceMax = 40

// ShownReference returns a reference that may stand in a mail: a short word of
// letters, digits, hyphens, underscores and number signs, without a card number.
// Others are empty: a mail must not carry a text that a caller can choose freely.
func ShownReference(r holdfast.CallerReference) string {
	text := string(r)
	free := strings.ContainsFunc(text, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '#'
	})
	if free || len(text) > shownReferenceMax || party.HasCardDigits(text) {
		return ""
	}
	return text
}

// A ToldRelease has the amounts in the mail about a release: the amount that the sender
// has again, and the amount that is still on hold.
type ToldRelease struct{ Released, Held money.Amount }

// Releases returns the amount that a step of a hold gives back to the sender without a
// charge, and the amount that stays on hold. The receipt of a charge has the amount that
// is released with it.
func (c *Change) Releases() (released, held money.Amount) {
	released, held = money.Micros(0), money.Micros(0)
	switch {
	case c.Tells != nil:
		return c.Tells.Released, c.Tells.Held
	case c.Verb == VerbLower:
		return less(c.After.Lowered, c.Before.Lowered), c.After.Held()
	case c.Verb == VerbClose:
		return c.After.Released(), held
	case c.After.State == Cancelled && c.Before.State == Reserved:
		return c.Before.rest(), held
	}
	return released, held
}

// TellTogether makes one mail of the releases of several members of a hold. The mail
// is about the root, if the root is one of them. held is the whole amount on hold before
// them; it is zero if the mail does not tell the rest.
func TellTogether(all []Change, held money.Amount) {
	released, first := money.Micros(0), -1
	for i := range all {
		some, _ := all[i].Releases()
		if some.Positive() && (first < 0 || all[i].After.Link == "") {
			first = i
		}
		released = released.Add(some)
		all[i].Tells = &ToldRelease{money.Micros(0), money.Micros(0)}
	}
	if first >= 0 {
		all[first].Tells = &ToldRelease{released, money.Micros(max(0, held.Micro-released.Micro))}
	}
}

// Released is the amount that a hold gave back at its end, after a Reserve was settled
// for less, in one piece or in parts. It does not include amounts released before.
func (t Transaction) Released() money.Amount {
	if t.Kind != KindReserve || !t.Settled.Positive() {
		return money.Micros(0)
	}
	return less(t.Amount, t.Lowered, t.Settled)
}

// Receipt is the one receipt for an agreement, however many tokens it made. due
// is false if there is nothing to report, such as for an edited token that did
// not change.
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
