package stripefake

import (
	"cmp"
	"crypto/sha256"
	"slices"
)

// A Decline is why an issuer declines.
type Decline struct {
	Code        string // such as "card_declined"; empty is that
	DeclineCode string // such as "insufficient_funds"
	Advice      string // such as "do_not_try_again"; empty is the usual one
	blocked     bool   // by Radar; the issuer was not asked
}

// When a card asks its holder to authenticate.
type challenge int

const (
	challengeNever      challenge = iota
	challengeUnlessKept           // unless set up for payments without the holder
	challengeAlways
	challengePresent // only if the holder is present
)

// A testCard is a card that the fake knows.
type testCard struct {
	number    string
	alias     string // that stands for it, in place of a payment method's id
	brand     string
	funding   string
	country   string
	decline   *Decline
	keeps     bool // it can be kept, although it declines payments
	challenge challenge
	lookup    bool // authentication cannot begin
	refund    string
	dispute   string // reason of the dispute that follows a payment
	inquiry   bool
	warned    bool // an early fraud warning follows a payment
}

func declines(code, declineCode string) *Decline {
	return &Decline{Code: code, DeclineCode: declineCode}
}

// The refunds of some cards.
const (
	refundFailsLater    = "failed"
	refundSucceedsLater = "succeeded"
)

// testCards are Stripe's test cards. Fields that are empty are a credit card of
// the US by Visa.
var testCards = []testCard{
	{number: "4242424242424242", alias: "pm_card_visa"},
	{number: "4000056655665556", alias: "pm_card_visa_debit", funding: "debit"},
	{number: "5555555555554444", alias: "pm_card_mastercard", brand: "mastercard"},
	{number: "378282246310005", alias: "pm_card_amex", brand: "amex"},
	{number: "6011111111111117", alias: "pm_card_discover", brand: "discover"},
	{number: "4000002760000016", alias: "pm_card_de", country: "DE"},
	{number: "4000000000000002", alias: "pm_card_chargeDeclined", decline: declines("card_declined", "generic_decline")},
	{
		number: "4000000000009995", alias: "pm_card_chargeDeclinedInsufficientFunds",
		decline: declines("card_declined", "insufficient_funds"),
	},
	{number: "4000000000009987", alias: "pm_card_chargeDeclinedLostCard", decline: declines("card_declined", "lost_card")},
	{
		number: "4000000000009979", alias: "pm_card_chargeDeclinedStolenCard",
		decline: declines("card_declined", "stolen_card"),
	},
	{number: "4000000000000069", alias: "pm_card_chargeDeclinedExpiredCard", decline: declines("expired_card", "")},
	{number: "4000000000000127", alias: "pm_card_chargeDeclinedIncorrectCvc", decline: declines("incorrect_cvc", "")},
	{
		number: "4000000000000119", alias: "pm_card_chargeDeclinedProcessingError",
		decline: declines("processing_error", ""),
	},
	{
		number: "4000000000006975", alias: "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
		decline: declines("card_declined", "card_velocity_exceeded"),
	},
	{
		number: "4100000000000019", alias: "pm_card_radarBlock",
		decline: &Decline{Code: "card_declined", DeclineCode: "fraudulent", blocked: true},
	},
	{
		number: "4000000000000341", alias: "pm_card_chargeCustomerFail", keeps: true,
		decline: declines("card_declined", "generic_decline"),
	},
	{number: "4000002500003155", alias: "pm_card_authenticationRequiredOnSetup", challenge: challengeUnlessKept},
	{number: "4000002760003184", alias: "pm_card_authenticationRequired", challenge: challengeAlways},
	{number: "4000003800000446", alias: "pm_card_authenticationRequiredSetupForOffSession", challenge: challengePresent},
	{
		number: "4000008260003178", alias: "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", keeps: true,
		challenge: challengePresent, decline: declines("card_declined", "insufficient_funds"),
	},
	{number: "4000000000003220", alias: "pm_card_threeDSecure2Required", challenge: challengeAlways},
	{
		number: "4000008400001629", alias: "pm_card_threeDSecureRequiredChargeDeclined", challenge: challengeAlways,
		decline: declines("card_declined", "generic_decline"),
	},
	{
		number: "4000008400001280", alias: "pm_card_threeDSecureRequiredProcessingError", challenge: challengeAlways,
		lookup: true, decline: declines("card_declined", "generic_decline"),
	},
	{number: "4000000000005126", alias: "pm_card_refundFail", refund: refundFailsLater},
	{number: "4000000000007726", alias: "pm_card_pendingRefund", refund: refundSucceedsLater},
	{number: "4000000000000259", alias: "pm_card_createDispute", dispute: "fraudulent"},
	{number: "4000000000002685", alias: "pm_card_createDisputeProductNotReceived", dispute: "product_not_received"},
	{number: "4000000000001976", alias: "pm_card_createDisputeInquiry", dispute: "fraudulent", inquiry: true},
	{number: "4000000000005423", alias: "pm_card_createIssuerFraudRecord", warned: true},
}

func cardBy(same func(testCard) bool) (testCard, bool) {
	i := slices.IndexFunc(testCards, same)
	if i < 0 {
		return testCard{}, false
	}
	card := testCards[i]
	if card.brand == "" {
		card.brand = "visa"
	}
	if card.funding == "" {
		card.funding = "credit"
	}
	if card.country == "" {
		card.country = "US"
	}
	return card, true
}

func cardByNumber(number string) (testCard, bool) {
	return cardBy(func(c testCard) bool { return c.number == number })
}

// cardByAlias knows an alias also with the brand in it, as in
// "pm_card_visa_chargeDeclined".
func cardByAlias(alias string) (testCard, bool) {
	return cardBy(func(c testCard) bool { return c.alias == alias || "pm_card_visa_"+c.alias[len("pm_card_"):] == alias })
}

// fingerprint is the same for the same number.
func (c testCard) fingerprint() string {
	sum := sha256.Sum256([]byte(c.number))
	text := make([]byte, 16)
	for i := range text {
		text[i] = idLetters[int(sum[i])%len(idLetters)]
	}
	return string(text)
}

func (c testCard) last4() string { return c.number[len(c.number)-4:] }

// luhn reports whether the check digit of a number is right.
func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		digit := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum += digit
	}
	return sum%10 == 0
}

// reason is the decline code, or else the code of the error.
func (d Decline) reason() string { return cmp.Or(d.DeclineCode, d.Code) }

// words returns what Stripe says to a decline: its message and its advice.
func (d Decline) words() (message, advice string) {
	advice = "try_again_later"
	switch d.reason() {
	case "insufficient_funds":
		message = "Your card has insufficient funds."
	case "expired_card":
		message, advice = "Your card has expired.", "confirm_card_data"
	case "incorrect_cvc":
		message, advice = "Your card's security code is incorrect.", "confirm_card_data"
	case "incorrect_number":
		message, advice = "Your card number is incorrect.", "confirm_card_data"
	case "processing_error":
		message = "An error occurred while processing your card. Try again in a little bit."
	case "authentication_required":
		message, advice = "Your card was declined. This transaction requires authentication.", ""
	case "lost_card", "stolen_card", "pickup_card", "revocation_of_authorization", "revocation_of_all_authorizations",
		"stop_payment_order":
		message, advice = "Your card was declined.", "do_not_try_again"
	case "card_not_supported":
		message, advice = "Your card does not support this type of purchase.", "do_not_try_again"
	case "currency_not_supported":
		message, advice = "Your card does not support this currency.", "do_not_try_again"
	default:
		message = "Your card was declined."
	}
	if d.Advice != "" {
		advice = d.Advice
	}
	return message, advice
}
