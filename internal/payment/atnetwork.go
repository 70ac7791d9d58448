package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// What a caller with an account at a card network cannot do. The money goes from
// the network to the caller's owner, so there is no other recipient, and no
// balance at this server that it could be paid from or into.

// The smallest and the largest payment that a real card network takes.
var (
	networkAmountMin = money.Cents(50)
	networkAmountMax = money.Cents(999_999_99)
)

const microPerCent = 10_000

// checkNetworkAmount refuses an amount that a card network does not take. The
// caller's payments use an account there.
func checkNetworkAmount(name string, amount money.Amount) error {
	switch {
	case amount.Micro%microPerCent != 0:
		return holdfast.Errorf(holdfast.AmountOutOfRange, "%s is %v; it must be whole cents", name, amount)
	case amount.Cmp(networkAmountMin) < 0 || amount.Cmp(networkAmountMax) > 0:
		return holdfast.Errorf(holdfast.AmountOutOfRange, "%s is %v; the card network takes payments from %v to %v", name,
			amount, networkAmountMin, networkAmountMax)
	}
	return nil
}

// checkNetworkPayment refuses a Reserve or Pay that a caller with an account at a
// card network cannot make.
func checkNetworkPayment(r holdfast.ReserveRequest, caller party.Caller) error {
	switch {
	case caller.Network == "":
		return nil
	case r.RecipientTokenID != "":
		return holdfast.Errorf(holdfast.IncompatibleTokens,
			"recipientTokenId: the card network pays only the caller's own account, so leave it out")
	}
	return checkNetworkAmount("TransactionAmount", r.TransactionAmount)
}

// onlyCards refuses an action that a caller with an account at a card network does
// not have.
func onlyCards(caller party.Caller) error {
	if caller.Network == "" {
		return nil
	}
	return holdfast.Errorf(holdfast.InvalidPaymentMethod,
		"this caller's account at a card network takes only cards; prepaid and postpaid instruments do not exist there")
}

// kept refuses an instrument that is not kept where the caller's payments are
// made.
func (in *Input) kept() error {
	real := in.Caller.Network != ""
	switch {
	case real && in.Token.Method != holdfast.MethodCC:
		return holdfast.Errorf(holdfast.InvalidPaymentMethod,
			"this caller's account at a card network takes only cards")
	case in.Instrument.Method != holdfast.MethodCC:
		return nil
	case in.Instrument.Account != in.Caller.Network:
		return holdfast.Errorf(holdfast.InvalidPaymentInstrument,
			"the sender's card is kept at another account of a card network, or in the sandbox")
	case in.Instrument.Unusable != "":
		return holdfast.Errorf(holdfast.InactiveInstrument, "the sender's card cannot be used any more: %s",
			in.Instrument.Unusable)
	}
	return nil
}

// CheckNetwork refuses a request for consent to what the caller cannot do with its
// account at a card network; nil if there is nothing against it.
func (r PipelineRequest) CheckNetwork(c party.Caller) *PipelineEnd {
	if c.Network == "" {
		return nil
	}
	switch r.Pipeline {
	case PipelineRecipient, PipelineSetupPrepaid, PipelineSetupPostpaid:
		return Malformed("pipelineName")
	case PipelineSingleUse, PipelineMultiUse, PipelineRecurring, PipelineEditToken:
	}
	switch {
	case len(r.Recipients) > 0:
		return Malformed(r.recipientsName())
	case r.Amount.Given() && r.AmountType != holdfast.AmountMinimum &&
		checkNetworkAmount("transactionAmount", r.Amount) != nil:
		return Malformed("transactionAmount")
	}
	return nil
}
