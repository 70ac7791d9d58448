// Package ledger keeps the books: accounts and the postings between them.
// Money moves, it never appears.
package ledger

import (
	"fmt"
	"strings"

	"github.com/holdfast-pay/holdfast/money"
)

// An AccountID names an account within one caller's books, such as "held" or
// "party:P1HZ…". Every caller has books of its own, which balance by themselves.
type AccountID string

// The accounts every caller's books have. A party's account is made by [Party].
const (
	// Network is what card networks owe for authorised and captured funds. It
	// stands below zero by all that was ever held or captured and not given back.
	Network AccountID = "network"
	// Held is what is reserved and neither settled nor released: the sum of the
	// open reserves.
	Held AccountID = "held"
	// Fees is what the operator of this server has earned.
	Fees AccountID = "fees"
)

const partyPrefix = "party:"

// Party is the account of what is owed to a party.
func Party(id string) AccountID { return AccountID(partyPrefix + id) }

// Valid reports whether the account is one that books may have.
func (a AccountID) Valid() bool {
	party, isParty := strings.CutPrefix(string(a), partyPrefix)
	return a == Network || a == Held || a == Fees || isParty && party != ""
}

// A Posting moves Amount from one account to another. It is appended and never
// changed; what was wrong is undone by a new one.
type Posting struct {
	From, To AccountID
	Amount   money.Amount
}

// Move makes a posting. An amount that is not positive, an unknown account or
// one that pays itself is a bug of ours, stopped before it reaches the books.
func Move(from, to AccountID, amount money.Amount) Posting {
	p := Posting{From: from, To: to, Amount: amount}
	if err := p.Check(); err != nil {
		panic("ledger: " + err.Error())
	}
	return p
}

// Check tells what is wrong with a posting, as read back from a store.
func (p Posting) Check() error {
	switch {
	case !p.Amount.Positive():
		return fmt.Errorf("posting of %v is not positive", p.Amount)
	case !p.From.Valid() || !p.To.Valid():
		return fmt.Errorf("posting from %q to %q names an unknown account", p.From, p.To)
	case p.From == p.To:
		return fmt.Errorf("posting from %q to itself", p.From)
	}
	return nil
}

// Balance is what postings leave in an account: all that came in less all that
// went out.
func Balance(postings []Posting, account AccountID) money.Amount {
	sum := money.Micros(0)
	for _, p := range postings {
		if p.To == account {
			sum = sum.Add(p.Amount)
		}
		if p.From == account {
			sum = sum.Sub(p.Amount)
		}
	}
	return sum
}
