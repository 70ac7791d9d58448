package payment

import (
	"cmp"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A Draw is what a settle takes from one member of a hold.
type Draw struct {
	Member Transaction
	Amount money.Amount
}

// Draws chooses the members from which a settle takes an amount, or all that is
// open if no amount is given. It takes from the open member with the earliest
// deadline that has the whole amount. If there is none, it takes from several, in
// the order of their deadlines. One settle of a hold is under way at a time,
// because its fees depend on what was taken before.
func (h Hold) Draws(amount money.Amount) ([]Draw, error) {
	if err := h.quiet("settled"); err != nil {
		return nil, err
	}
	open := h.open()
	if len(open) == 0 { // the root says why
		return []Draw{{h.Root(), h.Root().Amount}}, nil
	}
	if !amount.Given() {
		amount = h.Open()
	}
	for _, m := range open {
		if amount.Cmp(m.Open()) <= 0 {
			return []Draw{{m, amount}}, nil
		}
	}
	return h.split(amount, open, func() error {
		return holdfast.Errorf(holdfast.SettleAmountGreaterThanReserveAmount,
			"Settle Amount \"$%s\" is greater than the \"$%s\" of the hold that are open", amount.Value(), h.Open().Value())
	})
}

// Releases chooses the members that release an amount, in the order of their
// deadlines, so that the later ones stay.
func (h Hold) Releases(amount money.Amount) ([]Draw, error) {
	if err := h.quiet("lowered"); err != nil {
		return nil, err
	}
	open := h.open()
	if len(open) == 0 {
		return []Draw{{h.Root(), amount}}, nil
	}
	return h.split(amount, open, func() error {
		return holdfast.Errorf(holdfast.AmountOutOfRange,
			"the amount to release is %v, more than the %v of the hold that are open", amount, h.Open())
	})
}

// quiet refuses a step of a hold while a settle of it is under way.
func (h Hold) quiet(done string) error {
	if i := slices.IndexFunc(h.Members, Transaction.capturing); i >= 0 {
		return h.Members[i].busy(done)
	}
	return nil
}

// split takes an amount from some members, in their order.
func (h Hold) split(amount money.Amount, open []Transaction, tooMuch func() error) (draws []Draw, err error) {
	left := amount
	for _, m := range open {
		some := m.Open()
		if left.Cmp(some) < 0 {
			some = left
		}
		draws = append(draws, Draw{m, some})
		if left = left.Sub(some); !left.Positive() {
			return draws, nil
		}
	}
	return nil, tooMuch()
}

// Others are the members that a settle does not take from, and which are open or
// not answered yet.
func (h Hold) Others(draws []Draw) (others []Transaction) {
	drawn := make(map[holdfast.TransactionID]bool, len(draws))
	for _, d := range draws {
		drawn[d.Member.ID] = true
	}
	for _, m := range h.Members {
		if !drawn[m.ID] && (m.Open().Positive() || m.State == Pending) {
			others = append(others, m)
		}
	}
	return others
}

// Payments are the settles of the hold that were paid, the oldest first.
func (h Hold) Payments() (paid []Transaction) {
	for _, some := range [][]Transaction{h.Members, h.Parts} {
		for _, t := range some {
			if t.State == Success && !t.Parted() {
				paid = append(paid, t)
			}
		}
	}
	slices.SortStableFunc(paid, func(a, b Transaction) int {
		return cmp.Or(a.Completed.Compare(b.Completed), cmp.Compare(a.ID, b.ID))
	})
	return paid
}
