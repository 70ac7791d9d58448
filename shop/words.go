package shop

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

const (
	noteUnanswered = "The payment service has not answered yet. The shop sends the same request again, and nothing " +
		"can be charged twice. Look again in a minute."
	noteRefusedKey = "The payment service does not accept this shop's access key or its clock. The shop's operator " +
		"must correct that. The shop then sends the request again."
)

// noteFor returns the note for an order that has just changed its state: what
// happened, and what a person can do about it.
func noteFor(o Order, st standing) string {
	switch o.State {
	case Pending:
		return "The card's bank has not answered yet. Most answer within minutes. Load this page again later."
	case PaymentFailed:
		return failureWords(holdfast.Code(st.code))
	case Lapsed:
		return fmt.Sprintf("The hold expired on %s. The card can no longer be charged for this order. Do not ship it; ask "+
			"the buyer to pay again.", when(o.Deadline))
	case Cancelled:
		if o.Reason != "" {
			return "The hold was released and nothing was charged. Reason: " + o.Reason
		}
		return "The hold was cancelled at the payment service and nothing was charged. Do not ship."
	case Shipped:
		return fmt.Sprintf("The card was charged %s. Hand the parcel over.", dollars(o.Charge))
	case NeedsAttention:
		if st.status == holdfast.StatusFailure {
			return "The card was declined when you shipped, and nothing was charged. Keep the parcel here, and ask the buyer " +
				"to pay again."
		}
		return "Another program charged the card, or the charge differs from the amount that this shop asked for. " +
			"Compare the charge with this order. Then send the parcel yourself or refund the buyer below, and press Done. " +
			"The shop's operator can find out which program it was."
	case ToShip, AwaitingAuthorisation, Abandoned, NotAuthorised, Reserving, Shipping, Cancelling:
	}
	return ""
}

// noteUnansweredFor returns the note for a request without an answer.
func noteUnansweredFor(err error) string {
	if refusal, ok := errors.AsType[*holdfast.Error](err); ok && refusal.Status/100 == 4 &&
		refusal.Code != holdfast.ConcurrentModification {
		return noteRefusedKey
	}
	return noteUnanswered
}

// failureWords tells buyer and packer why there is no hold.
func failureWords(code holdfast.Code) string {
	switch code {
	case holdfast.TransactionDenied, holdfast.Code(holdfast.StatusFailure):
		return "The card's bank declined the payment. Nothing was charged. Try another card, or contact the bank."
	case holdfast.InactiveInstrument, holdfast.InvalidPaymentInstrument:
		return "The card cannot be used, perhaps because it has expired. Nothing was charged. Try another card."
	case holdfast.PaymentInstrumentNotCC:
		return "Only a credit card can be used here. Nothing was charged. Pay with a card."
	case holdfast.AccountLimitsExceeded, holdfast.InsufficientBalance:
		return "The account cannot spend this amount now. Nothing was charged. Try another card, or try again another day."
	case holdfast.InvalidAccountStateSender, holdfast.UnverifiedEmailAddressSender, holdfast.AccountClosed:
		return "The buyer's account at the payment service cannot pay at the moment. Nothing was charged. The buyer can " +
			"see the reason there."
	case holdfast.InvalidTokenIDSender, holdfast.TokenNotActiveSender, holdfast.SameTokenIDUsedMultipleTimes,
		holdfast.IncompatibleTokens:
		return "The authorisation can no longer be used: it is valid for three hours and for one payment. Nothing was " +
			"charged. Please pay again."
	case "":
		return "The payment failed. Nothing was charged. Please pay again, perhaps with another card."
	default:
		return "The payment service did not accept the payment (" + string(code) +
			"). Nothing was charged. It is not the buyer's fault: the shop's operator must look into it."
	}
}

