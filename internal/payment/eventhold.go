package payment

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// A HoldStep is a change of a member or a part of a hold.
type HoldStep struct {
	Change
	Refunded bool // only the total of refunds has changed
}

// joint reports whether the transaction is one of several that are one hold.
func (t *Transaction) joint() bool {
	return t.Kind == KindPart || t.Kind == KindReserve && (t.Link != "" || t.Linked > 0 || t.Parted() || t.Taking.Positive())
}

// Joint reports whether the change is one of a hold that has several members or
// parts. All such changes of an action are told together, when all of them are
// known.
func (c *Change) Joint() bool { return c.Before.joint() || c.After.joint() }

// Joint reports whether the payment belongs to a hold that has several members or
// parts.
func (c *OriginalChange) Joint() bool { return c.After.joint() }

// Member is the id of the member of the hold that the step belongs to.
func (s *HoldStep) Member() holdfast.TransactionID {
	if s.After.Kind == KindPart {
		return s.After.Parent
	}
	return s.After.ID
}

// Tell returns the events of a hold after some steps of one action. They have no
// numbers yet.
func (h Hold) Tell(steps []HoldStep) (all []Event) {
	over := h.over()
	ends := false
	var last time.Time
	for i := range steps {
		s := &steps[i]
		kind, payment := s.told(over)
		ends = ends || over && s.ends()
		last = s.At
		if kind == "" || payment == "" && slices.ContainsFunc(all, func(e Event) bool { return e.Type == kind }) {
			continue
		}
		all = append(all, h.event(kind, s.At, func(d *HoldData) { d.Payment = payment }))
	}
	if ends {
		all = append(all, h.event(h.endEvent(), last, nil))
	}
	return all
}

// over reports whether nothing of the hold is open or under way.
func (h Hold) over() bool {
	switch h.State() {
	case HoldSettled, HoldReleased, HoldExpired, HoldFailed:
		return true
	case HoldPending, HoldHeld, HoldSettling:
	}
	return false
}

// endEvent is the event of the end of a hold.
func (h Hold) endEvent() EventType {
	switch h.State() {
	case HoldReleased:
		return EventHoldReleased
	case HoldExpired:
		return EventHoldExpired
	case HoldFailed:
		return EventHoldSettleFailed
	case HoldSettled, HoldPending, HoldHeld, HoldSettling:
	}
	return EventHoldSettled
}

// told is what a step tells of its hold, with the id of the payment if the step is
// one of a part. over says that the hold has ended: then its end is told, too.
func (s *HoldStep) told(over bool) (kind EventType, payment string) {
	switch {
	case s.Refunded:
		return EventHoldRefunded, ""
	case s.Replaced || !s.Effective():
		return "", ""
	case s.After.Kind == KindPart:
		return s.toldOfPart(), string(s.After.ID)
	case s.After.Link != "" && s.Before.State == Pending:
		return s.toldOfLink(), ""
	}
	switch s.Verb {
	case VerbSettle:
		return EventHoldSettling, ""
	case VerbLower:
		return EventHoldLowered, ""
	case VerbCapture:
		if !over {
			return EventHoldPartSettled, string(s.After.ID)
		}
	case VerbCaptureDecline:
		if !over {
			return EventHoldPartFailed, string(s.After.ID)
		}
	case VerbCancel, VerbExpire, VerbClose:
		if released := less(s.Before.Amount, s.Before.Taken, s.Before.Lowered); !over && released.Positive() {
			return EventHoldLowered, ""
		}
	case VerbReserve, VerbPay, VerbTransfer, VerbRefund, VerbApprove, VerbCharge, VerbReturn, VerbDecline, VerbTimeOut,
		VerbLateCharge, VerbLateReturn:
	}
	return "", ""
}

// toldOfPart is what a step of a part tells of its hold. The hold of a part that
// begins is being settled.
func (s *HoldStep) toldOfPart() EventType {
	switch s.After.State {
	case Success:
		return EventHoldPartSettled
	case Failure:
		return EventHoldPartFailed
	case None, Pending, Reserved, Settling, Cancelled:
	}
	return EventHoldSettling
}

// toldOfLink is what the outcome of a raise or a renewal tells of its hold.
func (s *HoldStep) toldOfLink() EventType {
	approved, failed := EventHoldRaised, EventHoldRaiseFailed
	if s.After.Link == LinkRenew {
		approved, failed = EventHoldRenewed, EventHoldRenewFailed
	}
	if s.After.State == Reserved {
		return approved
	}
	return failed
}

// ends reports whether the step ended a member that the network held, or a part.
func (s *HoldStep) ends() bool {
	return !s.Refunded && !s.Replaced && s.Effective() && s.After.State.Final() &&
		(s.After.Link == "" || s.Before.State != Pending)
}

// event is an event of the hold. change adds to its data, unless it is nil.
func (h Hold) event(kind EventType, at time.Time, change func(*HoldData)) Event {
	d := h.data()
	if change != nil {
		change(&d)
	}
	root := h.Root()
	return Event{Caller: root.Caller, Type: kind, ObjectID: string(root.ID), At: at, Data: encoded(d)}
}
