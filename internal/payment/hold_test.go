package payment_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// member is a member of a hold in a state that it reached through an approval,
// unless it is Pending. It ends, or may end, at an hour.
func member(link payment.Link, s payment.State, dollars int64, hour int) payment.Transaction {
	t := payment.Transaction{
		ID: "1T1", Kind: payment.KindReserve, State: s, Amount: money.Cents(dollars * 100), Settled: money.Micros(0),
		Refunded: money.Micros(0), Received: now, Deadline: now.Add(time.Duration(hour) * time.Hour), Steps: 2,
	}
	if link != "" {
		t.ID, t.Parent, t.Link = "1L1", "1T1", link
	}
	if s.Final() {
		t.Steps, t.Completed = 3, t.Deadline
	}
	switch s {
	case payment.Settling, payment.Success:
		t.Settled = t.Amount
	case payment.Pending:
		t.Steps = 1
	case payment.Cancelled:
		t.StatusCode = holdfast.CodeCanceled
	case payment.None, payment.Reserved, payment.Failure:
	}
	return t
}

// neverHeld is a member that the network did not hold.
func neverHeld(link payment.Link, dollars int64) payment.Transaction {
	t := member(link, payment.Failure, dollars, 1)
	t.Steps = 2
	return t
}

func expired(t payment.Transaction) payment.Transaction {
	t.StatusCode = holdfast.CodeExpired
	return t
}

func settledFor(t payment.Transaction, dollars int64) payment.Transaction {
	t.Settled = money.Cents(dollars * 100)
	return t
}

func TestAHoldIsShownAsOne(t *testing.T) {
	const raise, renew = payment.LinkRaise, payment.LinkRenew
	for name, row := range map[string]struct {
		members                               []payment.Transaction
		state                                 payment.HoldState
		amount, open, held, settled, released int64 // dollars
		hour                                  int   // of the deadline; 0 is none
	}{
		"pending": {
			[]payment.Transaction{member("", payment.Pending, 100, 5)},
			payment.HoldPending, 100, 0, 0, 0, 0, 5,
		},
		"declined": {[]payment.Transaction{neverHeld("", 100)}, payment.HoldFailed, 100, 0, 0, 0, 0, 0},
		"given up before the approval": {
			[]payment.Transaction{func() payment.Transaction {
				c := member("", payment.Cancelled, 100, 5)
				c.Steps = 2
				return c
			}()},
			payment.HoldReleased, 100, 0, 0, 0, 0, 0,
		},
		"held":     {[]payment.Transaction{member("", payment.Reserved, 100, 5)}, payment.HoldHeld, 100, 100, 100, 0, 0, 5},
		"settling": {[]payment.Transaction{member("", payment.Settling, 100, 5)}, payment.HoldSettling, 100, 0, 100, 0, 0, 0},
		"settled":  {[]payment.Transaction{member("", payment.Success, 100, 5)}, payment.HoldSettled, 100, 0, 0, 100, 0, 0},
		"settled for less": {
			[]payment.Transaction{settledFor(member("", payment.Success, 100, 5), 60)},
			payment.HoldSettled, 100, 0, 0, 60, 40, 0,
		},
		"capture declined": {
			[]payment.Transaction{member("", payment.Failure, 100, 5)},
			payment.HoldFailed, 100, 0, 0, 0, 100, 0,
		},
		"released": {[]payment.Transaction{member("", payment.Cancelled, 100, 5)}, payment.HoldReleased, 100, 0, 0, 0, 100, 0},
		"expired": {
			[]payment.Transaction{expired(member("", payment.Cancelled, 100, 5))},
			payment.HoldExpired, 100, 0, 0, 0, 100, 0,
		},
		"raise pending": {
			[]payment.Transaction{member("", payment.Reserved, 100, 5), member(raise, payment.Pending, 20, 9)},
			payment.HoldHeld, 100, 100, 100, 0, 0, 5,
		},
		"raise declined": {
			[]payment.Transaction{member("", payment.Reserved, 100, 5), neverHeld(raise, 20)},
			payment.HoldHeld, 100, 100, 100, 0, 0, 5,
		},
		"raised": {
			[]payment.Transaction{member("", payment.Reserved, 100, 9), member(raise, payment.Reserved, 20, 5)},
			payment.HoldHeld, 120, 120, 120, 0, 0, 5,
		},
		"raised, then the first part expired": {
			[]payment.Transaction{expired(member("", payment.Cancelled, 100, 5)), member(raise, payment.Reserved, 20, 9)},
			payment.HoldHeld, 120, 20, 20, 0, 100, 9,
		},
		"raised, the first part being settled": {
			[]payment.Transaction{member("", payment.Settling, 100, 5), member(raise, payment.Reserved, 20, 9)},
			payment.HoldHeld, 120, 20, 120, 0, 0, 9,
		},
		"raised and settled in part": {
			[]payment.Transaction{member("", payment.Success, 100, 5), member(raise, payment.Cancelled, 20, 9)},
			payment.HoldSettled, 120, 0, 0, 100, 20, 0,
		},
		"raised, released, then expired": {
			[]payment.Transaction{member("", payment.Cancelled, 100, 5), expired(member(raise, payment.Cancelled, 20, 9))},
			payment.HoldExpired, 120, 0, 0, 0, 120, 0,
		},
		"renewal pending": {
			[]payment.Transaction{member("", payment.Reserved, 100, 5), member(renew, payment.Pending, 100, 9)},
			payment.HoldHeld, 100, 100, 100, 0, 0, 5,
		},
		"renewal pending, the hold expired": {
			[]payment.Transaction{expired(member("", payment.Cancelled, 100, 5)), member(renew, payment.Pending, 100, 9)},
			payment.HoldExpired, 100, 0, 0, 0, 100, 0,
		},
		"renewed": {
			[]payment.Transaction{member("", payment.Cancelled, 100, 5), member(renew, payment.Reserved, 100, 9)},
			payment.HoldHeld, 100, 100, 100, 0, 0, 9,
		},
		"raised, settled in part and renewed": {
			[]payment.Transaction{
				settledFor(member("", payment.Success, 100, 5), 60), member(raise, payment.Cancelled, 20, 5),
				member(renew, payment.Reserved, 60, 9),
			},
			payment.HoldHeld, 120, 60, 60, 60, 0, 9,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := payment.Hold{Members: row.members}
			if got := h.State(); got != row.state {
				t.Errorf("is %s, want %s", got, row.state)
			}
			for what, amounts := range map[string]struct {
				got  money.Amount
				want int64
			}{
				"amount":   {h.Amount(), row.amount},
				"open":     {h.Open(), row.open},
				"held":     {h.Held(), row.held},
				"settled":  {h.Settled(), row.settled},
				"released": {h.Released(), row.released},
			} {
				if amounts.got != money.Cents(amounts.want*100) {
					t.Errorf("%s is %v, want $%d", what, amounts.got, amounts.want)
				}
			}
			deadline := time.Time{}
			if row.hour > 0 {
				deadline = now.Add(time.Duration(row.hour) * time.Hour)
			}
			if got := h.Deadline(); !got.Equal(deadline) {
				t.Errorf("the deadline is %v, want %v", got, deadline)
			}
		})
	}
}