// settleWords tells the packer why Settle was refused although the hold is
// still there, what to do, and until when.
func settleWords(refusal *holdfast.Error, o Order) string {
	until := ""
	if !o.Deadline.IsZero() {
		until = " The money is held until " + when(o.Deadline) + "."
	}
	const not = "Not charged, so do not hand the parcel over: "
	switch refusal.Code {
	case holdfast.SettleAmountGreaterThanReserveAmount:
		return fmt.Sprintf("%sthe amount is more than the %s that is held. Ship again for at most that amount.%s", not,
			dollars(o.Totals.Total), until)
	case holdfast.AmountOutOfRange, holdfast.InvalidParams, holdfast.InvalidParameterValue:
		return not + "the payment service does not accept this amount. Ship again for another amount, such as the whole." +
			until
	case holdfast.InvalidTransactionState:
		return not + "the payment service cannot settle this order at the moment. Try again in a few minutes." + until
	case holdfast.TransactionDenied:
		return not + "the card's bank declined the charge. Try again later, or cancel and ask the buyer to pay again." + until
	case holdfast.InvalidAccountStateRecipient, holdfast.InvalidAccountStateCaller,
		holdfast.UnverifiedEmailAddressRecipient, holdfast.UnverifiedEmailAddressCaller:
		return not + "the shop's own account at the payment service is restricted. The shop's operator can fix that there." +
			until
	default:
		return not + "the payment service refused with " + string(refusal.Code) +
			". The shop's operator must look into it; the log below has the RequestId for support." + until
	}
}

// turnedAwayWords tells buyers why the Co-Branded pages sent them back.
func turnedAwayWords(status holdfast.ReturnStatus) string {
	switch status {
	case holdfast.ReturnSystemError:
		return "The payment service had a problem. Nothing was charged. Try again in a few minutes; there is " +
			"nothing wrong with your card."
	case holdfast.ReturnCallerError:
		return "The payment service did not understand our request. Nothing was charged. The fault is ours; " +
			"please write to us if it happens twice."
	case holdfast.ReturnPaymentError:
		return "You had no card that could pay for this order. Nothing was charged. You can pay again and add another card."
	case holdfast.ReturnAccountProblem:
		return "There is a problem with the account at the payment service, such as an e-mail address that is not " +
			"verified. Nothing was charged. You can fix it there and pay again."
	case holdfast.ReturnNotMarketplace:
		return "This shop may not accept this payment. Nothing was charged. The fault is ours; please write to us."
	case holdfast.ReturnSuccessABT, holdfast.ReturnSuccessACH, holdfast.ReturnSuccessCC, holdfast.ReturnSuccessRecipient,
		holdfast.ReturnAbandoned, holdfast.ReturnTokenUnchanged, holdfast.ReturnInvalidToken, holdfast.ReturnOthersToken,
		holdfast.ReturnNoAccount:
	}
	return "The payment service sent you back without an authorisation. Nothing was charged. You can pay again."
}

// buyerWords tells buyers the state of their order.
func buyerWords(o Order) string {
	switch o.State {
	case AwaitingAuthorisation:
		return "We do not know yet whether you agreed to pay. If you did, but did not come back to us, we will find " +
			"that out within an hour, and you need not do anything."
	case Abandoned:
		if o.Note != "" {
			return o.Note
		}
		return "You left before paying. Nothing was charged, and your cart is as you left it."
	case Reserving:
		return "We are asking your card to set the amount aside. " + o.Note
	case NotAuthorised, Pending, PaymentFailed:
		return o.Note
	case ToShip:
		return fmt.Sprintf("%s is set aside on your card. Nothing is charged until your parcel ships. If we have not "+
			"shipped by %s, the amount is released automatically.", dollars(o.Totals.Total), when(o.Deadline))
	case Shipping:
		return "Your parcel is packed, and we are charging your card for what is in it."
	case Shipped:
		return shippedWords(o) + refundedWords(o)
	case Cancelling, Cancelled:
		words := "We had to cancel this order. Nothing was charged, and the amount set aside is released."
		if o.Reason != "" {
			words += " The reason: " + trimFullStop(o.Reason) + "."
		}
		return words
	case Lapsed:
		return "We did not ship this order in time, so the amount set aside on your card was released. Nothing was " +
			"charged. If you still want it, please pay again; we are sorry."
	case NeedsAttention:
		return troubleWords(o) + refundedWords(o)
	}
	return ""
}

