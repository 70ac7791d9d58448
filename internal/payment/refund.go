package payment

import (
	"cmp"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// RefundWindow is the time after a payment in which it can be refunded. FPS
// documented no window; 90 days are usual for card payments.
const RefundWindow = 90 * 24 * time.Hour

// A RefundInput has everything that the decision on a Refund depends on.
type RefundInput struct {
	ID               holdfast.TransactionID // for the refund
	Original         Transaction
	Owner            party.Party // the caller's owner
	RefundToken      Token       // made with the payment's recipient token; zero if none
	RecipientBalance money.Amount
	OwnerBalance     money.Amount
	Aggregate        AggregateInstrument // that the payment spent
	Movers           []Mover             // of a prepaid instrument
	Disputes         Disputes            // of the payment
	// Window is the time after the payment in which it can be refunded. Zero means
	// RefundWindow; below zero means no end.
	Window time.Duration
	Now    time.Time
}

// Refund decides whether a payment may be refunded, in full or in part (Query
// API Reference, Refund). A refund to a card is Pending until the network
// answers. A refund to a balance, or to a prepaid or credit instrument, is
// complete at once.
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
		c.ask(StepReturn)
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

// refundable refuses a transaction that cannot be refunded at all.
func (in RefundInput) refundable() error {
	o := in.Original
	switch o.Kind {
	case KindReserve, KindPart, KindPay:
		switch {
		case o.Parted() && o.Taken == o.Taking:
			return holdfast.Errorf(holdfast.OriginalTransactionIncomplete, "the first settle of the hold is still pending")
		case o.Parted():
			return holdfast.Errorf(holdfast.InvalidTransactionState,
				"transaction %s was settled in parts: refund its parts, or the whole hold by the JSON API", o.ID)
		}
	case KindRefund, KindFundPrepaid, KindSettleDebt, KindWriteOffDebt, KindCommission, KindDispute, KindDisputeReturn,
		KindRefundReversal, KindOutsideRefund:
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
	if in.Disputes.Open() {
		return holdfast.Errorf(holdfast.InvalidTransactionState,
			"transaction %s cannot be refunded: the buyer disputes it with the card's issuer, who has not decided yet", o.ID)
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

// refund makes the transaction. Fees are returned in proportion, rounded so
// that partial refunds add up to the full fee.
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
	amount, err := part(r.RefundAmount, in.Left(policy))
	if err != nil {
		return t, err
	}
	t.Amount = amount
	if t.Method == holdfast.MethodPrepaid && in.Aggregate.takesBack(amount, in.Movers, in.Now) != nil {
		t.Method, t.Aggregate = holdfast.MethodABT, "" // the sender can use the money there
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

// refundOfCommission makes a refund of the fee's own transaction. It gives the
// marketplace's fee back to the recipient, and nothing to the sender.
func (in RefundInput) refundOfCommission(t Transaction, asked money.Amount) (Transaction, error) {
	o := in.Original
	if !o.Commission.Positive() {
		return t, holdfast.Errorf(holdfast.InvalidParams, "MarketplaceRefundPolicy is %s, but there was no marketplace fee",
			t.Policy)
	}
	amount, err := part(asked, in.Left(t.Policy))
	t.Parent, t.Sender, t.Recipient, t.FeeBy = o.CommissionID, o.Recipient, o.Owner, holdfast.RoleRecipient
	t.Method, t.Amount = holdfast.MethodABT, amount
	t.Token, t.RecipientToken, t.Instrument, t.Aggregate, t.Authorization = "", "", "", "", ""
	return t, err
}

// Left is the amount that can still be refunded.
func (in RefundInput) Left(policy holdfast.RefundPolicy) money.Amount {
	o := in.Original
	if policy == holdfast.RefundMarketplaceOnly {
		return o.Commission.Sub(o.CommissionReturned)
	}
	return o.Current().Sub(o.Refunded).Sub(in.Disputes.Lost())
}

// part is the amount to refund: asked, or all that is left if no amount is
// given.
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

// covered refuses a refund if the recipient's balance, or the marketplace's for
// its share, is too small.
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
