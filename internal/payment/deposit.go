package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// Deposit puts sandbox money into a party's balance, in the books of a sandbox
// caller (Account Management, "add funds"). Live callers are refused, because
// their money must come from a real source.
func Deposit(caller party.Caller, t Transaction) (Change, error) {
	switch {
	case !caller.Sandbox:
		return Change{}, holdfast.Errorf(holdfast.AccessFailure, "deposits are possible only in the sandbox")
	case caller.Network != "":
		return Change{}, holdfast.Errorf(holdfast.AccessFailure,
			"the caller's payments use an account at a card network, so its money cannot be made up")
	case !t.Amount.Positive() || t.Amount.Cmp(amountMax) > 0:
		return Change{}, holdfast.Errorf(holdfast.AmountOutOfRange, "a deposit must be above zero and at most %v", amountMax)
	}
	t.Kind, t.Method, t.FeeBy, t.Owner = KindDeposit, holdfast.MethodABT, holdfast.RoleRecipient, caller.Owner
	t.Caller, t.Sender = caller.ID, t.Recipient
	t = t.withNoAmounts()
	c := t.begun(VerbTransfer, t.Received, holdfast.CodeSuccess, messageDeposit)
	c.Postings = move(t.transferPostings())
	return c, nil
}
