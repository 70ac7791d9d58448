package ledger_test

import (
	"slices"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/money"
)

func TestPostingsLeaveBalances(t *testing.T) {
	shop := ledger.Party("P1")
	books := []ledger.Posting{
		ledger.Move(ledger.Network, ledger.Held, money.Cents(42_50)),
		ledger.Move(ledger.Held, shop, money.Cents(40_00)),
		ledger.Move(shop, ledger.Fees, money.Cents(1_46)),
		ledger.Move(ledger.Held, ledger.Network, money.Cents(2_50)),
	}
	sum := money.Micros(0)
	for account, want := range map[ledger.AccountID]int64{
		ledger.Network: -40_00, ledger.Held: 0, shop: 38_54, ledger.Fees: 1_46,
	} {
		got := ledger.Balance(books, account)
		if got != money.Cents(want) {
			t.Errorf("the balance of %s is %v, want %v", account, got, money.Cents(want))
		}
		sum = sum.Add(got)
	}
	if sum.Micro != 0 {
		t.Errorf("the books are off by %v", sum)
	}
}

func TestAPostingThatMovesNothingCannotBeMade(t *testing.T) {
	for name, p := range map[string]ledger.Posting{
		"nothing":           {From: ledger.Network, To: ledger.Held, Amount: money.Cents(0)},
		"less than nothing": {From: ledger.Network, To: ledger.Held, Amount: money.Cents(-1)},
		"to itself":         {From: ledger.Held, To: ledger.Held, Amount: money.Cents(1)},
		"from nowhere":      {From: "", To: ledger.Held, Amount: money.Cents(1)},
		"to nobody":         {From: ledger.Held, To: ledger.Party(""), Amount: money.Cents(1)},
		"to an unknown":     {From: ledger.Held, To: "helld", Amount: money.Cents(1)},
	} {
		t.Run(name, func(t *testing.T) {
			if p.Check() == nil {
				t.Error("an invalid posting passes Check")
			}
			defer func() {
				if recover() == nil {
					t.Error("Move makes an invalid posting")
				}
			}()
			ledger.Move(p.From, p.To, p.Amount)
		})
	}
}

// Accounts of money that others owe are below zero, all other accounts above.
// Any account may be zero.
func TestAccountsStandOnTheirSideOfZero(t *testing.T) {
	for account, side := range map[ledger.AccountID]int64{
		ledger.Network: -1, ledger.Owed("P1"): -1, ledger.Debt("G1"): -1,
		ledger.Held: 1, ledger.Outgoing: 1, ledger.Fees: 1,
		ledger.Party("P1"): 1, ledger.SetAside("P1"): 1, ledger.Prepaid("G1"): 1, ledger.Due("P1"): 1,
	} {
		if !account.Allows(side) || !account.Allows(0) || account.Allows(-side) {
			t.Errorf("%s: Allows is wrong for %d, 0 or %d", account, side, -side)
		}
	}
}

// Money passes through the account of disputes, and a party may owe what a
// network has taken back.
func TestAccountsOfDisputes(t *testing.T) {
	for micro, want := range map[int64]bool{-1: false, 0: true, 1: false} {
		if got := ledger.Disputed.Allows(micro); got != want {
			t.Errorf("%s may be at %d: %v", ledger.Disputed, micro, got)
		}
	}
	party := ledger.Party("P1")
	for micro, want := range map[int64]bool{-11: false, -10: true, 0: true, 5: true} {
		if got := party.AllowsTaken(micro, 10); got != want {
			t.Errorf("after 10 were taken, the balance may be %d: %v", micro, got)
		}
	}
}

// Changes lists the accounts whose balances are stored, each once, in the order
// of the postings.
func TestChanges(t *testing.T) {
	a, b := ledger.Party("P1"), ledger.Party("P2")
	accounts, by := ledger.Changes([]ledger.Posting{
		ledger.Move(ledger.Network, a, money.Cents(5_00)), ledger.Move(a, b, money.Cents(2_00)),
		ledger.Move(b, ledger.Fees, money.Cents(50)),
		ledger.Move(ledger.Prepaid("G1"), ledger.Owed("P1"), money.Cents(1_00)),
	})
	want := []ledger.AccountID{a, b, ledger.Owed("P1")}
	micro := []int64{3_000_000, 1_500_000, 1_000_000}
	if !slices.Equal(accounts, want) || !slices.Equal(by, micro) {
		t.Errorf("%v change by %v, want %v by %v", accounts, by, want, micro)
	}
	if id, ok := a.Party(); !ok || id != "P1" {
		t.Errorf("%s is the account of %q", a, id)
	}
	if _, ok := ledger.Fees.Party(); ok {
		t.Error("the account of the fees belongs to a party")
	}
}
