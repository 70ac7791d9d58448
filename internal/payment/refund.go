package payment

import (
	"cmp"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// RefundWindow is how long after it was paid a payment can be refunded. No page
// of the service names a window; this is the trade's.
const RefundWindow = 90 * 24 * time.Hour

// A RefundInput is what the decision on a Refund needs to know.
type RefundInput struct {
	ID               holdfast.TransactionID // for the refund
	Original         Transaction
	Owner            party.Party // the caller's
	RefundToken      Token       // that came with the original's recipient token; zero if none did
	RecipientBalance money.Amount
	OwnerBalance     money.Amount
	Aggregate        AggregateInstrument // that the original spent
	Movers           []Mover             // of a prepaid one
	// from when it was paid to when it can no longer be refunded; zero means RefundWindow, below zero for ever
	Window time.Duration
	Now    time.Time
}

// Refund decides whether a payment may be paid back, all of what is left of it
// or a part (Query API Reference, Refund). Paid back to a card it is Pending
// until the network has said so; to a balance, or onto an instrument of this
// server, it is done at once.
func Refund(in RefundInput, r holdfast.RefundRequest) (Change, error) {
	o := in.Original
	if err := in.refundable(); err != nil {
		return Change{}, err
	}
	refund, err := in.refund(r)
	if err != nil {
		return Change{}, err
	}
	if err := in.covered(refund); err != nil {
		return Change{}, err
	}
	var c Change
	if refund.Method == holdfast.MethodCC && refund.Policy != holdfast.RefundMarketplaceOnly {
		refund = refund.withAside()
		c = refund.begun(VerbRefund, in.Now, holdfast.CodePendingNetworkResponse, messagePending)
		c.Postings = move(refund.stepPostings(VerbRefund, None))
		c.Ask = c.After.ask(StepReturn, refund.Amount)
	} else {
		c = refund.begun(VerbTransfer, in.Now, holdfast.CodeSuccess, messageRefunded)
		c.Postings = move(refund.transferPostings())
	}
	switch {
	case refund.Aggregate != "":
		after := in.Aggregate
		after.Balance = after.raised(refund.Amount)
		c.Aggregate = &AggregateChange{in.Aggregate, after}
	case refund.Commission.Micro < 0:
		c.Spends = []party.ID{refund.Recipient, refund.Owner}
	default:
		c.Spends = []party.ID{refund.Recipient}
	}
	c.Original = &OriginalChange{o, o.refundedBy(refund, 1)}
	return c, nil
}

// refundable refuses what cannot be paid back at all.
func (in RefundInput) refundable() error {
	o := in.Original
	switch o.Kind {
	case KindReserve, KindPay:
	case KindRefund, KindFundPrepaid, KindSettleDebt, KindWriteOffDebt, KindCommission:
		return holdfast.Errorf(holdfast.TransactionTypeNotRefundable, "a %s cannot be refunded", o.Kind)
	case KindDeposit:
		return invalidTransaction(o.ID)
	}
	switch o.AsOf(in.Now).State {
	case Pending, Settling:
		return holdfast.Errorf(holdfast.OriginalTransactionIncomplete, "the transaction is still pending")
	case Failure:
		return holdfast.Errorf(holdfast.OriginalTransactionFailed, "the transaction failed: %s", o.StatusMessage)
	case None, Reserved, Cancelled:
		return holdfast.Errorf(holdfast.InvalidTransactionState, "transaction %s cannot be refunded: nothing was paid", o.ID)
	case Success:
	}
	if err := active(in.Owner); err != nil {
		return err
	}
	if last := o.Completed.Add(cmp.Or(in.Window, RefundWindow)); in.Window >= 0 && !in.Now.Before(last) {
		return holdfast.Errorf(holdfast.TransactionDenied, "the transaction could be refunded until %s", stamp(last))
	}
	if k := in.RefundToken; k.ID != "" && k.Status(in.Now) != holdfast.TokenActive {
		return holdfast.Errorf(holdfast.SenderNotOriginalRecipient,
			"the recipient no longer lets the caller refund out of its balance")
	}
	return nil
}

// refund is the transaction that pays back. What was paid in fees goes back in
// proportion, rounded so that the parts of it add up to the whole.
func (in RefundInput) refund(r holdfast.RefundRequest) (Transaction, error) {
	o := in.Original
	policy := r.MarketplaceRefundPolicy
	if policy == "" {
		policy = holdfast.RefundMasterOnly
	}
	t := Transaction{
		ID: in.ID, Caller: o.Caller, Kind: KindRefund, Reference: r.CallerReference, Parent: o.ID, Policy: policy,
		Sender: o.Sender, Recipient: o.Recipient, Owner: o.Owner, Token: o.Token, RecipientToken: o.RecipientToken,
		Instrument: o.Instrument, Method: o.Method, Aggregate: o.Aggregate, Authorization: o.Authorization,
		FeeBy: o.FeeBy, CallerDescription: r.CallerDescription, Descriptor: o.Descriptor, IPNURL: r.OverrideIPNURL,
		Received: in.Now,
	}
	t = t.withNoAmounts()
	if policy == holdfast.RefundMarketplaceOnly {
		return in.refundOfCommission(t, r.RefundAmount)
	}
	amount, err := part(r.RefundAmount, o.Current().Sub(o.Refunded))
	if err != nil {
		return t, err
	}
	t.Amount = amount
	if t.Method == holdfast.MethodPrepaid && in.Aggregate.takesBack(amount, in.Movers, in.Now) != nil {
		t.Method, t.Aggregate = holdfast.MethodABT, "" // where the sender can use it
	}
	before, after := o.Refunded, o.Refunded.Add(amount)
	t.Fee = o.Fee.PartHalfUpToCent(before, o.Current()).Sub(o.Fee.PartHalfUpToCent(after, o.Current()))
	if policy == holdfast.RefundMasterAndMarketplace {
		share := o.Commission.PartHalfUpToCent(after, o.Current()).Sub(o.Commission.PartHalfUpToCent(before, o.Current()))
		if left := o.Commission.Sub(o.CommissionReturned); share.Cmp(left) > 0 {
			share = left
		}
		t.Commission = money.Micros(0).Sub(share)
	}
	return t, nil
}

// refundOfCommission gives the marketplace's fee back to the recipient, and
// nothing to the sender: it is a refund of the fee's own transaction.
func (in RefundInput) refundOfCommission(t Transaction, asked money.Amount) (Transaction, error) {
	o := in.Original
	if !o.Commission.Positive() {
		return t, holdfast.Errorf(holdfast.InvalidParams, "MarketplaceRefundPolicy is %s, but there was no marketplace fee",
			t.Policy)
	}
	amount, err := part(asked, o.Commission.Sub(o.CommissionReturned))
	t.Parent, t.Sender, t.Recipient, t.FeeBy = o.CommissionID, o.Recipient, o.Owner, holdfast.RoleRecipient
	t.Method, t.Amount = holdfast.MethodABT, amount
	t.Token, t.RecipientToken, t.Instrument, t.Aggregate, t.Authorization = "", "", "", "", ""
	return t, err
}

// part is how much of what is left is paid back.
func part(asked, left money.Amount) (money.Amount, error) {
	switch {
	case !left.Positive():
		return left, holdfast.Errorf(holdfast.TransactionFullyRefundedAlready, "nothing is left to refund")
	case !asked.Given():
		return left, nil
	case !asked.Positive():
		return asked, holdfast.Errorf(holdfast.AmountOutOfRange, "RefundAmount must be above zero")
	case asked.Cmp(left) > 0:
		return asked, holdfast.Errorf(holdfast.RefundAmountExceeded,
			"RefundAmount is %v, more than the %v that can still be refunded", asked, left)
	}
	return asked, nil
}

// covered refuses a refund that the recipient, or a marketplace its share of
// it, cannot pay.
func (in RefundInput) covered(t Transaction) error {
	fromOwner := money.Micros(0).Sub(t.Commission)
	if t.Policy == holdfast.RefundMarketplaceOnly {
		fromOwner = t.Amount
	}
	if t.Owner != in.Original.Recipient && in.OwnerBalance.Cmp(fromOwner) < 0 {
		return holdfast.Errorf(holdfast.InsufficientBalance,
			"the caller's balance is less than the %v of its fee that go back", fromOwner)
	}
	switch {
	case t.Policy == holdfast.RefundMarketplaceOnly, t.Method == holdfast.MethodPrepaid:
		return nil
	case t.Method == holdfast.MethodDebt:
		if open := in.Aggregate.open(); t.Amount.Cmp(open) > 0 {
			return holdfast.Errorf(holdfast.RefundAmountExceeded, "%v is more than the debt of %v that is still open", t.Amount,
				open)
		}
		return nil
	}
	has := in.RecipientBalance
	if t.Owner != t.Recipient {
		has = has.Add(fromOwner)
	}
	if t.FeeBy == holdfast.RoleRecipient {
		has = has.Sub(t.Fee)
	}
	if has.Cmp(t.Amount) < 0 {
		return holdfast.Errorf(holdfast.InsufficientBalance, "the recipient's balance is less than the %v to be refunded",
			t.Amount)
	}
	return nil
}
