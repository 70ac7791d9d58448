package payment

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// Sizes of a page of GetAccountActivity. A page looks at a bounded number of
// transactions, whatever it selects, so that it costs the same among few and
// among very many.
const (
	ActivityBatchDefault = 20
	ActivityBatchMax     = 200
	ActivityScanMax      = 5000
)

// An ActivityFilter selects transactions of an account. What is zero does not
// select.
type ActivityFilter struct {
	Start, End time.Time // received from Start on and before End
	Ascending  bool      // the oldest first
	Operation  holdfast.Operation
	Method     holdfast.PaymentMethod
	Roles      []holdfast.Role // any of them
	Status     holdfast.TransactionStatus
	BatchMax   int
}

// An Activity is a page of an account's transactions in the making, for one who
// reads them in the filter's order.
//
// Pages end between two milliseconds, since that is how a page is asked for:
// what one page leaves of a millisecond would be seen twice or not at all.
type Activity struct {
	Filter  ActivityFilter
	Account party.ID
	// Own means that the account itself looks: what came to it and is no caller's
	// to see is there too.
	Own bool
	// Matches selects among what the filter selects; nil selects all of it.
	Matches func(Transaction) bool

	Rows []Transaction
	// Next is the first millisecond that is not in the page; zero when there is
	// none.
	Next time.Time

	scanned     int
	first, last time.Time // milliseconds looked at
}

// Add looks at the next transaction, as it stands by now, and reports whether to
// go on.
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

// cut ends a full page before the transaction at hand, and reports whether it
// could not: a millisecond that fills a page by itself is taken whole.
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
	case len(roles) == 0, t.Private() && (!a.Own || t.Recipient != a.Account):
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

// Shorten makes a page one with at most so many rows, as if it had been read so:
// Next is then where the rows that were cut off begin.
func (a *Activity) Shorten(most int) {
	short := Activity{Filter: a.Filter, Account: a.Account, Own: a.Own}
	short.Filter.BatchMax = most
	for _, t := range a.Rows {
		if !short.Add(t) {
			a.Next = short.Next
			break
		}
	}
	a.Rows, a.Filter.BatchMax = short.Rows, most
}

// Totals are what transactions come to for an account.
type Totals struct {
	Paid, Received money.Amount
	Held, Awaited  money.Amount // on hold: what the account is to pay, and to be paid
	// OfInstruments was bought from prepaid balances and on credit, less refunds. Their
	// funding and settling are in Paid and Received.
	OfInstruments money.Amount
}

// Totals adds up the page's rows. Money that only passed through one of the
// account's callers is not the account's.
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
			sums.Held = sums.Held.Add(t.Current())
		case t.State == Reserved && t.Recipient == a.Account:
			sums.Awaited = sums.Awaited.Add(t.Current())
		}
	}
	return sums
}

// Roles are the parts that an account plays in the transaction.
func (t Transaction) Roles(account party.ID) (roles []holdfast.Role) {
	for _, part := range []struct {
		who  party.ID
		role holdfast.Role
	}{
		{t.Sender, holdfast.RoleSender},
		{t.Recipient, holdfast.RoleRecipient},
		{t.Owner, holdfast.RoleCaller},
	} {
		if part.who == account {
			roles = append(roles, part.role)
		}
	}
	return roles
}

// Flow is the direction in which a transaction has moved an account's money: -1
// away from it, 1 to it. It is 0 if the account only started the transaction, and
// if no money has moved: it is held, in progress, or came to nothing.
func (t Transaction) Flow(account party.ID) int {
	flow := 0
	switch account {
	case t.Sender:
		flow = -1
	case t.Recipient:
		flow = 1
	}
	switch {
	case t.State != Success || t.Kind == KindWriteOffDebt:
		return 0
	case t.Kind == KindRefund, t.Kind == KindDeposit: // a deposit's sender is its recipient
		return -flow
	}
	return flow
}
