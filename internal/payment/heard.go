package payment

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A network says by itself that something about a payment has changed. The
// payment is then looked at, and the books are brought to what was found, one
// step at a time. Each step depends only on the books and on what was found. So
// it does not matter in which order messages come, how often, and which are
// missing.
//
// What was found may be old when the step is written, because another server has
// looked later. So after each step the network is looked at again: the last step
// always agrees with a look that came after it.

// A HeardInput has everything that a step depends on.
type HeardInput struct {
	ID          holdfast.TransactionID // for a transaction that the step makes
	Account     NetworkAccountID
	Transaction Transaction   // that the payment at the network belongs to
	Attention   string        // see Details.Attention
	Children    []Transaction // its refunds and disputes, and the reversals of refunds
	Disputes    Disputes
	Found       PaymentFound
	Now         time.Time
}

// A Heard is one step towards what was found at a network. Any of its parts may
// be empty.
type Heard struct {
	Change    *Change
	Dispute   *Dispute // to be written as it is here
	Attention string   // of the payment, from now on
	Notices   []NetworkNotice
}

// settleAge is how long the books and the network may differ in something that
// this server has asked for: the answer may be under way.
const settleAge = time.Hour

// Due are the transactions whose open question the finding may answer. The
// network is asked again now, and its answer runs through Transaction.Outcome.
func (in HeardInput) Due() (due []Transaction) {
	if in.Transaction.Asking != "" {
		due = append(due, in.Transaction)
	}
	for _, r := range in.Found.Refunds {
		if child, found := in.refundOf(r); found && child.Asking != "" && (r.Paid || r.Failed) {
			due = append(due, child)
		}
	}
	return due
}

// Next returns the next step. more is false if the books have everything that
// was found. later is true if a part of it cannot be booked yet, and must be
// looked at again.
func (in HeardInput) Next() (h Heard, more, later bool) {
	if in.Transaction.Asking != "" {
		return Heard{}, false, in.followed() // the answer decides
	}
	switch in.Transaction.State {
	case Reserved:
		if in.Transaction.Taking.Positive() {
			return Heard{}, false, true // the answer to the part decides first
		}
		h, more = in.reserved()
	case Failure, Cancelled:
		return in.ended()
	case Success:
		return in.success()
	case None, Pending, Settling:
		later = in.followed()
	}
	return h, more, later
}

// followed reports whether something was found that only follows a payment, and
// that no question about the payment answers. The books can have it after the
// answer.
func (in HeardInput) followed() bool {
	own := in.Transaction.attempt(StepReturn, AttemptOpen, 0).Key()
	return in.Found.Warned || len(in.Found.Disputes) > 0 ||
		slices.ContainsFunc(in.Found.Refunds, func(r RefundFound) bool { return !r.Failed && !r.Rest && r.Key != own })
}

// reserved decides about a hold that was neither settled nor cancelled here.
func (in HeardInput) reserved() (Heard, bool) {
	t := in.Transaction
	switch {
	case in.Found.Captured != t.Taken.Micro && (in.Found.Captured == 0 || in.Found.Kept() > 0):
		return in.attention(fmt.Sprintf("The card network captured %v of the hold, and not by a Settle. To keep the money, "+
			"settle this amount. To give it back, refund it at the card network and cancel the hold.",
			money.Micros(in.Found.Captured)))
	case in.Found.Ended:
		c := t.Gone(in.Now)
		return Heard{Change: &c}, true
	}
	return Heard{}, false
}

// ended decides about a payment that failed or was cancelled.
func (in HeardInput) ended() (h Heard, more, later bool) {
	t := in.Transaction
	asked := func(step Step) bool { return strings.Contains(string(t.Answers), string(step)+":") }
	switch {
	case in.Found.Held > 0 && !asked(StepRelease):
		c := Change{Before: t, After: t, At: in.Now}
		c.After.Authorization = cmp.Or(t.Authorization, in.Found.Reference)
		c.ask(StepRelease)
		return Heard{Change: &c}, true, false
	case in.Found.Held > 0 && in.Now.Sub(t.Completed) < settleAge: // it may have been looked at before the release
		return Heard{}, false, true
	case in.Found.Held > 0:
		h, more = in.attention("The card network still holds the amount, although it was asked to release it.")
	case slices.ContainsFunc(in.Found.Refunds, func(r RefundFound) bool {
		return r.Failed && r.Key == t.attempt(StepReturn, AttemptOpen, 0).Key()
	}):
		h, more = in.attention("The card network could not pay back the amount, although the payment has ended without it.")
	case in.Found.Kept() > 0 && !asked(StepReturn):
		h, more = in.attention("The card network took the amount, although the payment has ended without it.")
	}
	return h, more, false
}

