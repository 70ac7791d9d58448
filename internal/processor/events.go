package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A card network tells of changes by messages to an address of this server, and
// by a list that is polled. Both only say where to look. The messages are stored
// once, answered at once and worked off later, each by looking at the network: see
// payment.HeardInput.

const (
	eventsMax    = 64               // events in one batch of WorkEvents
	eventLease   = 10 * time.Minute // of one event; each look has the time-out of a question
	eventDelay   = time.Second      // from a message to the first look: our own answer usually comes first
	eventLooks   = 12               // looks for one event in one try
	eventPause   = 10 * time.Second // before the second try; then it doubles
	pauseMax     = time.Hour
	eventLife    = 3 * 24 * time.Hour // of tries
	eventsKept   = 90 * 24 * time.Hour
	eventIDMax   = 255 // bytes
	problemMax   = 300 // bytes of a problem that are kept
	pollEvery    = 10 * time.Minute
	pollOverlap  = 5 * time.Minute
	forgottenMax = 1000 // events in one batch of ForgetEvents
)

// TakeEvent stores a message that came to the address of an account, once. It is
// a *card.MessageError if the message is not the network's, and card.ErrNoAccount
// if there is no such account. Nothing is done about the message here.
func (p *Processor) TakeEvent(
	ctx context.Context, account payment.NetworkAccountID, header map[string][]string, body []byte,
) error {
	teller, err := p.client(ctx, account)
	if err != nil {
		return err
	}
	now := p.now()
	e, err := teller.Hear(header, body, now)
	if refused, ok := errors.AsType[*card.MessageError](err); ok && refused.Foreign {
		return nil
	}
	if err != nil {
		return err
	}
	if e.ID == "" || max(len(e.ID), len(e.Type), len(e.Object), len(e.Parent), len(e.Key)) > eventIDMax {
		return &card.MessageError{Reason: "it is not an event"}
	}
	return p.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.InsertNetworkEvent(stored(account, e, now, now.Add(eventDelay)))
		return err
	})
}

func stored(account payment.NetworkAccountID, e card.Event, now, next time.Time) store.NetworkEvent {
	return store.NetworkEvent{
		Account: account, ID: e.ID, Type: e.Type, Object: e.Object, Parent: e.Parent, Key: e.Key, Created: e.Created,
		Received: now, NextAt: next, Outcome: store.NetworkEventWaiting,
	}
}

// polls remembers when this server has done something for each account last.
type polls struct {
	mu   sync.Mutex
	last map[payment.NetworkAccountID]time.Time
}

// due reports whether it must be done again, and notes that it is.
func (l *polls) due(account payment.NetworkAccountID, now time.Time, every time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, known := l.last[account]; known && now.Before(last.Add(every)) {
		return false
	}
	if l.last == nil {
		l.last = make(map[payment.NetworkAccountID]time.Time)
	}
	l.last[account] = now
	return true
}

// again makes an account due at once.
func (l *polls) again(account payment.NetworkAccountID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.last, account)
}

// PollEvents reads the events of each account every ten minutes, and stores those
// that no message has brought. A server that the network cannot reach hears of
// everything in this way, only later. It reports how many events were new.
func (p *Processor) PollEvents(ctx context.Context) (added int, err error) {
	accounts, err := p.accounts(ctx)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, a := range accounts {
		if !p.polls.due(a.ID, p.now(), pollEvery) {
			continue
		}
		n, err := p.pollAccount(ctx, a)
		if err != nil {
			failed = append(failed, fmt.Errorf("reading the events of account %s: %w", a.ID, err))
		}
		added += n
	}
	return added, errors.Join(failed...)
}

// accounts reads the accounts that this server can ask.
func (p *Processor) accounts(ctx context.Context) (accounts []payment.NetworkAccount, err error) {
	if _, ok := p.Network.(card.Accounts); !ok {
		return nil, nil
	}
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		accounts = nil
		all, err := tx.NetworkAccounts()
		for _, a := range all {
			accounts = append(accounts, a.NetworkAccount)
		}
		return err
	})
	return accounts, err
}

func (p *Processor) pollAccount(ctx context.Context, a payment.NetworkAccount) (added int, err error) {
	teller, err := p.client(ctx, a.ID)
	if err != nil {
		return 0, err
	}
	since := a.EventsSeen
	if since.IsZero() {
		since = a.Created
	}
	ctx, cancel := context.WithTimeout(card.Background(ctx), eventLease)
	defer cancel()
	events, err := teller.Events(ctx, since.Add(-pollOverlap))
	if err != nil || len(events) == 0 {
		return 0, err
	}
	now, seen := p.now(), a.EventsSeen
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		added = 0
		for _, e := range events {
			if e.Created.After(seen) {
				seen = e.Created
			}
			is, err := tx.InsertNetworkEvent(stored(a.ID, e, now, now))
			if err != nil {
				return err
			}
			if is {
				added++
			}
		}
		return tx.SetEventsSeen(a.ID, seen)
	})
	if err == nil && added > 0 {
		p.polls.again(a.ID) // there may be more than one reading has
	}
	return added, err
}

// WorkEvents looks at what the stored events are about, one bounded batch, and
// reports how many were worked off.
func (p *Processor) WorkEvents(ctx context.Context) (worked int, err error) {
	claimed, err := p.claimEvents(ctx)
	if err != nil || len(claimed) == 0 {
		return 0, err
	}
	// Events about one payment follow each other: they would write the same rows.
	about := make(map[string][]store.NetworkEvent)
	for _, e := range claimed {
		key := string(e.Account) + " " + cmp.Or(e.Parent, e.Object, e.ID)
		about[key] = append(about[key], e)
	}
	groups := make(chan []store.NetworkEvent, len(about))
	for _, group := range about {
		groups <- group
	}
	close(groups)
	var done atomic.Int64
	var failed failures
	sideBySide(ctx, groups, func(group []store.NetworkEvent) {
		for _, e := range group {
			finished, err := p.workEvent(ctx, e)
			if err != nil {
				failed.add(fmt.Errorf("working off event %s of account %s: %w", e.ID, e.Account, err))
			}
			if finished {
				done.Add(1)
			}
		}
	})
	return int(done.Load()), failed.join()
}

