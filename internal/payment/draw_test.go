package payment_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// raised is a hold of 20.00 that ends last, with two raises: 30.00 that end first,
// and 10.00.
func raised(t *testing.T) payment.Hold {
	t.Helper()
	member := func(id holdfast.TransactionID, cents int64, days int) payment.Transaction {
		m := held(t)
		m.ID, m.Amount, m.Deadline = id, money.Cents(cents), now.Add(time.Duration(days)*24*time.Hour)
		return m
	}
	return payment.Hold{Members: []payment.Transaction{
		member("R", 20_00, 3), member("A", 30_00, 1), member("B", 10_00, 2),
	}}
}

func TestDraws(t *testing.T) {
	set := func(i int, change func(*payment.Transaction)) func(*payment.Hold) {
		return func(h *payment.Hold) { change(&h.Members[i]) }
	}
	same := func(*payment.Hold) {}
	settling := set(2, func(m *payment.Transaction) { m.State = payment.Settling })
	taking := set(0, func(m *payment.Transaction) { m.Taken, m.Taking = money.Cents(1_00), money.Cents(1_00) })
	parted := set(1, func(m *payment.Transaction) { m.Taken, m.Lowered = money.Cents(20_00), money.Cents(5_00) })
	over := func(h *payment.Hold) {
		for i := range h.Members {
			h.Members[i].State = payment.Cancelled
		}
	}
	for name, row := range map[string]struct {
		change           func(*payment.Hold)
		cents            int64 // zero means that no amount is given
		settles, lowers  string
		code, lowersCode holdfast.Code
	}{
		"the first that has it": {same, 10_00, "A 10.00", "A 10.00", "", ""},
		"all of the first":      {same, 30_00, "A 30.00", "A 30.00", "", ""},
		"more than any has":     {same, 35_00, "A 30.00 B 5.00", "A 30.00 B 5.00", "", ""},
		"all":                   {same, 60_00, "A 30.00 B 10.00 R 20.00", "A 30.00 B 10.00 R 20.00", "", ""},
		"a cent too much": {
			same, 60_01, "", "", holdfast.SettleAmountGreaterThanReserveAmount, holdfast.AmountOutOfRange,
		},
		"the one that has it": {parted, 15_00, "R 15.00", "A 5.00 B 10.00", "", ""},
		"a settle is under way": {
			settling, 1_00, "", "", holdfast.InvalidTransactionState, holdfast.InvalidTransactionState,
		},
		"a part is under way": {
			taking, 1_00, "", "", holdfast.InvalidTransactionState, holdfast.InvalidTransactionState,
		},
		"it is over":             {over, 1_00, "R 20.00", "R 1.00", "", ""},
		"no amount means all":    {same, 0, "A 30.00 B 10.00 R 20.00", "", "", ""},
		"no amount, after parts": {parted, 0, "A 5.00 B 10.00 R 20.00", "", "", ""},
	} {
		h := raised(t)
		row.change(&h)
		amount := money.Amount{}
		if row.cents > 0 {
			amount = money.Cents(row.cents)
			draws, err := h.Releases(amount)
			if code(err) != row.lowersCode || drawn(draws) != row.lowers {
				t.Errorf("%s: it releases %q, %v; want %q", name, drawn(draws), err, row.lowers)
			}
		}
		draws, err := h.Draws(amount)
		if code(err) != row.code || drawn(draws) != row.settles {
			t.Errorf("%s: it settles %q, %v; want %q", name, drawn(draws), err, row.settles)
		}
	}
}

func drawn(draws []payment.Draw) string {
	var all []string
	for _, d := range draws {
		all = append(all, fmt.Sprintf("%s %s", d.Member.ID, d.Amount.Decimal()))
	}
	return strings.Join(all, " ")
}

// A final settle ends all other members, also one that the network has not
// approved yet.
func TestOthers(t *testing.T) {
	h := raised(t)
	h.Members[0].State, h.Members[2].State = payment.Pending, payment.Failure
	draws, err := h.Draws(money.Cents(1_00))
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for _, m := range h.Others(draws) {
		others = append(others, string(m.ID))
	}
	if got := strings.Join(others, " "); got != "R" {
		t.Errorf("the others are %q", got)
	}
}