// attention asks for a person, once.
func (in HeardInput) attention(problem string) (Heard, bool) {
	if in.Attention != "" {
		return Heard{}, false
	}
	return Heard{Attention: problem, Notices: []NetworkNotice{
		in.notice(AboutAttention, in.Transaction.Current(), in.Found.Reference),
	}}, true
}

func (in HeardInput) notice(about NetworkAbout, amount money.Amount, reference string) NetworkNotice {
	return NetworkNotice{About: about, Transaction: in.Transaction, Amount: amount, Reference: reference}
}

// success decides about a payment that was paid: its refunds and its disputes.
func (in HeardInput) success() (h Heard, more, later bool) {
	for _, r := range in.Found.Refunds {
		h, more, wait := in.refund(r)
		if more {
			return h, true, later
		}
		later = later || wait
	}
	for _, d := range in.Found.Disputes {
		if h, more := in.dispute(d); more {
			return h, true, later
		}
	}
	if in.Found.Warned {
		id := "warning_" + in.Found.Reference
		if _, known := in.Disputes.Find(id); !known {
			d := in.disputeOf(DisputeFound{Reference: id, Status: warningStatus, At: in.Found.At})
			return Heard{Dispute: &d, Notices: []NetworkNotice{
				in.notice(AboutWarning, in.Transaction.Current(), in.Found.Reference),
			}}, true, later
		}
	}
	if in.Found.Captured > 0 && in.Found.Captured != in.Transaction.Current().Micro {
		h, more = in.attention(fmt.Sprintf("The card network took %v, and not %v.", money.Micros(in.Found.Captured),
			in.Transaction.Current()))
	}
	return h, more, later
}

// refundOf returns the transaction that a refund at the network belongs to.
func (in HeardInput) refundOf(r RefundFound) (Transaction, bool) {
	i := slices.IndexFunc(in.Children, func(c Transaction) bool {
		return c.Kind == KindOutsideRefund && c.Authorization == r.Reference
	})
	if i < 0 {
		i = slices.IndexFunc(in.Children, func(c Transaction) bool {
			return c.Kind == KindRefund && c.attempt(StepReturn, AttemptOpen, 0).Key() == r.Key
		})
	}
	if i < 0 {
		return Transaction{}, false
	}
	return in.Children[i], true
}

// refund decides about one refund at the network.
func (in HeardInput) refund(r RefundFound) (h Heard, more, later bool) {
	if r.Rest {
		return Heard{}, false, false
	}
	child, known := in.refundOf(r)
	switch {
	case known && child.Asking != "":
		return Heard{}, false, false // the answer decides
	case known && child.State == Success && r.Failed && !in.reversed(child):
		c := in.reverse(child)
		return Heard{Change: &c, Notices: []NetworkNotice{in.notice(AboutRefundFailed, child.Amount, r.Reference)}}, true,
			false
	case known && child.State == Success, r.Failed:
		return Heard{}, false, false
	case !known && r.Key != "" && in.Now.Sub(r.At) < settleAge:
		return Heard{}, false, true
	}
	// Nobody here has paid it back: it was made at the network, or its transaction
	// failed here or is not in a restored backup.
	amount := money.Micros(r.Micro)
	if !amount.Positive() || amount.Cmp(in.Transaction.Current().Sub(in.Transaction.Refunded)) > 0 {
		return Heard{}, false, true // a refund that is under way here has to end first
	}
	c := in.child(KindOutsideRefund, in.Transaction, amount, messageOutside)
	c.After.Authorization = r.Reference
	after := in.Transaction
	after.Refunded = after.Refunded.Add(amount)
	c.Original = &OriginalChange{in.Transaction, after}
	return Heard{Change: &c, Notices: []NetworkNotice{in.notice(AboutOutsideRefund, amount, r.Reference)}}, true, false
}

