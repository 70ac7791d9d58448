package payment

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A Link says how a Reserve that belongs to an earlier one changes the hold.
type Link string

// A raise holds a further amount. A renewal holds the open amount of the hold
// anew and replaces its other members.
const (
	LinkRaise Link = "Raise"
	LinkRenew Link = "Renew"
)

// A Hold is a Reserve together with the Reserves that have raised or renewed
// it, shown as one. Its id is the id of the first Reserve, the root.
type Hold struct {
	Members []Transaction // the root, then the linked holds, the oldest first
	Parts   []Transaction // the settles of parts of the members, the oldest first
}

// A HoldState is the state of a hold as a whole.
type HoldState string

// The states. A hold is held as long as a part of it can be settled.
const (
	HoldPending  HoldState = "pending"  // the network was asked to hold the amount
	HoldHeld     HoldState = "held"     // an amount can be settled
	HoldSettling HoldState = "settling" // nothing is left to settle, and the network was asked to capture
	HoldSettled  HoldState = "settled"  // ended, and at least a part was paid
	HoldReleased HoldState = "released" // ended by the caller, and nothing was paid
	HoldExpired  HoldState = "expired"  // ended by its deadline, and nothing was paid
	HoldFailed   HoldState = "failed"   // declined
)

// HoldStates lists every state.
var HoldStates = []HoldState{
	HoldPending, HoldHeld, HoldSettling, HoldSettled, HoldReleased, HoldExpired, HoldFailed,
}

// root is the id of the hold that a Reserve belongs to.
func (t Transaction) root() holdfast.TransactionID {
	if t.Link != "" {
		return t.Parent
	}
	return t.ID
}

// Root is the first Reserve of the hold.
func (h Hold) Root() Transaction { return h.Members[0] }

// ID is the id of the hold.
func (h Hold) ID() holdfast.TransactionID { return h.Members[0].ID }

// AsOf is the hold as it is at the given time, even if expiries are not written
// yet.
func (h Hold) AsOf(now time.Time) Hold {
	h.Members = slices.Clone(h.Members)
	for i, m := range h.Members {
		if c, due := m.Expire(now); due {
			h.Members[i] = c.After
			h.Members[i].Steps++ // as after the expiry is written
		}
	}
	return h
}

// approved reports whether the network has held the amount of a Reserve. The
// second step of a Reserve is its approval or its end.
func (t Transaction) approved() bool {
	switch t.State {
	case Reserved, Settling, Success:
		return true
	case Failure, Cancelled:
		return t.Steps > 2
	case None, Pending:
	}
	return false
}

// uses is what a member of a hold uses of its token's amount.
func (t Transaction) uses() money.Amount {
	switch t.State {
	case Pending, Reserved, Settling:
		return less(t.Amount, t.Lowered)
	case Success:
		return t.Settled
	case None, Failure, Cancelled:
	}
	return money.Micros(0)
}

// open are the members of which an amount can still be settled, the earliest
// deadline first.
func (h Hold) open() (open []Transaction) {
	for _, m := range h.Members {
		if m.Open().Positive() {
			open = append(open, m)
		}
	}
	slices.SortStableFunc(open, byDeadline)
	return open
}

func byDeadline(a, b Transaction) int {
	return cmp.Or(a.Deadline.Compare(b.Deadline), cmp.Compare(a.ID, b.ID))
}

func sum(all []Transaction, of func(Transaction) money.Amount) money.Amount {
	total := money.Micros(0)
	for _, t := range all {
		total = total.Add(of(t))
	}
	return total
}

// Amount is what was held in all: the amount of the root and of each raise that
// the network approved.
func (h Hold) Amount() money.Amount {
	return h.Root().Amount.Add(sum(h.Members[1:], func(t Transaction) money.Amount {
		if t.Link != LinkRaise || !t.approved() {
			return money.Micros(0)
		}
		return t.Amount
	}))
}

// Open is the amount that can still be settled.
func (h Hold) Open() money.Amount { return sum(h.Members, Transaction.Open) }

