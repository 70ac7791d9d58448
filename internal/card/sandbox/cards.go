package sandbox

import (
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Card is one of the published test cards, the only numbers that the sandbox
// accepts. They belong to nobody, so they may be printed anywhere.
type Card struct {
	Number string // only digits
	Brand  string // "Visa"
	Name   string // the sandbox's own, "visa-approves"
	Does   string // its behaviour, for documents and pages

	refused payment.CardProblem // by Verify; empty if it is accepted
	script  map[payment.Step]Outcome
}

// Ref is the network's own name for the card. It is stored instead of the
// number.
func (c Card) Ref() string { return refPrefix + c.Name }

const refPrefix = "sandbox:"

// Brands of the test cards.
const (
	visa       = "Visa"
	mastercard = "Mastercard"
	amex       = "American Express"
	discover   = "Discover"
)

// Cards returns the test cards, approving cards first. They accept any expiry
// date in the future and any security code of the right length.
func Cards() []Card { return slices.Clone(cards) }

var cards = []Card{
	{
		Number: "4242424242424242", Brand: visa, Name: "visa-approves",
		Does: "Approves everything.",
	},
	{
		Number: "5555555555554444", Brand: mastercard, Name: "mastercard-approves",
		Does: "Approves everything.",
	},
	{
		Number: "378282246310005", Brand: amex, Name: "amex-approves",
		Does: "Approves everything. Its security code has four digits.",
	},
	{
		Number: "6011111111111117", Brand: discover, Name: "discover-approves",
		Does: "Approves everything.",
	},
	{
		Number: "4000000000000002", Brand: visa, Name: "visa-declined",
		Does: "Can be added; Reserve and Pay end in Failure with TransactionDenied.",
		script: whenPaying(Outcome{
			Decline: holdfast.CodeTransactionDenied, Message: "The card was declined by its issuer.",
		}),
	},
	{
		Number: "4000000000000341", Brand: visa, Name: "visa-declined-later",
		Does: "Passes every check when it is added; Reserve and Pay end in Failure with TransactionDenied, since the " +
			"issuer stopped the card.",
		script: whenPaying(Outcome{
			Decline: holdfast.CodeTransactionDenied, Message: "The card was stopped by its issuer.",
		}),
	},
	{
		Number: "4000000000009995", Brand: visa, Name: "visa-no-funds",
		Does: "Can be added; Reserve and Pay end in Failure with InsufficientBalance.",
		script: whenPaying(Outcome{
			Decline: holdfast.StatusCode(holdfast.InsufficientBalance), Message: "The card has insufficient funds.",
		}),
	},
	{
		Number: "4000000000000069", Brand: visa, Name: "visa-expired",
		Does:    "Is refused when it is added: the issuer says that it has expired.",
		refused: payment.CardExpiredByIssuer,
	},
	{
		Number: "4000000000000127", Brand: visa, Name: "visa-wrong-code",
		Does:    "Is refused when it is added: the security code is wrong.",
		refused: payment.CardCodeWrong,
	},
	{
		Number: "4000000000001018", Brand: visa, Name: "visa-capture-declined",
		Does: "Reserve succeeds; Settle ends in Failure with TransactionDenied.",
		script: on(payment.StepCapture, Outcome{
			Decline: holdfast.CodeTransactionDenied, Message: "The issuer declined to pay out the reserved amount.",
		}),
	},
	{
		Number: "4000000000001026", Brand: visa, Name: "visa-late",
		Does:   "Approves Reserve and Pay, but only after five seconds: the caller first gets Pending.",
		script: whenPaying(Outcome{Delay: lateDelay}),
	},
	{
		Number: "4000000000001034", Brand: visa, Name: "visa-lost-question",
		Does:   "The first question of Reserve or Pay is lost and has no effect. Asked again, it approves.",
		script: whenPaying(Outcome{Lost: LostQuestion}),
	},
	{
		Number: "4000000000001042", Brand: visa, Name: "visa-lost-answer",
		Does: "The first question of Reserve or Pay takes effect, but its answer is lost. Asked again, it gives the " +
			"same answer.",
		script: whenPaying(Outcome{Lost: LostAnswer}),
	},
}

func on(step payment.Step, o Outcome) map[payment.Step]Outcome {
	return map[payment.Step]Outcome{step: o}
}

// whenPaying is a card whose outcome applies to a hold or a charge.
func whenPaying(o Outcome) map[payment.Step]Outcome {
	return map[payment.Step]Outcome{payment.StepAuthorize: o, payment.StepCharge: o}
}

// BankRef is the network's own name for the one bank account that everybody has
// in the sandbox. It approves every payment, except for amounts that decide
// otherwise.
const BankRef = refPrefix + "bank"

var (
	byNumber = index(func(c Card) string { return c.Number })
	byRef    = index(Card.Ref)
)

func index(key func(Card) string) map[string]Card {
	m := make(map[string]Card, len(cards))
	for _, c := range cards {
		m[key(c)] = c
	}
	return m
}
