package payment

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// LinkedMax is how many linked holds a hold may have, failed ones included.
const LinkedMax = 100

// A LinkInput has everything that the decision on a raise or a renewal depends
// on: the input of one more Reserve with the token of the hold, and the hold.
type LinkInput struct {
	Input
	Hold      Hold        // as it is at Now
	Root      Transaction // of the hold, as it is stored: its expiry may not be written yet
	Reference holdfast.CallerReference
}

// Raise decides whether a further amount may be held. No network raises a hold
// in place, so a raise is a further Reserve with the same token.
func (in LinkInput) Raise(amount money.Amount) (Change, error) {
	if err := in.open("raised"); err != nil {
		return Change{}, err
	}
	if err := in.withinSingleUse(amount); err != nil {
		return Change{}, err
	}
	in.Token.UsedBy = "" // withinSingleUse has looked at it
	t, limits, err := in.payment(KindReserve, in.request(amount))
	if err != nil {
		return Change{}, err
	}
	c := in.link(LinkRaise, t)
	c.Limits, c.After.Counted = limits, len(limits) > 0
	c.Whole = sum(in.Hold.Members, Transaction.uses).Add(amount)
	return c, nil
}

// open refuses a hold of which nothing can be settled any more, or which
// another raise or renewal is about to change.
func (in LinkInput) open(done string) error {
	root := in.Hold.Root()
	renewing := func(t Transaction) bool { return t.Link == LinkRenew && t.State == Pending }
	switch in.Hold.State() {
	case HoldPending:
		return holdfast.Errorf(holdfast.OriginalTransactionIncomplete, "hold %s cannot be %s yet: it is still pending",
			root.ID, done)
	case HoldSettling:
		return holdfast.Errorf(holdfast.OriginalTransactionIncomplete,
			"hold %s cannot be %s: all of it is being settled", root.ID, done)
	case HoldSettled, HoldReleased, HoldExpired, HoldFailed:
		return holdfast.Errorf(holdfast.InvalidTransactionState, "hold %s cannot be %s: it is %s", root.ID, done,
			in.Hold.State())
	case HoldHeld:
	}
	switch {
	case slices.ContainsFunc(in.Hold.Members, renewing):
		return holdfast.Errorf(holdfast.OriginalTransactionIncomplete,
			"hold %s cannot be %s yet: the card network has not answered its renewal", root.ID, done)
	case root.Linked >= LinkedMax:
		return holdfast.Errorf(holdfast.InvalidTransactionState, "hold %s cannot be %s: it was raised and renewed %d times",
			root.ID, done, LinkedMax)
	}
	return nil
}

// withinSingleUse refuses a raise that a single-use token does not allow. Such a
// token is for one payment, up to an amount that the sender saw: the hold may be
// raised up to that amount. A card network does not keep the card of such a
// token.
func (in LinkInput) withinSingleUse(amount money.Amount) error {
	k, most := in.Token, in.Token.Amount
	uses := sum(in.Hold.Members, Transaction.uses)
	switch {
	case k.Type != holdfast.TokenSingleUse:
		return nil
	case in.Caller.Network != "":
		return holdfast.Errorf(holdfast.InvalidPaymentInstrument,
			"the sender token was for one payment, so the card network has not kept the card, and no more can be held on it")
	case k.UsedBy != in.Hold.ID():
		return holdfast.Errorf(holdfast.SameTokenIDUsedMultipleTimes, "the sender token was already used by transaction %s",
			k.UsedBy)
	case k.AmountType != holdfast.AmountMaximum || !most.Given():
		return holdfast.Errorf(holdfast.IncompatibleTokens,
			"the sender token authorises one amount, and no more up to a maximum")
	case uses.Add(amount).Cmp(most) > 0:
		return holdfast.Errorf(holdfast.IncompatibleTokens, "%v more than %v is more than the %v that the sender authorised",
			amount, uses, most)
	}
	return nil
}

// request is the Reserve that a linked hold is. The fixed part of the marketplace's
// fee is left out: it is taken once from the whole hold, which can bear it.
func (in LinkInput) request(amount money.Amount) holdfast.ReserveRequest {
	root := in.Hold.Root()
	r := holdfast.ReserveRequest{
		SenderTokenID: root.Token, RecipientTokenID: root.RecipientToken, TransactionAmount: amount,
		CallerReference: in.Reference, CallerDescription: root.CallerDescription, SenderDescription: root.SenderDescription,
		ChargeFeeTo: root.FeeBy,
	}
	if root.Terms.Variable > 0 {
		r.MarketplaceVariableFee = root.Terms.Variable.Percent()
	}
	return r
}

// link begins a linked hold. It lives as long as the hold was to live at first.
// The root changes with it, so that two decisions on a hold meet there.
func (in LinkInput) link(l Link, t Transaction) Change {
	root := in.Hold.Root()
	t.Parent, t.Link, t.Descriptor, t.Terms = root.ID, l, root.Descriptor, root.Terms
	if t.Terms.any() {
		t.CommissionID = in.CommissionID
	}
	t.Deadline = in.Now.Add(min(root.Deadline.Sub(root.Received), ReserveLifeMax))
	c := t.begun(VerbReserve, in.Now, holdfast.CodePendingNetworkResponse, messagePending)
	c.ask(StepAuthorize)
	after := in.Root
	after.Linked++
	c.Root = &OriginalChange{in.Root, after}
	return c
}

const (
	messageHoldEnded   = "The hold had ended before the card network approved its raise. Nothing more is held."
	messageHoldChanged = "The hold had changed before the card network approved its renewal. It was not renewed."
)

// Join decides what the network's answer to a raise or a renewal means for the
// hold, which is as it is at now. c is the outcome for the linked hold by itself.
// Limits are those that count it. replaced are the changes of the members that
// an approved renewal replaces; they are written in the same commit.
func (h Hold) Join(
	c Change, answer Answer, limits []Limit, now time.Time,
) (joined Change, replaced []Change) {
	t := c.Before
	switch {
	case c.Verb == VerbDecline && t.Link == LinkRenew && h.Deadline().After(now):
		c.After.StatusMessage += " The hold is as it was, and can be settled until " + stamp(h.Deadline()) + "."
	case c.Verb != VerbApprove:
	case t.Link == LinkRaise && h.State() != HoldHeld && h.State() != HoldSettling && h.State() != HoldSettled:
		return t.unjoined(answer, messageHoldEnded, now), nil
	case t.Link == LinkRenew:
		return h.renewedBy(c, answer, limits, now)
	}
	return c, nil
}

// unjoined gives up a linked hold that the network has approved too late for its
// hold.
func (t Transaction) unjoined(answer Answer, message string, now time.Time) Change {
	c := Change{Before: t, After: t.answered(StepAuthorize, answer), At: now}
	c.After.Authorization = answer.Authorization
	c.done(VerbDecline, now, holdfast.CodeTransactionDenied, message)
	c.giveUpHold(answer.Gone)
	return c
}

// CheckRaise refuses a raise that is invalid whatever hold it names. Such a
// request is not recorded, and its reference stays free.
func CheckRaise(amount money.Amount, caller party.Caller) error {
	if err := amountFor("Amount", holdfast.MethodCC, amount); err != nil || caller.Network == "" {
		return err
	}
	return checkNetworkAmount("Amount", amount)
}
