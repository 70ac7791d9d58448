package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// Deposit puts money of the sandbox into a party's balance, in the books of a
// sandbox caller (Account Management, "add funds"). Live callers are refused:
// their money comes from somewhere.
func Deposit(caller party.Caller, t Transaction) (Change, error) {
	switch {
	case !caller.Sandbox:
		return Change{}, holdfast.Errorf(holdfast.AccessFailure, "money can only be made in the sandbox")
	case !t.Amount.Positive() || t.Amount.Cmp(amountMax) > 0:
		return Change{}, holdfast.Errorf(holdfast.AmountOutOfRange, "a deposit is above zero and at most %v", amountMax)
	}
	t.Kind, t.Method, t.FeeBy, t.Owner = KindDeposit, holdfast.MethodABT, holdfast.RoleRecipient, caller.Owner
	t.Caller, t.Sender = caller.ID, t.Recipient
	t = t.withNoAmounts()
	c := t.begun(VerbTransfer, t.Received, holdfast.CodeSuccess, messageDeposit)
	c.Postings = move(t.transferPostings())
	return c, nil
}
