package payment

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Warning tells a caller that the deadline of a hold is near. There is one for
// each hold and each of the caller's warning times.
type Warning struct {
	Caller      party.CallerID
	Transaction holdfast.TransactionID // the hold; a linked hold has warnings of its own
	Before      time.Duration          // the time before the deadline
	At          time.Time              // when it is due, in the caller's time
	Mail        bool                   // a mail about it is to be written
	MailID      string                 // of the mail that names the hold; empty without one
}

const (
	// WarnedAfter is how long a hold exists before its first warning. A hold that was
	// made shortly before a warning time, or after it, gets no such warning: its
	// caller has just chosen the deadline.
	WarnedAfter = 10 * time.Minute
	// missedAfter is how late a hold may be approved without a look at warnings that
	// it has missed. It is shorter than WarnedAfter.
	missedAfter = 5 * time.Minute
)

// Warnings are the warnings of a hold that are due at now, in the order in which
// they are due. times are the caller's, the longest first. A hold that is not
// open has none.
func (t Transaction) Warnings(times []time.Duration, now time.Time) (due []Warning) {
	if !t.Hold() || t.State != Reserved || t.Deadline.IsZero() {
		return nil
	}
	earliest := t.Received.Add(WarnedAfter)
	for _, before := range times {
		if at := t.Deadline.Add(-before); !at.After(now) && !at.Before(earliest) {
			due = append(due, Warning{Caller: t.Caller, Transaction: t.ID, Before: before, At: at})
		}
	}
	return due
}

// ReachesDeadline reports whether the change ends an open hold because of its
// deadline.
func (c *Change) ReachesDeadline() bool {
	before := &c.Before
	return before.State == Reserved && c.At.Equal(before.Deadline) &&
		(c.Verb == VerbExpire || c.Verb == VerbClose && c.After.rest().Positive())
}

// MayMissWarnings reports whether the change makes a hold open that the search for
// warnings may have passed already: by a late approval, or by the outcome of a
// part.
func (c *Change) MayMissWarnings(caller *party.Caller) bool {
	after := &c.After
	reopened := c.Before.Taking.Positive() && !after.Taking.Positive()
	if !after.Hold() || after.State != Reserved || c.Verb != VerbApprove && !reopened {
		return false
	}
	seen := c.At.Add(missedAfter)
	return !seen.Before(after.Received.Add(WarnedAfter)) && len(after.Warnings(caller.Warnings.Times(), seen)) > 0
}

// A DeadlineData is a hold in an event about its deadline.
type DeadlineData struct {
	HoldData
	Warning WarningData `json:"warning"`
}

// A WarningData says of what an event warns.
type WarningData struct {
	Before   string `json:"before"`   // the time before the deadline, such as "24h"
	Deadline string `json:"deadline"` // of the member
	Member   string `json:"member"`   // the hold itself, or a linked hold
}

// DeadlineNear is the event of a warning about the hold. It has no number yet.
func (h Hold) DeadlineNear(w Warning) Event {
	data := DeadlineData{h.data(), WarningData{
		Before: party.WarningsOf(w.Before).String(), Deadline: eventTime(w.At.Add(w.Before)), Member: string(w.Transaction),
	}}
	return Event{
		Caller: w.Caller, Type: EventHoldDeadlineNear, ObjectID: string(h.ID()), At: w.At, Data: encoded(data),
	}
}

// A DueHold is a hold in a letter about deadlines.
type DueHold struct {
	ID        holdfast.TransactionID
	Reference holdfast.CallerReference
	Amount    money.Amount // that is still held
	Deadline  time.Time    // in the caller's time
}

// A DueNotice is the content of a letter to a caller's owner about holds whose
// deadline is near or has passed.
type DueNotice struct {
	Language string // of the reader's pages, "de-CH"; empty if unknown
	Caller   party.Caller
	Now      time.Time    // the caller's
	Open     []DueHold    // the nearest deadline first
	OpenMore int          // open holds that are not in the list
	Sum      money.Amount // of all open holds
	// Expired are holds that nobody settled in time, and ExpiredMore those that are
	// not in the list.
	Expired     []DueHold
	ExpiredMore int
}

// Add adds a member of a hold as it is now, unless it was settled or given up, and
// reports whether it did. root is the first Reserve of the hold, by which the caller
// knows it.
func (n *DueNotice) Add(t, root Transaction) bool {
	hold := DueHold{ID: root.ID, Reference: root.Reference, Amount: t.rest(), Deadline: t.Deadline}
	switch {
	case !hold.Amount.Positive():
		return false
	case t.State == Reserved:
		n.Open = append(n.Open, hold)
	case t.State == Cancelled && t.StatusCode == holdfast.CodeExpired,
		t.State == Success && t.Taken.Positive() && t.Completed.Equal(t.Deadline):
		n.Expired = append(n.Expired, hold)
	default:
		return false
	}
	return true
}

// Names reports whether the letter names a hold.
func (n *DueNotice) Names(id holdfast.TransactionID) bool {
	is := func(hold DueHold) bool { return hold.ID == id }
	return slices.ContainsFunc(n.Open, is) || slices.ContainsFunc(n.Expired, is)
}

// Empty reports whether there is nothing to tell.
func (n *DueNotice) Empty() bool { return len(n.Open)+len(n.Expired) == 0 }

// Cut adds up the open holds, and leaves at most limit holds in each list, those
// with the nearest deadlines.
func (n *DueNotice) Cut(limit int) {
	n.Sum = money.Micros(0)
	for _, hold := range n.Open {
		n.Sum = n.Sum.Add(hold.Amount)
	}
	n.Open, n.OpenMore = headOf(n.Open, limit)
	n.Expired, n.ExpiredMore = headOf(n.Expired, limit)
}

func headOf(holds []DueHold, limit int) (head []DueHold, more int) {
	slices.SortStableFunc(holds, func(a, b DueHold) int { return a.Deadline.Compare(b.Deadline) })
	if more = len(holds) - limit; more > 0 {
		return holds[:limit], more
	}
	return holds, 0
}