func (in HeardInput) reversed(refund Transaction) bool {
	return slices.ContainsFunc(in.Children, func(c Transaction) bool {
		return c.Kind == KindRefundReversal && c.Parent == refund.ID
	})
}

// reverse gives the amount of a refund that failed after its success back to the
// recipient. The payment can be refunded again.
func (in HeardInput) reverse(refund Transaction) Change {
	c := in.child(KindRefundReversal, refund, refund.Amount, messageReversed)
	none := money.Micros(0)
	c.After.Fee, c.After.FeeBy = none.Sub(refund.Fee), refund.FeeBy
	c.After.Commission = none.Sub(refund.Commission)
	c.Postings = move(c.After.transferPostings())
	c.Original = &OriginalChange{in.Transaction, in.Transaction.refundedBy(refund, -1)}
	return c
}

// child makes a transaction that the network has made by itself.
func (in HeardInput) child(k Kind, parent Transaction, amount money.Amount, message string) Change {
	p := in.Transaction
	t := Transaction{
		ID: in.ID, Caller: p.Caller, Kind: k, Reference: parent.Reference, Parent: parent.ID, Sender: p.Sender,
		Recipient: p.Recipient, Owner: p.Owner, Instrument: p.Instrument, Method: p.Method, Amount: amount,
		FeeBy: holdfast.RoleRecipient, Received: in.Now,
	}.withNoAmounts()
	c := t.begun(VerbTransfer, in.Now, holdfast.CodeSuccess, message)
	c.Postings = move(c.After.transferPostings())
	return c
}

// dispute decides about one dispute.
func (in HeardInput) dispute(found DisputeFound) (h Heard, more bool) {
	before, known := in.Disputes.Find(found.Reference)
	d := in.disputeOf(found)
	switch {
	case known && found.Inquiry && (before.Booked != "" || before.Won):
		return Heard{}, false // it was looked at before it became a dispute
	case known && !before.Open && d.Open && (found.Inquiry || before.Booked != "" || before.Won):
		return Heard{}, false // it was looked at before it was decided
	}
	if known {
		d.Amount, d.Booked, d.Returned, d.Opened = before.Amount, before.Booked, before.Returned, before.Opened
	}
	notice := func(about NetworkAbout) {
		n := in.notice(about, d.Amount, d.ID)
		n.Reason, n.Due = d.Reason, d.Due
		h.Notices = append(h.Notices, n)
	}
	switch {
	case !found.Inquiry && !found.Won && d.Booked == "":
		d.Amount = in.disputeOf(found).Amount // an inquiry may have been about less
		c := in.child(KindDispute, in.Transaction, d.Amount, messageDisputed)
		c.After.Authorization = d.ID
		h.Change, d.Booked = &c, in.ID
		notice(AboutDispute)
		if found.Lost {
			notice(AboutDisputeLost)
		}
	case found.Won && d.Booked != "" && d.Returned == "":
		c := in.child(KindDisputeReturn, in.Transaction, d.Amount, messageWon)
		c.After.Authorization = d.ID
		h.Change, d.Returned = &c, in.ID
		notice(AboutDisputeWon)
	case found.Lost && d.Returned != "":
		return Heard{}, false
	case found.Lost && before.Open:
		notice(AboutDisputeLost)
	case !known && found.Inquiry && d.Open:
		notice(AboutInquiry)
	case known && same(before, d):
		return Heard{}, false
	}
	h.Dispute = &d
	return h, true
}

func same(a, b Dispute) bool {
	if !a.Due.Equal(b.Due) {
		return false
	}
	a.Due, a.Opened, a.Updated = b.Due, b.Opened, b.Updated
	return a == b
}

// disputeOf is a dispute as the network has it.
func (in HeardInput) disputeOf(found DisputeFound) Dispute {
	t := in.Transaction
	d := Dispute{
		Account: in.Account, ID: found.Reference, Caller: t.Caller, Transaction: t.ID, Amount: money.Micros(found.Micro),
		Reason: found.Reason, Status: found.Status,
		Open: !found.Won && !found.Lost && !found.Closed && found.Status != warningStatus,
		Won:  found.Won && !found.Inquiry,
		Due:  found.Due, Opened: found.At, Updated: in.Now,
	}
	if !d.Amount.Positive() {
		d.Amount = t.Current()
	}
	return d
}