// shippedWords tells what was charged. If that is less than the held amount, it
// also tells why: something was out of stock, or the shop lowered the price, or
// both.
func shippedWords(o Order) string {
	const lowered = "We lowered the price and charged %s instead of %s; the rest of the amount set aside is released."
	missing, charge := o.Missing(), dollars(o.Charge)
	switch {
	case missing == "" && o.Discount().Positive():
		return "Your parcel is on its way. " + fmt.Sprintf(lowered, charge, dollars(o.Totals.Total))
	case missing == "":
		return "Your parcel is on its way, and your card was charged " + charge + "."
	case o.Discount().Positive():
		return fmt.Sprintf("Your parcel is on its way. Not everything was in stock. Not in the parcel: %s. "+lowered, missing,
			charge, dollars(o.packedTotals().Total))
	default:
		return fmt.Sprintf("Your parcel is on its way. Not everything was in stock. Not in the parcel: %s. So we charged "+
			"%s; the rest of the amount set aside is released.", missing, charge)
	}
}

// troubleWords tells buyers about an order whose money and goods do not match.
// The packer's note says the same.
func troubleWords(o Order) string {
	switch {
	case o.chargeFailed():
		return "Your card was declined when we shipped. Please pay again. Nothing was charged, and the amount set aside is " +
			"released."
	case !o.Done.IsZero() && o.Charge.Given():
		return fmt.Sprintf("Your card was charged %s.", dollars(o.Charge))
	default:
		return "Somebody has to look into this payment. We are working on it, and you need not pay again."
	}
}

func refundedWords(o Order) string {
	switch {
	case !o.Refunded.Positive():
		return ""
	case o.Refunded == o.Charge:
		return " The full amount is refunded to your card."
	default:
		return fmt.Sprintf(" %s of it is refunded to your card.", dollars(o.Refunded))
	}
}

// nextStep tells the packer what to do with an order if its note does not say
// it.
func nextStep(o Order) string {
	switch o.State {
	case Shipping:
		return "The card is being charged. Keep the parcel until this page says that the card was charged. Look again in a " +
			"minute."
	case Cancelling:
		return "The hold is being released. Do not ship. Look again in a minute."
	case Reserving:
		return "The payment service is being asked to hold the money. There is nothing to do yet."
	case Abandoned, NotAuthorised:
		return "The buyer did not pay. There is nothing to do."
	case AwaitingAuthorisation, Pending, ToShip, Shipped, PaymentFailed, Cancelled, Lapsed, NeedsAttention:
	}
	return ""
}

// when returns a time in the form of pages and notes.
func when(t time.Time) string {
	if t.IsZero() {
		return "an unknown day"
	}
	return t.UTC().Format("Monday 2 January 2006, 15:04 MST")
}

// dollars returns an amount in the form of pages and notes.
func dollars(a money.Amount) string { return "$" + a.Decimal() }

func trimFullStop(text string) string { return strings.TrimRight(strings.TrimSpace(text), ".") }

// howLong returns a duration in its two largest units, such as "6 days 3
// hours".
func howLong(d time.Duration) string {
	if d < time.Minute {
		return "less than a minute"
	}
	units := []struct {
		name string
		n    int64
	}{
		{"day", int64(d / (24 * time.Hour))},
		{"hour", int64(d / time.Hour % 24)},
		{"minute", int64(d / time.Minute % 60)},
	}
	for len(units) > 1 && units[0].n == 0 {
		units = units[1:]
	}
	text := counted(units[0].n, units[0].name)
	if len(units) > 1 && units[1].n > 0 {
		text += " " + counted(units[1].n, units[1].name)
	}
	return text
}

func counted(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// upTo returns the numbers from n down to 1, for the list of a form.
func upTo(n int64) []int64 {
	var all []int64
	for ; n > 0; n-- {
		all = append(all, n)
	}
	return all
}
