package store

import (
	"cmp"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Findings are what a search has found, the newest first. Holds and payments are as
// they are stored. A refund, a part or a dispute that was found is here as the hold
// or the payment that it belongs to.
type Findings struct {
	Holds     []payment.Hold
	Payments  []payment.Transaction // of no hold
	Tokens    []payment.Token
	Visits    []payment.Visit
	PageHolds []payment.PageHold
	Refused   []payment.Request // references whose request was refused
	More      bool              // there are more, or there may be
}

// Limits of what a search reads, so that it costs the same in a large store.
const (
	// FindCallersMax is the largest number of callers whose references one search looks
	// through. Ids are found for all callers.
	FindCallersMax = 100

	findCards   = 200   // of those with the last four digits, the newest
	findOfParty = 50    // of a buyer's payments, the newest
	findTexts   = 2_000 // of a caller's payments whose descriptions are searched, the newest
	findParents = 4     // steps from a transaction to its hold: a refund of a part of a linked hold takes three
)

// Find searches what belongs to some callers, and returns at most limit of each
// kind of object. The number of rows that it reads does not depend on the size of
// the store. Descriptions are searched only if nothing else was found.
func (tx *ReadTx) Find(callers []party.CallerID, q payment.Query, limit int) (Findings, error) {
	f := finder{
		ReadTx: tx, q: q, limit: limit, callers: callers, searched: callers[:min(len(callers), FindCallersMax)],
		known: make(map[transactionKey]payment.Transaction), names: make(map[string]bool),
	}
	for _, look := range []func() error{f.byID, f.byReference, f.byEmail, f.byCard, f.atNetwork, f.byText} {
		if err := look(); err != nil {
			return Findings{}, err
		}
	}
	f.found.More = f.found.More || len(callers) > FindCallersMax
	err := f.subjects()
	return f.found, err
}

// A finder is one search.
type finder struct {
	*ReadTx
	q        payment.Query
	limit    int
	callers  []party.CallerID
	searched []party.CallerID // those whose references are searched
	known    map[transactionKey]payment.Transaction
	names    map[string]bool // of the other objects
	found    Findings
}

func (f *finder) mine(c party.CallerID) bool { return slices.Contains(f.callers, c) }

// take adds a transaction, if it is one of the callers'.
func (f *finder) take(t payment.Transaction) {
	if f.mine(t.Caller) && !t.Private() {
		f.known[transactionKey{t.Caller, t.ID}] = t
	}
}

// fetch adds the transactions with some keys.
func (f *finder) fetch(keys []transactionKey) error {
	keys = slices.DeleteFunc(keys, func(k transactionKey) bool { return k.id == "" || !f.mine(k.caller) })
	all, err := transactions.GetAll(f.sql, keys)
	for _, t := range all {
		f.take(t)
	}
	return err
}

// ofEach adds the transactions of all callers with an id.
func (f *finder) ofEach(id holdfast.TransactionID) error {
	keys := make([]transactionKey, len(f.callers))
	for i, c := range f.callers {
		keys[i] = transactionKey{c, id}
	}
	return f.fetch(keys)
}

func (f *finder) takeToken(t payment.Token) {
	if f.mine(t.Caller) && !f.names[string(t.ID)] {
		f.names[string(t.ID)] = true
		f.found.Tokens = append(f.found.Tokens, t)
	}
}

func (f *finder) takeVisit(v payment.Visit) {
	if f.mine(v.Caller) && !f.names[string(v.ID)] {
		f.names[string(v.ID)] = true
		f.found.Visits = append(f.found.Visits, v)
	}
}

// takePageHold adds a page hold, or the transaction that has adopted it.
func (f *finder) takePageHold(h payment.PageHold) error {
	if f.mine(h.Caller) && !f.names[string(h.ID)] {
		f.names[string(h.ID)] = true
		if h.Transaction == "" {
			f.found.PageHolds = append(f.found.PageHolds, h)
		}
	}
	return f.fetch([]transactionKey{{h.Caller, h.Transaction}})
}

// byID looks for our own ids. An event is found as its object.
func (f *finder) byID() error {
	transaction, token, visit := f.q.Transaction, f.q.Token, f.q.Visit
	if object, _, ok := f.q.Event.Place(); ok {
		transaction, token, visit = holdfast.TransactionID(object), holdfast.TokenID(object), payment.VisitID(object)
	}
	if transaction != "" {
		if err := f.ofEach(transaction); err != nil {
			return err
		}
	}
	if token != "" {
		if err := f.byToken(token); err != nil {
			return err
		}
	}
	if visit != "" {
		v, found, err := f.Visit(visit)
		if err != nil {
			return err
		}
		if found && f.mine(v.Caller) {
			f.takeVisit(v)
			if err := f.byToken(v.TokenOf()); err != nil {
				return err
			}
		}
	}
	if f.q.PageHold == "" {
		return nil
	}
	h, found, err := f.PageHold(f.q.PageHold)
	if err != nil || !found {
		return err
	}
	return f.takePageHold(h)
}

// byToken adds a token with its newest payments.
func (f *finder) byToken(id holdfast.TokenID) error {
	if id == "" {
		return nil
	}
	t, found, err := f.Token(id)
	if err != nil || !found || !f.mine(t.Caller) {
		return err
	}
	f.takeToken(t)
	if !t.Limited() {
		return f.fetch([]transactionKey{{t.Caller, t.UsedBy}})
	}
	paid, err := f.PaymentsOf(t.Caller, id, f.limit+1)
	f.full(len(paid))
	for _, one := range paid {
		f.take(one)
	}
	return err
}

// full notes that a list is longer than what is shown.
func (f *finder) full(rows int) { f.found.More = f.found.More || rows > f.limit }

// subjects brings the transactions to the holds and payments that they belong to,
// and sorts everything.
func (f *finder) subjects() error {
	all := f.known
	for range findParents {
		var parents []transactionKey
		next := make(map[transactionKey]payment.Transaction)
		for key, t := range all {
			if t.Parent == "" {
				next[key] = t
			} else {
				parents = append(parents, transactionKey{t.Caller, t.Parent})
			}
		}
		found, err := transactions.GetAll(f.sql, parents)
		if err != nil {
			return err
		}
		for key, t := range found {
			next[key] = t
		}
		if all = next; len(parents) == 0 {
			break
		}
	}
	roots := make(map[party.CallerID][]payment.Transaction)
	for _, t := range all {
		if t.Hold() {
			roots[t.Caller] = append(roots[t.Caller], t)
		} else {
			f.found.Payments = append(f.found.Payments, t)
		}
	}
	for c, some := range roots {
		holds, err := f.holdsOf(c, some)
		if err != nil {
			return err
		}
		f.found.Holds = append(f.found.Holds, holds...)
	}
	f.sort()
	return nil
}

// sort sorts the findings and cuts them to the limit.
func (f *finder) sort() {
	received := func(a, b payment.Transaction) int {
		return cmp.Or(b.Received.Compare(a.Received), cmp.Compare(a.ID, b.ID))
	}
	slices.SortFunc(f.found.Holds, func(a, b payment.Hold) int { return received(a.Root(), b.Root()) })
	slices.SortFunc(f.found.Payments, received)
	slices.SortFunc(f.found.Tokens, func(a, b payment.Token) int {
		return cmp.Or(b.Installed.Compare(a.Installed), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(f.found.Visits, func(a, b payment.Visit) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	f.found.Holds = cut(f, f.found.Holds)
	f.found.Payments = cut(f, f.found.Payments)
	f.found.Tokens = cut(f, f.found.Tokens)
	f.found.Visits = cut(f, f.found.Visits)
	f.found.PageHolds = cut(f, f.found.PageHolds)
	f.found.Refused = cut(f, f.found.Refused)
}

func cut[T any](f *finder, all []T) []T {
	f.full(len(all))
	return all[:min(len(all), f.limit)]
}

// run runs reads together.
func (f *finder) run(reads []engine.Statement) error {
	if len(reads) == 0 {
		return nil
	}
	return f.sql.Run(reads...)
}

// reading is a read of rows that are given to do.
func reading[T any](scan func(scanner) (T, error), do func(T), text string, args ...any) engine.Statement {
	return engine.Statement{Doing: "searching", Text: text, Args: args, Row: func(row engine.Scanner) error {
		one, err := scan(row)
		if err == nil {
			do(one)
		}
		return err
	}}
}

// lower is a text as lower() of both databases makes it: only letters of ASCII
// change.
func lower(text string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c - 'A' + 'a'
		}
		return c
	}, text)
}
