package stripe

import (
	"cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Messages of declines. Fraud and lost cards look like any other decline:
// nobody is to learn from them how a card is watched.
const (
	messageDeclined = "The card was declined."
	messageFunds    = "The card has insufficient funds or reached its limit."
	messageExpired  = "The card has expired."
	messageConfirm  = "The bank wants the buyer to confirm the payment."
	messageUnusable = "The card cannot be used for this payment."
	messageData     = "The card's details are not valid."
	messageBusy     = "The bank could not answer; another attempt may succeed."
	messageRevoked  = "The buyer has withdrawn the permission."
	messageGone     = "The card is no longer at the card network."
	messageLate     = "The payment was not decided in time."
	messageRefused  = "The card network refused the payment."
	messageAmount   = "The card network cannot take this amount."
	messageLapsed   = "The hold lapsed at the card network."
	messageReturn   = "The refund could not be paid back to the card."
	messageDisputed = "The payment is disputed, so it cannot be refunded."
	messageOutside  = "The payment was already refunded at the card network."
	messageOther    = "Another amount was already taken, so the payment cannot be made."
	messageTaken    = "The amount was already taken, so the hold cannot be released."
)

// declines says what a decline code means to the caller. Codes that are not in
// it are generic.
var declines = map[string]string{
	"insufficient_funds":              messageFunds,
	"withdrawal_count_limit_exceeded": messageFunds,
	"card_velocity_exceeded":          messageFunds,

	"expired_card": messageExpired,

	"authentication_required":        messageConfirm,
	"approve_with_id":                messageConfirm,
	"offline_pin_required":           messageConfirm,
	"online_or_offline_pin_required": messageConfirm,

	"card_not_supported":      messageUnusable,
	"currency_not_supported":  messageUnusable,
	"transaction_not_allowed": messageUnusable,
	"service_not_allowed":     messageUnusable,
	"not_permitted":           messageUnusable,

	"incorrect_number":                  messageData,
	"incorrect_cvc":                     messageData,
	"incorrect_zip":                     messageData,
	"invalid_account":                   messageData,
	"invalid_number":                    messageData,
	"invalid_cvc":                       messageData,
	"invalid_expiry_month":              messageData,
	"invalid_expiry_year":               messageData,
	"new_account_information_available": messageData,

	"issuer_not_available": messageBusy,
	"processing_error":     messageBusy,
	"try_again_later":      messageBusy,
	"reenter_transaction":  messageBusy,

	"revocation_of_authorization":      messageRevoked,
	"revocation_of_all_authorizations": messageRevoked,
	"stop_payment_order":               messageRevoked,
}

// answer is the answer to a payment that a card's issuer, or Stripe's own check,
// declined.
func (r refusal) answer(d payment.Details) payment.Answer {
	code := cmp.Or(r.decline, r.code)
	message := declines[code]
	if message == "" {
		message = declines[r.code]
	}
	if message == "" {
		message = messageDeclined
	}
	d.DeclineCode = code
	if r.advice != "" {
		d.Advice = r.advice
	}
	if message == messageRevoked {
		d.Advice = payment.AdviceWithdrawn
	}
	a := declined(message, d)
	if message == messageFunds {
		a.Code = holdfast.StatusCode(holdfast.InsufficientBalance)
	}
	return a
}

// declined is a refusal that is not about the card's funds.
func declined(message string, d payment.Details) payment.Answer {
	return payment.Answer{
		Verdict: payment.Declined, Code: holdfast.CodeTransactionDenied, Message: message, Details: d,
	}
}
