package payment

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// Sizes of a page of GetAccountActivity. A page looks at a limited number of
// transactions, however few the filter selects. So a page costs the same in a
// small account and in a very large one.
const (
	ActivityBatchDefault = 20
	ActivityBatchMax     = 200
	ActivityScanMax      = 5000
)

// An ActivityFilter selects transactions of an account. A zero field does not
// restrict the selection.
type ActivityFilter struct {
	Start, End time.Time // received at or after Start, and before End
	Ascending  bool      // oldest first
	Operation  holdfast.Operation
	Method     holdfast.PaymentMethod
	Roles      []holdfast.Role // at least one of them; none means any
	Status     holdfast.TransactionStatus
	BatchMax   int
}

// An Activity builds one page of an account's transactions. The caller of Add
// passes them in the filter's order.
//
// A page always ends between two milliseconds, because the next page is
// requested by a time in milliseconds. If a page ended inside a millisecond,
// the rest of its transactions would be shown twice or never.
type Activity struct {
	Filter  ActivityFilter
	Account party.ID
	// Own means that the account's owner reads the page. It then includes private
	// transactions, which callers do not see, and the parts of holds. For a caller, a
	// hold that was settled in parts is one Settle, as if it had no parts.
	Own bool
	// Matches further restricts what the filter selects; nil does not.
	Matches func(Transaction) bool

	Rows []Transaction
	// Next is the first millisecond that is not in the page. It is zero on the
	// last page.
	Next time.Time

	scanned     int
	first, last time.Time // milliseconds of the transactions scanned
}

// Add takes the next transaction in its present state, and reports whether the
// page can take more.
func (a *Activity) Add(t Transaction) (more bool) {
	at := t.Received.Truncate(time.Millisecond)
	if a.full() && !a.cut(at) {
		return false
	}
	if a.scanned == 0 {
		a.first = at
	}
	a.scanned++
	a.last = at
	if a.selects(t) {
		a.Rows = append(a.Rows, t)
	}
	return true
}

func (a *Activity) full() bool {
	return len(a.Rows) >= a.Filter.BatchMax || a.scanned >= ActivityScanMax
}

// cut ends a full page before the current transaction. It reports goOn if that
// is impossible: if one millisecond fills the page by itself, the page takes
// all of that millisecond.
func (a *Activity) cut(at time.Time) (goOn bool) {
	if at.Equal(a.last) {
		if a.first.Equal(at) {
			return true
		}
		a.Rows = slices.DeleteFunc(a.Rows,
			func(t Transaction) bool { return t.Received.Truncate(time.Millisecond).Equal(at) })
	}
	a.Next = at
	return false
}

func (a *Activity) selects(t Transaction) bool {
	f := a.Filter
	roles := t.Roles(a.Account)
	switch {
	case len(roles) == 0, t.Private() && (!a.Own || t.Recipient != a.Account), t.Kind == KindPart && !a.Own:
		return false
	case f.Operation != "" && t.Operation() != f.Operation,
		f.Method != "" && t.Method != f.Method,
		f.Status != "" && t.State.Status() != f.Status:
		return false
	}
	if len(f.Roles) > 0 && !slices.ContainsFunc(roles, func(r holdfast.Role) bool { return slices.Contains(f.Roles, r) }) {
		return false
	}
	return a.Matches == nil || a.Matches(t)
}

// Shorten reduces a page to at most batchMax rows, as if it had been read with
// that limit. Next is then the time of the first row that was cut off.
func (a *Activity) Shorten(batchMax int) {
	short := Activity{Filter: a.Filter, Account: a.Account, Own: a.Own}
	short.Filter.BatchMax = batchMax
	for _, t := range a.Rows {
		if !short.Add(t) {
			a.Next = short.Next
			break
		}
	}
	a.Rows, a.Filter.BatchMax = short.Rows, batchMax
}

// Totals are the sums of an account's transactions.
type Totals struct {
	Paid, Received money.Amount
	Held, Awaited  money.Amount // on hold: to be paid by the account, and to it
	// OfInstruments is the sum of purchases from prepaid balances and on credit,
	// less refunds. Payments that fund or settle the instruments are in Paid and
	// Received.
	OfInstruments money.Amount
}

// Totals adds up the page's rows. It leaves out money of other parties that the
// account's callers only moved. A refund from which the marketplace gives back
// a part of its fee counts this part too, for the marketplace and the seller.
func (a *Activity) Totals() Totals {
	none := money.Micros(0)
	sums := Totals{Paid: none, Received: none, Held: none, Awaited: none, OfInstruments: none}
	for _, t := range a.Rows {
		switch flow := t.Flow(a.Account); {
		case flow != 0 && t.OfInstrument() && t.Kind == KindRefund:
			sums.OfInstruments = sums.OfInstruments.Sub(t.Current())
		case flow != 0 && t.OfInstrument():
			sums.OfInstruments = sums.OfInstruments.Add(t.Current())
		case flow < 0:
			sums.Paid = sums.Paid.Add(t.Current())
		case flow > 0:
			sums.Received = sums.Received.Add(t.Current())
		case t.State == Reserved && t.Sender == a.Account:
			sums.Held = sums.Held.Add(t.Held())
		case t.State == Reserved && t.Recipient == a.Account:
			sums.Awaited = sums.Awaited.Add(t.Held())
		}
		if t.Kind == KindRefund && t.State == Success && t.Recipient != t.Owner {
			back := none.Sub(t.Commission)
			if a.Account == t.Recipient {
				sums.Received = sums.Received.Add(back)
			}
			if a.Account == t.Owner {
				sums.Paid = sums.Paid.Add(back)
			}
		}
	}
	return sums
}

// Roles returns the roles that an account has in the transaction.
func (t Transaction) Roles(account party.ID) (roles []holdfast.Role) {
	for _, part := range []struct {
		party party.ID
		role  holdfast.Role
	}{
		{t.Sender, holdfast.RoleSender},
		{t.Recipient, holdfast.RoleRecipient},
		{t.Owner, holdfast.RoleCaller},
	} {
		if part.party == account {
			roles = append(roles, part.role)
		}
	}
	return roles
}

// Flow is the direction in which a transaction has moved an account's money: -1
// away from it, 1 to it. It is 0 if the account only started the transaction.
// It is also 0 if no money has moved: it is held, in progress, or the
// transaction failed, or the account paid itself. The parts of a hold move its
// money, and the hold itself moves none.
func (t Transaction) Flow(account party.ID) int {
	flow := 0
	switch account {
	case t.Sender:
		flow = -1
	case t.Recipient:
		flow = 1
	}
	switch {
	case t.State != Success || t.Kind == KindWriteOffDebt || t.toItself() || t.Parted():
		return 0
	case t.Kind == KindRefund, t.Kind == KindOutsideRefund, t.Kind == KindDispute,
		t.Kind == KindDeposit: // a deposit's sender is its recipient
		return -flow
	}
	return flow
}

// toItself reports whether an account paid itself, such as the fee of a
// marketplace for its own item. A deposit brings money from outside.
func (t Transaction) toItself() bool { return t.Sender == t.Recipient && t.Kind != KindDeposit }
