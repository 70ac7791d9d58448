package shop

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/money"
)

const (
	noteUnanswered = "The payment service has not answered yet. The shop makes the same call again, and nothing " +
		"can be charged twice. Look again in a minute."
	noteRefusedKey = "The payment service does not accept this shop's key. The shop's operator must correct that. The " +
		"shop then makes the call again."
)

// noteFor returns the note for an order that has just changed its state: what
// happened, and what a person can do about it. code says why the hold is in its
// state.
func noteFor(o Order, code string) string {
	switch o.State {
	case Pending:
		return "The card's bank has not answered yet. Most answer within minutes. Load this page again later."
	case PaymentFailed:
		return failureWords(code)
	case Lapsed:
		return lapsedWords(o)
	case Cancelled:
		if o.Reason != "" {
			return "The hold was released and nothing was charged. Reason: " + o.Reason
		}
		return "The hold was released and nothing was charged. Do not ship."
	case Shipped:
		if rest := o.rest(); count(rest) > 0 {
			return "Everything that was available is charged. The rest of the hold is released: " + o.Named(rest) + "."
		}
		return "Everything is charged. The hold is used up."
	case ChargeFailed:
		return "The card was declined when you shipped, and the hold is gone. Nothing was charged for that parcel. Keep it " +
			"here, and ask the buyer to pay again."
	case NeedsAttention:
		return "Another program charged the card. Compare the charge with this order. Then send the pieces yourself or " +
			"refund the buyer below, and press Done. The shop's operator can find out which program it was."
	case ToShip, AwaitingApproval, Abandoned, TurnedAway, SoldOut, Reserving, Shipping, Releasing:
	}
	return ""
}

// lapsedWords tells the packer that the hold is gone.
func lapsedWords(o Order) string {
	if o.Charged().Positive() {
		return fmt.Sprintf("The rest of the hold expired on %s. The card can no longer be charged for what has not "+
			"shipped: %s. Do not ship it; ask the buyer to pay for it again.", when(o.Deadline), o.Named(o.rest()))
	}
	return fmt.Sprintf("The hold expired on %s. The card can no longer be charged for this order. Do not ship it; ask "+
		"the buyer to pay again.", when(o.Deadline))
}

// noteUnansweredFor returns the note for a call without an answer.
func noteUnansweredFor(err error) string {
	if refusal, ok := errors.AsType[*client.Error](err); ok && (refusal.Status == http.StatusUnauthorized ||
		refusal.Status == http.StatusForbidden) {
		return noteRefusedKey
	}
	return noteUnanswered
}

// failureWords tells buyer and packer why there is no hold. The code is that of a
// hold that the bank has declined, or of a refusal.
func failureWords(code string) string {
	switch code {
	case "TransactionDenied", "Failure":
		return "The card's bank declined the payment. Nothing was charged. Try another card, or contact the bank."
	case "InactiveInstrument", "InvalidPaymentInstrument", "instrument_not_active":
		return "The card cannot be used, perhaps because it has expired. Nothing was charged. Try another card."
	case "payment_method_wrong":
		return "Only a credit card can be used here. Nothing was charged. Pay with a card."
	case "AccountLimitsExceeded", "InsufficientBalance", "account_limit_reached", "insufficient_balance":
		return "The account cannot spend this amount now. Nothing was charged. Try another card, or try again another day."
	case "account_state", "account_not_verified":
		return "The buyer's account at the payment service cannot pay at the moment. Nothing was charged. The buyer can " +
			"see the reason there."
	case "token_not_found", "token_not_active", "token_used", "token_mismatch":
		return "The approval can no longer be used: it is valid for three hours and for one payment. Nothing was " +
			"charged. Please pay again."
	case "":
		return "The payment failed. Nothing was charged. Please pay again, perhaps with another card."
	default:
		return "The payment service did not accept the payment (" + code +
			"). Nothing was charged. It is not the buyer's fault: the shop's operator must look into it."
	}
}

// heldUntil tells the packer until when a part can be asked for again.
func heldUntil(o Order) string {
	if o.Deadline.IsZero() {
		return ""
	}
	return " The money is held until " + when(o.Deadline) + "."
}