func (p *Processor) claimEvents(ctx context.Context) (claimed []store.NetworkEvent, err error) {
	var due bool
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		due, err = tx.NetworkEventsDue(p.now())
		return err
	})
	if err != nil || !due {
		return nil, err
	}
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		now := p.now()
		claimed, err = tx.ClaimNetworkEvents(now, now.Add(eventLease), eventsMax)
		return err
	})
	return claimed, err
}

// workEvent works on one event and writes the outcome.
func (p *Processor) workEvent(ctx context.Context, e store.NetworkEvent) (finished bool, err error) {
	outcome, why := p.lookAt(ctx, e)
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // the server ends; the lease does, too
	}
	now := p.now()
	e.Outcome, e.Problem, e.NextAt = outcome, "", time.Time{}
	if why != nil {
		text := why.Error()
		e.Problem = strings.ToValidUTF8(text[:min(len(text), problemMax)], "")
	}
	if outcome == store.NetworkEventWaiting {
		e.NextAt = now.Add(min(eventPause<<min(e.Tries-1, 16), pauseMax))
		if now.Sub(e.Received) >= eventLife {
			e.Outcome = store.NetworkEventGivenUp
		}
	}
	if e.Outcome == store.NetworkEventGivenUp {
		p.Log.Error("an event of the card network was given up; an operator must look", "account", e.Account,
			"event", e.ID, "type", e.Type, "object", e.Object, "problem", e.Problem)
	}
	err = p.db.Background(ctx, func(tx *store.Tx) error { return tx.FinishNetworkEvent(e) })
	return err == nil && e.Outcome != store.NetworkEventWaiting, err
}

// errNotYet means that a part of what was found cannot be booked yet.
var errNotYet = errors.New("the books cannot have this yet")

// lookAt looks at what an event is about until the books have what was found. An
// error says why they have not.
func (p *Processor) lookAt(ctx context.Context, e store.NetworkEvent) (outcome store.NetworkEventOutcome, err error) {
	defer func() {
		if broken := recover(); broken != nil { // a network's code must not end the server
			outcome, err = store.NetworkEventWaiting, fmt.Errorf("panic: %v", broken)
		}
	}()
	teller, err := p.client(ctx, e.Account)
	if err != nil {
		return store.NetworkEventWaiting, err
	}
	event := card.Event{
		ID: e.ID, Type: e.Type, Object: e.Object, Parent: e.Parent, Key: e.Key, Created: e.Created,
	}
	for range eventLooks {
		looking, cancel := context.WithTimeout(card.Background(ctx), or(p.NetworkTimeout, networkTimeoutDefault))
		found, err := teller.Look(looking, event)
		cancel()
		if err != nil {
			return store.NetworkEventWaiting, fmt.Errorf("looking at the network: %w", err)
		}
		outcome, more, err := p.heard(ctx, e, found)
		if errors.Is(err, store.ErrStale) {
			continue // another server has written something about the payment
		}
		if err != nil || !more {
			return outcome, err
		}
	}
	return store.NetworkEventWaiting, errors.New("the payment changes all the time")
}

// heard takes one step towards what was found. more says that it did, so that the
// network has to be looked at again.
func (p *Processor) heard(
	ctx context.Context, e store.NetworkEvent, found card.Finding,
) (outcome store.NetworkEventOutcome, more bool, err error) {
	outcome = store.NetworkEventDone
	switch {
	case found.Payment != nil:
		return p.heardOfPayment(ctx, e, *found.Payment)
	case found.Page != nil:
		if _, err = p.FinishPage(ctx, e.Account, found.PageID); errors.Is(err, ErrNoPage) {
			outcome, err = store.NetworkEventIgnored, nil // it is not ours, or its visit is forgotten
		}
	case found.Removed != "":
		err = p.db.Background(ctx, func(tx *store.Tx) error {
			return tx.SpoilInstruments(e.Account, found.Removed, "The card was removed at the card network.")
		})
	case found.Payout != "":
		_, err = p.ImportPayout(ctx, e.Account, found.Payout)
	default:
		outcome = store.NetworkEventIgnored
	}
	if err != nil {
		return store.NetworkEventWaiting, false, err
	}
	return outcome, false, nil
}

// RetryEvents makes the events of an account due that were given up, and reports
// how many.
func (p *Processor) RetryEvents(ctx context.Context, account payment.NetworkAccountID) (queued int, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if queued, err = tx.RetryNetworkEvents(account, p.now()); err != nil {
			return err
		}
		return tx.Log(party.AuditEntry{
			Action: "network.retry_events", Object: string(account), After: party.Facts{"events": strconv.Itoa(queued)},
		}, p.now())
	})
	return queued, err
}

// ForgetEvents removes old events, one bounded batch, and reports how many.
func (p *Processor) ForgetEvents(ctx context.Context) (forgotten int, err error) {
	before := p.now().Add(-eventsKept)
	var old bool
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		old, err = tx.NetworkEventsOld(before)
		return err
	})
	if err != nil || !old {
		return 0, err
	}
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		forgotten, err = tx.ForgetNetworkEvents(before, forgottenMax)
		return err
	})
	return forgotten, err
}