// Held is the amount that the network holds. It includes amounts whose settle
// the network has not answered.
func (h Hold) Held() money.Amount { return sum(h.Members, Transaction.Held) }

// Settled is the amount that was paid.
func (h Hold) Settled() money.Amount { return sum(h.Members, Transaction.Charged) }

// Released is the amount that was held and is the sender's again. What a renewal
// has replaced is not released.
func (h Hold) Released() money.Amount {
	if !slices.ContainsFunc(h.Members, Transaction.approved) {
		return money.Micros(0)
	}
	return h.Amount().Sub(h.Held()).Sub(h.Settled())
}

// Refunded is the amount that was paid and then refunded, or is being refunded.
func (h Hold) Refunded() money.Amount {
	refunded := func(t Transaction) money.Amount { return t.Refunded }
	return sum(h.Members, refunded).Add(sum(h.Parts, refunded))
}

// Deadline is the earliest deadline of the open members, or that of the root
// while the hold is pending. It is zero if nothing can be settled.
func (h Hold) Deadline() time.Time {
	if open := h.open(); len(open) > 0 {
		return open[0].Deadline
	}
	if h.State() == HoldPending {
		return h.Root().Deadline
	}
	return time.Time{}
}

// EndsFirst is the open member with the earliest deadline, or the root if none is
// open.
func (h Hold) EndsFirst() Transaction {
	if open := h.open(); len(open) > 0 {
		return open[0]
	}
	return h.Root()
}

// State is the state of the hold as a whole. A raise or a renewal that the
// network has not answered does not change it.
func (h Hold) State() HoldState {
	switch {
	case h.Open().Positive():
		return HoldHeld
	case h.settling():
		return HoldSettling
	case h.Root().State == Pending:
		return HoldPending
	case h.Settled().Positive():
		return HoldSettled
	}
	return h.last().ended()
}

// last is the member that ended last of those that the network held. It is the
// root if it held none.
func (h Hold) last() Transaction {
	last := h.Root()
	for _, m := range h.Members[1:] {
		if m.approved() && !m.Completed.Before(last.Completed) {
			last = m
		}
	}
	return last
}

// ended is the state of a hold that ended with this member, without a payment.
func (t Transaction) ended() HoldState {
	switch {
	case t.State == Failure:
		return HoldFailed
	case t.StatusCode == holdfast.CodeExpired:
		return HoldExpired
	}
	return HoldReleased
}

// A HoldFilter selects holds. Its zero value selects all.
type HoldFilter struct {
	State     HoldState                // empty means any
	Reference holdfast.CallerReference // of the hold, or of its raise, renewal or settle; empty means any

	// Each From is included and each To is not. Zero means no bound. A hold that
	// cannot be settled any more has no deadline.
	DeadlineFrom, DeadlineTo time.Time
	CreatedFrom, CreatedTo   time.Time
	// Both bounds of the amount are included. Not given means no bound.
	AmountFrom, AmountTo money.Amount
}

// ByDeadline reports whether the filter selects only holds that have a
// deadline. They are listed by it.
func (f HoldFilter) ByDeadline() bool {
	return f.State == HoldHeld || f.State == HoldPending || !f.DeadlineFrom.IsZero() || !f.DeadlineTo.IsZero()
}

// Selects reports whether the filter selects a hold. It does not look at the
// reference: the reader finds the hold by it.
func (f HoldFilter) Selects(h Hold) bool {
	within := func(at, from, to time.Time) bool {
		return (from.IsZero() || !at.Before(from)) && (to.IsZero() || at.Before(to))
	}
	deadline, amount := h.Deadline(), h.Amount()
	switch {
	case f.State != "" && h.State() != f.State:
		return false
	case f.ByDeadline() && (deadline.IsZero() || !within(deadline, f.DeadlineFrom, f.DeadlineTo)):
		return false
	case !within(h.Root().Received, f.CreatedFrom, f.CreatedTo):
		return false
	case f.AmountFrom.Given() && amount.Cmp(f.AmountFrom) < 0:
		return false
	}
	return !f.AmountTo.Given() || amount.Cmp(f.AmountTo) <= 0
}
