// Package ledger has the rules of the books: accounts and the postings between
// them. A posting only moves money; it never creates or destroys any.
package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast/money"
)

// An AccountID names an account within one caller's books, such as "held" or
// "party:P1HZ…". Every caller has its own books, which balance separately.
type AccountID string

// The accounts that every caller's books have.
const (
	// Network is the account of card networks and banks. Its balance is below zero
	// by the sum of all amounts that were held or captured and not given back.
	Network AccountID = "network"
	// Held is the sum of all open holds: amounts that are reserved and neither
	// settled nor released.
	Held AccountID = "held"
	// Outgoing is money on its way back to cards. It has left the recipient's
	// account, and the network has not confirmed the refund yet.
	Outgoing AccountID = "outgoing"
	// Disputed is money that a card network takes back because of a dispute, or
	// gives back after it. Money passes through it and never stays.
	Disputed AccountID = "disputed"
	// Fees are the operator's earnings.
	Fees AccountID = "fees"
)

// The names of accounts of one party or one instrument begin with a word for
// their purpose.
const (
	partyPrefix    = "party:"
	setAsidePrefix = "set-aside:"
	prepaidPrefix  = "prepaid:"
	owedPrefix     = "owed:"
	debtPrefix     = "debt:"
	duePrefix      = "due:"
)

// Party is the account with a party's balance.
func Party(id string) AccountID { return AccountID(partyPrefix + id) }

// Party returns the party whose balance the account is. ok is false for other
// accounts.
func (a AccountID) Party() (id string, ok bool) { return strings.CutPrefix(string(a), partyPrefix) }

// SetAside is the part of a party's money that it cannot spend, because an open
// transaction may need it.
func SetAside(party string) AccountID { return AccountID(setAsidePrefix + party) }

// Prepaid is the account with a prepaid instrument's balance.
func Prepaid(instrument string) AccountID { return AccountID(prepaidPrefix + instrument) }

// Owed is the value of the goods that a recipient owes for all prepaid
// instruments. Its balance is below zero by that value.
func Owed(recipient string) AccountID { return AccountID(owedPrefix + recipient) }

// Debt is the sender's debt on a credit instrument. Its balance is below zero
// by that debt.
func Debt(instrument string) AccountID { return AccountID(debtPrefix + instrument) }

// Due is the sum of all debts to a recipient on credit instruments.
func Due(recipient string) AccountID { return AccountID(duePrefix + recipient) }

var prefixes = []string{partyPrefix, setAsidePrefix, prepaidPrefix, owedPrefix, debtPrefix, duePrefix}

// Valid reports whether books may have the account.
func (a AccountID) Valid() bool {
	switch a {
	case Network, Held, Outgoing, Disputed, Fees:
		return true
	}
	for _, prefix := range prefixes {
		if of, ok := strings.CutPrefix(string(a), prefix); ok {
			return of != ""
		}
	}
	return false
}

// A Group is a kind of accounts.
type Group string

// The groups. Those with the name of an account have that account alone.
const (
	GroupNetwork  Group = "network"
	GroupHeld     Group = "held"
	GroupOutgoing Group = "outgoing"
	GroupDisputed Group = "disputed"
	GroupFees     Group = "fees"
	GroupParties  Group = "parties" // balances of parties, and what of them is set aside
	GroupPrepaid  Group = "prepaid"
	GroupOwed     Group = "owed"
	GroupDebt     Group = "debt"
	GroupDue      Group = "due"
)

// Groups lists every group.
var Groups = []Group{
	GroupNetwork, GroupHeld, GroupOutgoing, GroupDisputed, GroupFees, GroupParties, GroupPrepaid, GroupOwed, GroupDebt,
	GroupDue,
}

// Group is the group of an account.
func (a AccountID) Group() Group {
	switch prefix, _, _ := strings.Cut(string(a), ":"); prefix + ":" {
	case partyPrefix, setAsidePrefix:
		return GroupParties
	case prepaidPrefix:
		return GroupPrepaid
	case owedPrefix:
		return GroupOwed
	case debtPrefix:
		return GroupDebt
	case duePrefix:
		return GroupDue
	}
	return Group(a)
}

// Name splits the name of an account into its kind, such as "party", and the
// party or instrument that it belongs to.
func (a AccountID) Name() (kind, of string) {
	kind, of, _ = strings.Cut(string(a), ":")
	return kind, of
}

// Kept reports whether the account's balance is stored in addition to its
// postings, because the server reads it.
func (a AccountID) Kept() bool {
	return a.hasPrefix(partyPrefix, setAsidePrefix, owedPrefix, duePrefix)
}

// Allows reports whether an account may have a balance. Accounts of money that
// others owe are never above zero; all others are never below. For a party's
// account, this holds after adding what card networks have taken back: see
// [AccountID.AllowsTaken].
func (a AccountID) Allows(micro int64) bool {
	if a == Disputed {
		return micro == 0
	}
	if a == Network || a.hasPrefix(owedPrefix, debtPrefix) {
		return micro <= 0
	}
	return micro >= 0
}

// AllowsTaken is Allows for a party's account from which card networks have taken
// money back, such as for a dispute. Nobody is asked before that, so the party
// may owe that much. All that the party spends by itself comes from a balance
// above zero.
func (a AccountID) AllowsTaken(micro, taken int64) bool { return a.Allows(micro + taken) }

func (a AccountID) hasPrefix(any ...string) bool {
	return slices.ContainsFunc(any, func(prefix string) bool { return strings.HasPrefix(string(a), prefix) })
}

// A Posting moves Amount from one account to another. Postings are appended and
// never changed. A new posting corrects a wrong one.
type Posting struct {
	From, To AccountID
	Amount   money.Amount
}

// Move makes a posting. It panics if the posting is invalid, so that a bug of
// this server does not reach the books.
func Move(from, to AccountID, amount money.Amount) Posting {
	p := Posting{From: from, To: to, Amount: amount}
	if err := p.Check(); err != nil {
		panic("ledger: " + err.Error())
	}
	return p
}

// Check refuses an invalid posting, also one that was read from a store.
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

// Changes sums up the effect of postings on the accounts whose balances are
// stored. Each account is listed once, in the order of its first posting.
func Changes(postings []Posting) (accounts []AccountID, by []int64) {
	return changes(postings, AccountID.Kept)
}

// AllChanges sums up the effect of postings on all accounts, like [Changes].
func AllChanges(postings []Posting) (accounts []AccountID, by []int64) {
	return changes(postings, func(AccountID) bool { return true })
}

func changes(postings []Posting, counts func(AccountID) bool) (accounts []AccountID, by []int64) {
	add := func(a AccountID, micro int64) {
		if !counts(a) {
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

// Balance is an account's balance after the postings: all amounts to it less
// all amounts from it.
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