// A hold is shown as expired before its expiry is written, and is then the same
// as afterwards.
func TestAHoldAsOfItsDeadline(t *testing.T) {
	h := payment.Hold{Members: []payment.Transaction{
		member("", payment.Reserved, 100, 5), member(payment.LinkRaise, payment.Reserved, 20, 9),
	}}
	for hour, want := range map[int]struct {
		state          payment.HoldState
		open, released int64
	}{
		4: {payment.HoldHeld, 120_00, 0},
		5: {payment.HoldHeld, 20_00, 100_00},
		9: {payment.HoldExpired, 0, 120_00},
	} {
		got := h.AsOf(now.Add(time.Duration(hour) * time.Hour))
		if got.State() != want.state || got.Open() != money.Cents(want.open) || got.Released() != money.Cents(want.released) {
			t.Errorf("at %d h it is %s with %v open and %v released, want %+v", hour, got.State(), got.Open(), got.Released(),
				want)
		}
	}
	if h.State() != payment.HoldHeld {
		t.Error("the hold itself has changed")
	}
}

func TestAHoldFilterSelects(t *testing.T) {
	h := payment.Hold{Members: []payment.Transaction{
		member("", payment.Reserved, 100, 9), member(payment.LinkRaise, payment.Reserved, 20, 5),
	}}
	at := func(hour int) time.Time { return now.Add(time.Duration(hour) * time.Hour) }
	for name, row := range map[string]struct {
		filter payment.HoldFilter
		want   bool
	}{
		"everything":             {payment.HoldFilter{}, true},
		"its state":              {payment.HoldFilter{State: payment.HoldHeld}, true},
		"another state":          {payment.HoldFilter{State: payment.HoldSettled}, false},
		"deadline from its own":  {payment.HoldFilter{DeadlineFrom: at(5)}, true},
		"deadline from later":    {payment.HoldFilter{DeadlineFrom: at(6)}, false},
		"deadline before later":  {payment.HoldFilter{DeadlineTo: at(6)}, true},
		"deadline before itself": {payment.HoldFilter{DeadlineTo: at(5)}, false},
		"created from its own":   {payment.HoldFilter{CreatedFrom: now}, true},
		"created from later":     {payment.HoldFilter{CreatedFrom: at(1)}, false},
		"created before itself":  {payment.HoldFilter{CreatedTo: now}, false},
		"created before later":   {payment.HoldFilter{CreatedTo: at(1)}, true},
		"at least its amount":    {payment.HoldFilter{AmountFrom: money.Cents(120_00)}, true},
		"at least more":          {payment.HoldFilter{AmountFrom: money.Cents(120_01)}, false},
		"at most its amount":     {payment.HoldFilter{AmountTo: money.Cents(120_00)}, true},
		"at most less":           {payment.HoldFilter{AmountTo: money.Cents(119_99)}, false},
	} {
		if got := row.filter.Selects(h); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	ended := payment.Hold{Members: []payment.Transaction{member("", payment.Success, 100, 5)}}
	if (payment.HoldFilter{DeadlineTo: at(99)}).Selects(ended) {
		t.Error("a settled hold has a deadline")
	}
}