// chargedWords tells the packer that a parcel may go.
func chargedWords(o Order, p Part) string {
	words := fmt.Sprintf("The card was charged %s. Hand the parcel over.", dollars(p.Amount))
	rest := minus(o.rest(), p.Pieces)
	switch {
	case count(rest) == 0:
		return words
	case p.Last:
		return words + " Not available, and released: " + o.Named(rest) + "."
	default:
		return words + " Still to ship: " + o.Named(rest) + "."
	}
}

const notCharged = "Not charged, so do not hand the parcel over: "

// declinedWords tells the packer that the bank declined one parcel, and the rest of
// the hold remains.
func declinedWords(o Order, message string) string {
	return notCharged + "the card's bank declined the charge (" + trimFullStop(message) +
		"). Try again later, or release the hold and ask the buyer to pay again." + heldUntil(o)
}

// refusedWords tells the packer why a parcel was not charged although the hold is
// still there, what to do, and until when.
func refusedWords(refusal *client.Error, o Order, hold client.Hold) string {
	switch refusal.Code {
	case codeSettlesOnce:
		return notCharged + "this card can be charged only once for an order. Wait until everything is here and ship one " +
			"parcel, or ship this one and choose that the rest is not available." + heldUntil(o)
	case codeAmountAboveHold:
		return fmt.Sprintf("%sthe amount is more than the %s that is still held. Ship again for at most that amount.%s",
			notCharged, dollars(hold.Open.Amount), heldUntil(o))
	case codeHoldState:
		return notCharged + "the payment service cannot charge this order now (" + trimFullStop(refusal.Detail) +
			"). Look again in a minute."
	case codeAccountState:
		return notCharged + "the shop's own account at the payment service is restricted. The shop's operator can fix that " +
			"there." + heldUntil(o)
	case client.CodeNotFound, client.CodeKeyReused, client.CodeReferenceInUse, client.CodeScopeMissing:
	}
	return notCharged + "the payment service refused with " + string(refusal.Code) +
		". The shop's operator must look into it; the log below has the number of the request." + heldUntil(o)
}

// notReleasedWords tells the packer why the price of pieces was not released.
func notReleasedWords(refusal *client.Error, o Order) string {
	return "Not released: the payment service refused with " + string(refusal.Code) +
		". The money is still held. Ship the pieces or try again." + heldUntil(o)
}

// turnedAwayWords tells buyers why the payment pages sent them back.
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
	return "The payment service sent you back without an approval. Nothing was charged. You can pay again."
}

// buyerWords tells buyers the state of their order.
func buyerWords(o Order) string {
	switch o.State {
	case AwaitingApproval:
		return "We do not know yet whether you agreed to pay. If you did, but did not come back to us, we will hear of it " +
			"in a moment, and you need not do anything."
	case Abandoned:
		if o.Note != "" {
			return o.Note
		}
		return "You left before paying. Nothing was charged, and your cart is as you left it."
	case Reserving:
		return "We are asking your card to set the amount aside. " + o.Note
	case TurnedAway, SoldOut, Pending, PaymentFailed:
		return o.Note
	case ToShip, Shipping, Releasing:
		return openWords(o) + refundedWords(o)
	case Shipped:
		return shippedWords(o) + refundedWords(o)
	case Cancelled:
		words := "We had to cancel this order. Nothing was charged, and the amount set aside is released."
		if o.Reason != "" {
			words += " The reason: " + trimFullStop(o.Reason) + "."
		}
		return words
	case Lapsed:
		return buyerLapsedWords(o) + refundedWords(o)
	case ChargeFailed:
		words := "Your card was declined when we shipped. Please pay again."
		if charged := o.Charged(); charged.Positive() {
			return words + fmt.Sprintf(" We charged %s for what has shipped, and nothing for the rest.", dollars(charged)) +
				refundedWords(o)
		}
		return words + " Nothing was charged, and the amount set aside is released."
	case NeedsAttention:
		if charged := o.Charged(); !o.Done.IsZero() && charged.Positive() {
			return fmt.Sprintf("Your card was charged %s.", dollars(charged)) + refundedWords(o)
		}
		return "Somebody has to look into this payment. We are working on it, and you need not pay again." + refundedWords(o)
	}
	return ""
}

