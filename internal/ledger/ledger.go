// Package ledger keeps the books: accounts and the postings between them.
// Money moves, it never appears.
package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast/money"
)

// An AccountID names an account within one caller's books, such as "held" or
// "party:P1HZ…". Every caller has books of its own, which balance by themselves.
type AccountID string

// The accounts every caller's books have.
const (
	// Network is what card networks and banks owe for authorised and captured
	// funds. It stands below zero by all that was ever held or captured and not
	// given back.
	Network AccountID = "network"
	// Held is what is reserved and neither settled nor released: the sum of the
	// open reserves.
	Held AccountID = "held"
	// Outgoing is what is on its way back to cards: it has left the recipient's
	// account, and the network has not said yet that it arrived.
	Outgoing AccountID = "outgoing"
	// Fees is what the operator of this server has earned.
	Fees AccountID = "fees"
)

// Accounts of one party or one instrument begin with a word that says what for.
const (
	partyPrefix    = "party:"
	setAsidePrefix = "set-aside:"
	prepaidPrefix  = "prepaid:"
	owedPrefix     = "owed:"
	debtPrefix     = "debt:"
	duePrefix      = "due:"
)

// Party is the account of what is owed to a party: its balance here.
func Party(id string) AccountID { return AccountID(partyPrefix + id) }

// Party is whose balance the account is, if it is a party's.
func (a AccountID) Party() (id string, ok bool) { return strings.CutPrefix(string(a), partyPrefix) }

// SetAside is the part of a party's money that it cannot spend: what is under
// way may have to be paid with it.
func SetAside(party string) AccountID { return AccountID(setAsidePrefix + party) }

// Prepaid is what a prepaid instrument is good for.
func Prepaid(instrument string) AccountID { return AccountID(prepaidPrefix + instrument) }

// Owed is what a recipient owes in goods for all prepaid instruments; it stands
// below zero by that.
func Owed(recipient string) AccountID { return AccountID(owedPrefix + recipient) }

// Debt is what a sender owes on a credit instrument; it stands below zero by
// that.
func Debt(instrument string) AccountID { return AccountID(debtPrefix + instrument) }

// Due is what all senders owe a recipient on credit instruments.
func Due(recipient string) AccountID { return AccountID(duePrefix + recipient) }

var prefixes = []string{partyPrefix, setAsidePrefix, prepaidPrefix, owedPrefix, debtPrefix, duePrefix}

// Valid reports whether the account is one that books may have.
func (a AccountID) Valid() bool {
	switch a {
	case Network, Held, Outgoing, Fees:
		return true
	}
	for _, prefix := range prefixes {
		if of, ok := strings.CutPrefix(string(a), prefix); ok {
			return of != ""
		}
	}
	return false
}

// Kept reports whether the account's balance is asked for, and so kept beside
// the postings that add up to it.
func (a AccountID) Kept() bool {
	return a.hasPrefix(partyPrefix, setAsidePrefix, owedPrefix, duePrefix)
}

// Allows reports whether an account may have a balance. What others owe stands
// below zero, everything else above.
func (a AccountID) Allows(micro int64) bool {
	if a == Network || a.hasPrefix(owedPrefix, debtPrefix) {
		return micro <= 0
	}
	return micro >= 0
}

func (a AccountID) hasPrefix(any ...string) bool {
	return slices.ContainsFunc(any, func(prefix string) bool { return strings.HasPrefix(string(a), prefix) })
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

// Changes are what postings do to the accounts whose balances are kept, each
// account once, in the order in which they are first met.
func Changes(postings []Posting) (accounts []AccountID, by []int64) {
	add := func(a AccountID, micro int64) {
		if !a.Kept() {
			return
		}
		i := slices.Index(accounts, a)
		if i < 0 {
			i = len(accounts)
			accounts, by = append(accounts, a), append(by, 0)
		}
		by[i] += micro
	}
	for _, p := range postings {
		add(p.From, -p.Amount.Micro)
		add(p.To, p.Amount.Micro)
	}
	return accounts, by
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
