package api

import (
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A meaning is what the document says of a code.
type meaning struct {
	code   Code
	status int
	title  string // one sentence, the same for every problem with this code
	advice string // what a program or its author can do
}

// meanings has every code of a problem, in the order in which a request is
// checked.
var meanings = []meaning{
	{
		KeyMissing, http.StatusUnauthorized, "The request has no key.",
		"Send the header `Authorization: Bearer hf_…`.",
	},
	{KeyUnknown, http.StatusUnauthorized, "There is no such key.", "Copy the key again, or make a new one."},
	{KeyExpired, http.StatusUnauthorized, "The key has expired.", "Make a new key and change to it."},
	{KeyRevoked, http.StatusUnauthorized, "The key was revoked.", "Make a new key and change to it."},
	{
		KeyWrongMode, http.StatusUnauthorized, "The key is for another mode.",
		"Use a key that begins with `hf_test_` for a sandbox caller, and one that begins with `hf_live_` for " +
			"a live one.",
	},
	{
		ScopeMissing, http.StatusForbidden, "The key may not do this.",
		"`scope` names the scope that the key needs. Use a key with that scope.",
	},
	{
		NotFound, http.StatusNotFound, "There is nothing with this address.",
		"Check the id. Objects of other callers are not found, too.",
	},
	{
		MethodNotAllowed, http.StatusMethodNotAllowed, "This address does not have this method.",
		"The header `Allow` lists the methods.",
	},
	{BodyTooLarge, http.StatusRequestEntityTooLarge, "The request is too large.", "Send at most 64 KiB."},
	{BodyIncomplete, http.StatusBadRequest, "The body ended early.", "Send the request again."},
	{
		MediaTypeNotSupported, http.StatusUnsupportedMediaType, "The body is not JSON.",
		"Send `Content-Type: application/json`, without a Content-Encoding.",
	},
	{InvalidJSON, http.StatusBadRequest, "The body is not JSON.", "`errors` says where the text is wrong."},
	{
		DuplicateField, http.StatusBadRequest, "A field is given twice.",
		"`errors` names the field. Send it once.",
	},
	{
		InvalidRequest, http.StatusUnprocessableEntity, "A field or parameter is missing or wrong.",
		"`errors` names each field or parameter, and says what is wrong.",
	},
	{
		InvalidCursor, http.StatusUnprocessableEntity, "The cursor does not belong to this list.",
		"Use a cursor only with the key's caller and the filters that it came from.",
	},
	{
		CursorLost, http.StatusGone, "The event of the cursor no longer exists.",
		"The server was restored from a backup. Read the objects, then read the events from the start.",
	},
	{
		IdempotencyKeyMissing, http.StatusBadRequest, "The header Idempotency-Key is missing.",
		"Send a new value for each new operation, and the same value when you repeat one.",
	},
	{
		IdempotencyKeyInvalid, http.StatusBadRequest, "The header Idempotency-Key is wrong.",
		"Send it once, with 1 to 128 visible ASCII characters.",
	},

	{
		Code(payment.CallKeyReused), http.StatusConflict, "The idempotency key was used for another request.",
		"`errors` names the fields that differ. Send a new key with a new request.",
	},
	{
		Code(payment.CallMetadataInvalid), http.StatusUnprocessableEntity,
		"The metadata is too large or has a wrong key.",
		"Send at most 20 keys of 40 characters, with values of 500.",
	},
	{
		Code(payment.CallDeadlineInvalid), http.StatusUnprocessableEntity, "A hold cannot have this deadline.",
		"Send a deadline from one minute to seven days ahead.",
	},
	{
		Code(payment.CallHoldLimit), http.StatusForbidden, "The amount is above the limit of the key.",
		"Use a key with a higher limit.",
	},
	{
		Code(payment.CallDayLimit), http.StatusForbidden, "The key has reached its limit of the day.",
		"Wait until the next day (UTC), or use a key with a higher limit.",
	},
	{
		"concurrent_change", http.StatusConflict, "Another request changed the same object at the same moment.",
		"Repeat the request.",
	},
	{
		"reference_in_use", http.StatusConflict, "Another request has used this reference.",
		"Use another reference, or look the object up by it.",
	},
	{
		"amount_out_of_range", http.StatusUnprocessableEntity, "The amount is too small or too large.",
		"`detail` says what is allowed.",
	},
	{
		"insufficient_balance", http.StatusUnprocessableEntity, "The balance is too small.",
		"Wait until the balance is larger, then repeat the request.",
	},
	{
		"account_limit_reached", http.StatusUnprocessableEntity, "An account has reached its limit.",
		"Try again in the next month, or ask the operator.",
	},
	{
		"token_not_found", http.StatusUnprocessableEntity, "You have no token with this id.",
		"Check the id in the return URL or in the checkout.",
	},
	{
		"token_not_active", http.StatusUnprocessableEntity, "The token is cancelled or expired.",
		"Ask the buyer to approve again.",
	},
	{
		"token_used", http.StatusUnprocessableEntity, "The token is for one payment, and it was used.",
		"Ask the buyer to approve again.",
	},
	{
		"token_limit_reached", http.StatusUnprocessableEntity, "The token allows no more than it has used.",
		"Ask the buyer for a higher limit.",
	},
	{
		"token_type_wrong", http.StatusUnprocessableEntity, "The token is not of a type that can do this.",
		"`detail` says why.",
	},
	{
		"token_in_use", http.StatusConflict, "The token still moves money.",
		"Use up or pay back its balance first.",
	},
	{
		"token_mismatch", http.StatusUnprocessableEntity, "The token does not allow this payment.",
		"`detail` says what differs: the amount, the time, the recipient or the fee.",
	},
	{
		"payment_method_wrong", http.StatusUnprocessableEntity, "This way to pay cannot be used here.",
		"`detail` says why. Ask the buyer for another way to pay.",
	},
	{
		"instrument_not_active", http.StatusUnprocessableEntity, "The buyer's card or account cannot be used any more.",
		"Ask the buyer for another card.",
	},
	{
		"instrument_not_found", http.StatusUnprocessableEntity, "The account has no such instrument.",
		"Check the id.",
	},
	{
		"hold_state", http.StatusConflict, "The state of the object does not allow this.",
		"Read the object. `detail` says what happened to it.",
	},
	{
		Code(payment.CallNetworkOnce), http.StatusUnprocessableEntity,
		"The card network takes from a hold only once.",
		"Nothing was taken. Settle all that is open, or send `final`.",
	},
	{
		"amount_above_hold", http.StatusUnprocessableEntity, "The amount is more than the open amount of the hold.",
		"Read `open` of the hold.",
	},
	{
		"amount_above_debt", http.StatusUnprocessableEntity, "The amount is more than the open debt.",
		"Read the debt first.",
	},
	{
		"amount_above_payment", http.StatusUnprocessableEntity, "The refund is more than the rest of the payment.",
		"Read `amount` and `refunded` of the payment.",
	},
	{"already_refunded", http.StatusConflict, "Nothing is left to refund.", "Read the refunds of the payment."},
	{"not_refundable", http.StatusUnprocessableEntity, "This cannot be refunded.", "`detail` says why."},
	{
		"payment_pending", http.StatusConflict, "The payment is not finished yet.",
		"Wait for its event, then repeat the request.",
	},
	{"payment_failed", http.StatusConflict, "The payment has failed.", "There is nothing to change."},
	{
		"account_state", http.StatusUnprocessableEntity, "An account cannot take part in payments now.",
		"`detail` says which account and why.",
	},
	{
		"account_not_verified", http.StatusUnprocessableEntity, "An account is not verified.",
		"`detail` says which account.",
	},
	{
		"same_account", http.StatusUnprocessableEntity, "Sender and recipient are the same account.",
		"Pay another account.",
	},
	{
		"checkout_state", http.StatusConflict, "The checkout is approved or expired, and cannot be cancelled.",
		"Read the checkout. Cancel its token, if there is one.",
	},
	{"not_allowed", http.StatusForbidden, "The caller may not do this.", "Ask the operator."},
	{
		"date_range", http.StatusUnprocessableEntity, "The dates are not a range.",
		"The first date must be before the second.",
	},

	{
		TooManyRequests, http.StatusServiceUnavailable, "Too many requests of this caller are under way.",
		"Send fewer requests at once, and repeat this one later.",
	},
	{
		Unavailable, http.StatusServiceUnavailable, "The server cannot answer now.",
		"Repeat the request, with growing pauses.",
	},
	{
		InternalError, http.StatusInternalServerError, "The server failed.",
		"Repeat the request. Quote `request_id` to the operator.",
	},
}

var meaningOf = func() map[Code]meaning {
	all := make(map[Code]meaning, len(meanings))
	for _, m := range meanings {
		all[m.code] = m
	}
	return all
}()