// openWords tells what is held, and what has shipped already.
func openWords(o Order) string {
	charged := o.Charged()
	if !charged.Positive() && o.State == Shipping {
		return "Your parcel is packed, and we are charging your card for what is in it."
	}
	held := fmt.Sprintf("%s is set aside on your card. Nothing is charged until your parcel ships.",
		dollars(o.priceOf(o.kept())))
	if charged.Positive() {
		held = fmt.Sprintf("A part of your order is on its way, and your card was charged %s for it. The price of the "+
			"rest is set aside until it ships: %s.", dollars(charged), o.Named(o.rest()))
	}
	if gone := o.withdrawn(); count(gone) > 0 {
		held += " Not available, and not charged: " + o.Named(gone) + "."
	}
	return held + fmt.Sprintf(" If we have not shipped by %s, the amount is released automatically.", when(o.Deadline))
}

// shippedWords tells what was charged. If that is less than the held amount, it also
// tells why: something was not available, or the shop lowered the price, or both.
func shippedWords(o Order) string {
	charged, price := o.Charged(), o.priceOf(o.shipped())
	words := "Your parcel is on its way"
	if len(o.Parcels()) > 1 {
		words = "Your parcels are on their way"
	}
	words += ", and your card was charged " + dollars(charged) + "."
	if gone := minus(o.allPieces(), o.shipped()); count(gone) > 0 {
		words += " Not everything was available. We did not charge for " + o.Named(gone) + "."
	}
	if charged.Cmp(price) < 0 {
		words += fmt.Sprintf(" We lowered the price: the pieces cost %s.", dollars(price))
	}
	if charged.Cmp(o.Totals.Total) < 0 {
		words += " The rest of the amount set aside is released."
	}
	return words
}

// buyerLapsedWords tells buyers that the hold ended before everything shipped.
func buyerLapsedWords(o Order) string {
	const sorry = " If you still want it, please pay again; we are sorry."
	if charged := o.Charged(); charged.Positive() {
		return fmt.Sprintf("We charged %s for what has shipped. We did not ship the rest in time, so its price was "+
			"released: "+
			"%s.", dollars(charged), o.Named(o.rest())) + sorry
	}
	return "We did not ship this order in time, so the amount set aside on your card was released. Nothing was charged." +
		sorry
}

func refundedWords(o Order) string {
	switch charged := o.Charged(); {
	case !o.Refunded.Positive():
		return ""
	case o.Refunded == charged:
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
	case Releasing:
		return "The price of the pieces is being released. Look again in a minute."
	case Reserving:
		return "The payment service is being asked to hold the money. There is nothing to do yet."
	case Abandoned, TurnedAway, SoldOut:
		return "The buyer did not pay. There is nothing to do."
	case AwaitingApproval, Pending, ToShip, Shipped, PaymentFailed, Cancelled, Lapsed, ChargeFailed, NeedsAttention:
	}
	return ""
}

// named names lines with their quantities: "Milk jug, 2 × Morning mug".
func named(lines []Line) string {
	var names []string
	for _, l := range lines {
		if l.Quantity == 1 {
			names = append(names, l.Name)
		} else {
			names = append(names, fmt.Sprintf("%d × %s", l.Quantity, l.Name))
		}
	}
	return strings.Join(names, ", ")
}

// holdWords say what has become of a hold, for the log.
func holdWords(h client.Hold) string {
	switch h.State {
	case client.HoldPending:
		return "The card's bank has not answered about the hold"
	case client.HoldHeld:
		return "The money is held"
	case client.HoldFailed:
		return "The hold was declined (" + h.Code + ")"
	case client.HoldReleased:
		return "The hold was released"
	case client.HoldExpired:
		return "The hold expired"
	case client.HoldSettled:
		return "The hold has ended; " + dollars(h.Settled.Amount) + " of it was charged"
	case client.HoldSettling:
	}
	return "The rest of the hold is being charged"
}

// paidWords say what has become of a charge or a refund, for the log.
func paidWords(s client.PaidState) string {
	switch s {
	case client.PaidSucceeded:
		return "succeeded"
	case client.PaidFailed, client.PaidCancelled:
		return "failed"
	case client.PaidPending, RefundAsked:
	}
	return "has no answer of the bank yet"
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
