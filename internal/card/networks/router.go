// Package networks sends each question to the account at a card network that it
// is about.
package networks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// keptFor is how long a client is used before its account is read again. A key
// that was replaced or removed works no longer than that.
const keptFor = time.Second

// A Router is the card network of a server with several accounts. It makes a
// client for each account when it is first needed, and another one when the
// account's settings or keys have changed. Set the fields, then use it.
type Router struct {
	// Sandbox answers for cards that are at no account. Nil means that there is no
	// sandbox: such questions stay without an answer.
	Sandbox card.Network
	// Find reads an account, as store.Reader.NetworkAccount does.
	Find func(context.Context, payment.NetworkAccountID) (store.NetworkAccount, bool, error)
	// Make makes the client of an account. It asks nobody.
	Make func(store.NetworkAccount) (card.Client, error)
	Now  func() time.Time // real time
	// Paused says that no network may be asked, because the store is paused. Nil
	// means that it never is.
	Paused func() bool

	mu   sync.Mutex
	kept map[payment.NetworkAccountID]*lookup
}

var (
	_ card.Network  = (*Router)(nil)
	_ card.Verifier = (*Router)(nil)
	_ card.Accounts = (*Router)(nil)
)

// A lookup is one read of an account. Questions that need the same account wait
// for the read that is under way.
type lookup struct {
	began  time.Time
	before *lookup       // the last one that has ended well; nil without one, and once this one has ended
	done   chan struct{} // closed when the read has ended; the fields below are set then

	account store.NetworkAccount
	client  card.Client
	err     error
}

// Ask sends a question to the account that the card is at. A question about an
// account that does not exist is in doubt, because the account may have been
// removed by mistake.
func (r *Router) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	if r.paused() {
		return payment.Answer{}, &card.DoubtError{Err: store.ErrPaused}
	}
	if q.Card.Account == "" {
		if r.Sandbox == nil {
			return payment.Answer{}, &card.DoubtError{Alarm: true, Err: errors.New("this server has no sandbox")}
		}
		return r.Sandbox.Ask(ctx, q)
	}
	c, err := r.Account(ctx, q.Card.Account)
	if err != nil {
		return payment.Answer{}, &card.DoubtError{Alarm: true, Err: err}
	}
	return c.Ask(ctx, q)
}

// Verify checks a typed card in the sandbox. Accounts at card networks collect
// cards on the network's page.
func (r *Router) Verify(ctx context.Context, d card.Details) (card.Kept, error) {
	if r.paused() {
		return card.Kept{}, store.ErrPaused
	}
	v, ok := r.Sandbox.(card.Verifier)
	if !ok {
		return card.Kept{}, errors.New("this server takes no typed cards")
	}
	return v.Verify(ctx, d)
}

func (r *Router) paused() bool { return r.Paused != nil && r.Paused() }

// Account returns the client of an account, or card.ErrNoAccount.
func (r *Router) Account(ctx context.Context, id payment.NetworkAccountID) (card.Client, error) {
	if r.paused() {
		return nil, store.ErrPaused
	}
	l, begin := r.lookup(id, r.Now())
	if begin {
		r.read(ctx, id, l)
	}
	select {
	case <-l.done:
		return l.client, l.err
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for account %s: %w", id, ctx.Err())
	}
}

// lookup returns the lookup of an account that is fresh enough. Otherwise it
// returns a new one, which the first to get it must carry out.
func (r *Router) lookup(id payment.NetworkAccountID, now time.Time) (l *lookup, begin bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, known := r.kept[id]
	if known {
		if age := now.Sub(last.began); age >= 0 && age < keptFor {
			return last, false
		}
	}
	if r.kept == nil {
		r.kept = make(map[payment.NetworkAccountID]*lookup)
	}
	l = &lookup{began: now, done: make(chan struct{})}
	switch {
	case known && last.ended():
		l.before = last
	case known:
		l.before = last.before
	}
	r.kept[id] = l
	return l, true
}

func (l *lookup) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// read carries a lookup out. Others may wait for it, so it does not end with the
// question that began it. The client stays the same as long as the account does,
// because it knows the rate at which the network may be asked.
func (r *Router) read(ctx context.Context, id payment.NetworkAccountID, l *lookup) {
	before := l.before
	l.err = errors.New("reading the account was interrupted")
	defer func() { r.end(id, l, before) }()
	account, found, err := r.Find(context.WithoutCancel(ctx), id)
	switch {
	case err != nil:
		l.err = fmt.Errorf("reading account %s: %w", id, err)
	case !found:
		l.err = fmt.Errorf("account %s: %w", id, card.ErrNoAccount)
	case before != nil && same(before.account, account):
		l.account, l.client, l.err = account, before.client, nil
	default:
		l.account = account
		if l.client, l.err = r.Make(account); l.err != nil {
			l.err = fmt.Errorf("making a client of account %s: %w", id, l.err)
		}
	}
}

// end lets the questions that wait for a lookup go on. After one that failed, the
// next question reads the account again, and finds the client from before. Unknown
// accounts take no memory.
func (r *Router) end(id payment.NetworkAccountID, l, before *lookup) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.before = nil
	if l.err != nil && r.kept[id] == l {
		delete(r.kept, id)
		if before != nil && !errors.Is(l.err, card.ErrNoAccount) {
			r.kept[id] = before
		}
	}
	close(l.done)
}

// same reports whether a client of one account can go on with the other. A
// client does not depend on the fields that are cleared.
func same(a, b store.NetworkAccount) bool {
	for _, x := range []*store.NetworkAccount{&a, &b} {
		x.Name, x.Fees, x.Default = "", payment.FeeRate{}, false
		x.EventsSeen, x.Stopped = time.Time{}, ""
	}
	return a.NetworkAccount == b.NetworkAccount && a.Secrets.Key() == b.Secrets.Key() &&
		slices.Equal(a.Secrets.Events(), b.Secrets.Events())
}
