package payment

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// Limits of Reserve (Query API Reference, Reserve; "Reserving a Payment": a
// reserve expires after seven days).
const (
	ReserveLifeMax     = 7 * 24 * time.Hour
	TimeoutMinsMax     = 10080 // minutes: the same seven days
	ReferenceMax       = 128   // bytes of a CallerReference
	DescriptionMax     = 160   // characters
	descriptorWordsMax = 15    // characters of SenderDescription on a card statement
	descriptorPrefix   = "HF*"
)

var (
	reserveAmountMin = money.Cents(2)         // "above $0.01"
	reserveAmountMax = money.Cents(10_000_00) // $10,000
)

// ReserveInput is all that the decision needs to know.
type ReserveInput struct {
	ID         holdfast.TransactionID // for the new transaction
	Request    holdfast.ReserveRequest
	Caller     party.Caller
	Token      Token
	Instrument Instrument
	Sender     party.Party
	Recipient  party.Party
	Fees       FeeSchedule
	Now        time.Time // the caller's
}

// Reserve decides whether the funds of a token may be held. If so the
// transaction is Pending, with the question to the card network beside it.
func Reserve(in ReserveInput) (Change, error) {
	r := in.Request
	if err := CheckReserve(r, in.Caller); err != nil {
		return Change{}, err
	}
	if err := in.Token.usable(in.Caller.ID, r.TransactionAmount, in.Now); err != nil {
		return Change{}, err
	}
	if err := in.parties(); err != nil {
		return Change{}, err
	}
	switch {
	case in.Instrument.Method != holdfast.MethodCC:
		return Change{}, holdfast.Errorf(holdfast.PaymentInstrumentNotCC, "Reserve can be used only with credit cards; the sender chose %s", in.Instrument.Name())
	case in.Instrument.Expired(in.Now):
		return Change{}, holdfast.Errorf(holdfast.InactiveInstrument, "the sender's card expired in %s", in.Instrument.Expiry())
	}
	t := in.transaction()
	if err := feeBelow(t.FeeBy, in.Fees.Fee(t.Amount), t.Amount); err != nil {
		return Change{}, err
	}
	c := Change{Before: Transaction{State: None}, After: t, Verb: VerbReserve, At: in.Now}
	c.Ask = t.ask(StepAuthorize, t.Amount)
	return c, nil
}

func (in ReserveInput) transaction() Transaction {
	r := in.Request
	life := ReserveLifeMax
	if r.TransactionTimeoutMins != 0 {
		life = time.Duration(r.TransactionTimeoutMins) * time.Minute
	}
	feeBy := r.ChargeFeeTo
	if feeBy == "" {
		feeBy = holdfast.RoleRecipient
	}
	next, _ := None.After(VerbReserve)
	return Transaction{
		ID: in.ID, Caller: in.Caller.ID, Reference: r.CallerReference,
		Sender: in.Sender.ID, Recipient: in.Recipient.ID, Token: in.Token.ID,
		Instrument: in.Instrument.ID, Method: in.Instrument.Method,
		State: next, StatusCode: holdfast.CodePendingNetworkResponse, StatusMessage: messagePending,
		Amount: r.TransactionAmount, Settled: money.Micros(0), Fee: money.Micros(0), FeeBy: feeBy,
		CallerDescription: r.CallerDescription, SenderDescription: r.SenderDescription,
		Descriptor: descriptor(r, in.Recipient.Name), IPNURL: r.OverrideIPNURL,
		Received: in.Now, Deadline: in.Now.Add(life),
	}
}

// parties refuses accounts that cannot take part.
func (in ReserveInput) parties() error {
	switch {
	case in.Sender.ID == in.Recipient.ID:
		return holdfast.Errorf(holdfast.SameSenderAndRecipient, "sender and recipient are one account")
	case in.Sender.Standing != party.Active:
		return holdfast.Errorf(holdfast.InvalidAccountStateSender, "the sender's account is %s", strings.ToLower(string(in.Sender.Standing)))
	case in.Recipient.Standing != party.Active:
		return holdfast.Errorf(holdfast.InvalidAccountStateRecipient, "the recipient's account is %s", strings.ToLower(string(in.Recipient.Standing)))
	case !in.Sender.EmailVerified:
		return holdfast.Errorf(holdfast.UnverifiedEmailAddressSender, "the sender's e-mail address is not verified")
	case !in.Recipient.EmailVerified:
		return holdfast.Errorf(holdfast.UnverifiedEmailAddressRecipient, "the recipient's e-mail address is not verified")
	}
	return nil
}

// CheckReserve refuses a request that is wrong in itself, whatever token it
// names. What it refuses was never a request: it leaves no trace.
func CheckReserve(r holdfast.ReserveRequest, caller party.Caller) error {
	if err := sandboxAccount(r, caller); err != nil {
		return err
	}
	switch {
	case !r.TransactionAmount.Given():
		return holdfast.Errorf(holdfast.InvalidParams, "TransactionAmount is missing")
	case r.TransactionAmount.Cmp(reserveAmountMin) < 0 || r.TransactionAmount.Cmp(reserveAmountMax) > 0:
		return holdfast.Errorf(holdfast.AmountOutOfRange, "TransactionAmount is %v; a card can be charged from %v to %v", r.TransactionAmount, reserveAmountMin, reserveAmountMax)
	case r.TransactionTimeoutMins < 0 || r.TransactionTimeoutMins > TimeoutMinsMax:
		return holdfast.Errorf(holdfast.InvalidParams, "TransactionTimeoutInMins is from 1 to %d minutes", TimeoutMinsMax)
	case r.SoftDescriptorType == "Dynamic" && strings.TrimSpace(r.SenderDescription) == "":
		return holdfast.Errorf(holdfast.InvalidParams, "a Dynamic soft descriptor needs a SenderDescription")
	case r.MarketplaceFixedFee.Given() || r.MarketplaceVariableFee != "":
		return holdfast.Errorf(holdfast.NotMarketplaceApp, "this caller is not registered as a marketplace, so there is no marketplace fee")
	case r.RecipientTokenID != "":
		return holdfast.Errorf(holdfast.InvalidTokenIDRecipient, "RecipientTokenId is not a recipient token of this caller")
	case r.ChargeFeeTo == holdfast.RoleCaller:
		return holdfast.Errorf(holdfast.InvalidParams, "ChargeFeeTo must be Recipient when the caller is the recipient")
	}
	return nil
}

// descriptor is what the sender's card statement shows: a prefix and the words
// of the description, or the recipient's name, in capitals (DescriptorPolicy).
func descriptor(r holdfast.ReserveRequest, recipient string) string {
	words := recipient
	if r.SoftDescriptorType == "Dynamic" {
		words = r.SenderDescription
	}
	printable := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, strings.ToUpper(words))
	if len(printable) > descriptorWordsMax {
		printable = printable[:descriptorWordsMax]
	}
	return descriptorPrefix + strings.TrimSpace(printable)
}
