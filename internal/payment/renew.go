package payment

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// Renew decides whether the open amount of the hold may be held anew. The new
// hold comes first: only its approval ends the members that it replaces. So a
// decline changes nothing.
//
// The renewal takes over the use of the members that it replaces. So it counts
// in the limits of the token only from its approval on; see [Hold.Join].
func (in LinkInput) Renew() (Change, error) {
	if err := in.open("renewed"); err != nil {
		return Change{}, err
	}
	if in.Token.Type == holdfast.TokenSingleUse {
		return Change{}, holdfast.Errorf(holdfast.InvalidTokenType,
			"hold %s cannot be renewed: its token was for one payment, and a renewal needs a multi-use token", in.Hold.ID())
	}
	pending := func(t Transaction) bool { return t.State == Pending }
	switch {
	case in.Hold.settling():
		return Change{}, holdfast.Errorf(holdfast.OriginalTransactionIncomplete,
			"hold %s cannot be renewed yet: a settle of it is under way", in.Hold.ID())
	case slices.ContainsFunc(in.Hold.Members, pending):
		return Change{}, holdfast.Errorf(holdfast.OriginalTransactionIncomplete,
			"hold %s cannot be renewed yet: the card network has not answered its raise", in.Hold.ID())
	}
	t, err := in.unlimited(KindReserve, in.request(in.Hold.Open()))
	if err != nil {
		return Change{}, err
	}
	if _, exceeded := takeOver(in.Limits, in.Hold.open(), t.Amount, in.Now); exceeded != nil {
		return Change{}, exceeded.refusal()
	}
	c := in.link(LinkRenew, t)
	c.After.Counted = len(in.Limits) > 0
	return c, nil
}

// settling reports whether the network was asked to capture a part of the hold.
func (h Hold) settling() bool { return slices.ContainsFunc(h.Members, Transaction.capturing) }

// takeOver counts a renewal against every limit, and takes off what the replaced
// members have counted. exceeded is the first limit that does not allow it. A
// limit never refuses a renewal that adds nothing to it.
func takeOver(limits []Limit, replaced []Transaction, amount money.Amount, now time.Time) (
	changes []LimitChange, exceeded *Limit,
) {
	for _, l := range limits {
		without := l
		for _, m := range replaced {
			without = without.GiveBack(m.Open(), m.Received, !m.Parted())
		}
		after, ok := without.Use(amount, now)
		if was := l.At(now); !ok && (after.UsedCount > was.UsedCount || after.UsedAmount.Cmp(was.UsedAmount) > 0) {
			return nil, &l
		}
		changes = append(changes, LimitChange{Before: l, After: after})
	}
	return changes, nil
}

// RenewalGivenUp is the outcome of a renewal that the network has approved although
// its hold cannot be replaced.
func (t Transaction) RenewalGivenUp(answer Answer, now time.Time) Change {
	return t.unjoined(answer, messageHoldChanged, now)
}

// renewedBy ends the members that an approved renewal replaces. If they are not
// open any more as they were when the renewal began, it is given up: the hold
// was settled, released, changed or expired meanwhile.
func (h Hold) renewedBy(
	c Change, answer Answer, limits []Limit, now time.Time,
) (joined Change, replaced []Change) {
	t, open := c.Before, h.open()
	if h.Open().Cmp(t.Amount) != 0 || h.settling() || answer.Gone {
		return t.RenewalGivenUp(answer, now), nil
	}
	if t.Counted {
		var exceeded *Limit
		if c.Limits, exceeded = takeOver(limits, open, t.Amount, now); exceeded != nil {
			return t.RenewalGivenUp(answer, now), nil
		}
	}
	for _, m := range open {
		replaced = append(replaced, m.replacedBy(t.ID, now))
	}
	return c, replaced
}

// replacedBy ends a member that a renewal replaces.
func (t Transaction) replacedBy(renewal holdfast.TransactionID, now time.Time) (c Change) {
	message := "The hold was renewed by transaction " + string(renewal) + "."
	if t.Parted() {
		c = t.closed(now, message)
	} else {
		c = t.step(VerbCancel, now, holdfast.CodeCanceled, message)
		c.release()
	}
	c.Replaced = true
	return c
}
