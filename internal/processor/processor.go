// Package processor carries out each action: intent, network, outcome. The
// doors ask it, payment decides, store keeps the decision.
package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Processor carries out actions. Set the fields, use it, Close it.
type Processor struct {
	Store   *store.DB
	Network card.Network
	Now     func() time.Time // real time
	Log     *slog.Logger
	IDs     IDs                 // nil means RandomIDs of Now
	Fees    payment.FeeSchedule // zero means payment.DefaultFees; no command sets another
	Hashing party.Hashing       // of passwords and codes; zero means party.StrongHashing
	Live    bool                // real money moves, and only the operator makes a party a business; no command sets it yet

	// Letters puts into words what parties are told by mail. Nil means that no mail
	// can be sent: then every e-mail address counts as verified.
	Letters func(party.Notice) (subject, text string)
	// Receipts puts into words what senders are told by mail of their approvals and
	// their money. Nil tells them nothing.
	Receipts func(payment.Receipt) (subject, text string)
	// VerifyWithin is how long after signing up somebody may pay before the e-mail
	// address is verified; zero means 24 h, negative not at all.
	VerifyWithin time.Duration

	Wait           time.Duration // a caller's for the network; zero means 2 s
	NetworkTimeout time.Duration // of one question; zero means 15 s
	RefundWindow   time.Duration // see payment.RefundInput
	NotifyDelay    time.Duration // from a change to its first notification; zero means 3 s, negative none

	// Hook is called at named points between the steps of an action, for tests
	// that kill the process there.
	Hook func(point string)

	handover handover // from Sweep to Release
	over     over     // of Sweep

	mu      sync.Mutex
	asking  sync.WaitGroup  // questions under way; begun under mu, and not once stopped
	running context.Context // until Stop; made by the first who needs it
	stop    context.CancelFunc
	ended   bool
}

// Points where Hook is called.
const (
	PointIntent  = "intent"  // the intent is durable, the network was not asked
	PointOutcome = "outcome" // the outcome is durable, the caller was not answered
	PointChecked = "checked" // a password was right, what it was asked for is to follow
)

const (
	waitDefault           = 2 * time.Second
	networkTimeoutDefault = 15 * time.Second
	notifyDelayDefault    = 3 * time.Second
	// inDoubtGrace is added to the network's time-out before somebody else asks
	// the same question again.
	inDoubtGrace = 5 * time.Second
)

// Stop cuts short the questions under way and begins no more. What that leaves
// open is in doubt, and asked again by whoever starts next. It returns at once,
// and may be called more than once.
func (p *Processor) Stop() {
	p.untilStopped()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.stop()
}

// Close stops, and waits until the questions under way have ended.
func (p *Processor) Close() {
	p.Stop()
	p.asking.Wait()
}

// untilStopped is a context that ends with the processor.
func (p *Processor) untilStopped() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		p.running, p.stop = context.WithCancel(context.Background())
	}
	return p.running
}

// start runs work beside the caller unless the processor has stopped, and
// reports whether it did. Close waits for it.
func (p *Processor) start(work func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	p.asking.Go(work)
	return true
}

// Micro is a time as it is kept: whole microseconds, UTC.
func Micro(t time.Time) time.Time { return t.Truncate(time.Microsecond).UTC() }

func (p *Processor) now() time.Time { return Micro(p.Now()) }

func (p *Processor) fees() payment.FeeSchedule {
	if p.Fees == (payment.FeeSchedule{}) {
		return payment.DefaultFees
	}
	return p.Fees
}

func (p *Processor) passwords() party.Hashing {
	if p.Hashing == (party.Hashing{}) {
		return party.StrongHashing
	}
	return p.Hashing
}

func or(d, otherwise time.Duration) time.Duration {
	switch {
	case d == 0:
		return otherwise
	case d < 0:
		return 0
	}
	return d
}

func (p *Processor) at(point string) {
	if p.Hook != nil {
		p.Hook(point)
	}
}

// failure makes what the caller is told of an Update that failed: a refusal
// stays one, a row that moved under our feet may be tried again.
func failure(err error) error {
	if errors.Is(err, store.ErrStale) {
		return holdfast.Errorf(holdfast.ConcurrentModification,
			"the transaction was changed by another request at the same moment")
	}
	return err
}

// record writes a change with all that belongs to it. The question that goes
// with it is about to be asked.
func (p *Processor) record(
	tx *store.Tx, caller party.Caller, c payment.Change, real time.Time,
) (payment.Transaction, error) {
	if c.Ask != nil {
		i, found, err := tx.Instrument(c.After.Sender, c.Ask.Instrument)
		if err != nil || !found {
			return c.After, errors.Join(err, missing(found, "instrument", string(c.Ask.Instrument)))
		}
		c.Ask.CardRef = i.NetworkRef
	}
	return p.recordFor(tx, caller, c, real, real.Add(p.patience()))
}

// patience is how long a question is left to who asked it first.
func (p *Processor) patience() time.Duration {
	return or(p.NetworkTimeout, networkTimeoutDefault) + inDoubtGrace
}

// recordFor is record for a question that Resolve is to ask from nextAsk on.
func (p *Processor) recordFor(
	tx *store.Tx, caller party.Caller, c payment.Change, real, nextAsk time.Time,
) (payment.Transaction, error) {
	after, err := tx.Record(c, p.owed(caller, c, real), nextAsk)
	if err != nil {
		return after, err
	}
	return after, p.tellSender(tx, caller, c)
}

// owed is the notification of a change, or nil where nobody is told.
func (p *Processor) owed(caller party.Caller, c payment.Change, real time.Time) *store.Notification {
	url := ipnURL(caller, c.After.IPNURL)
	if url == "" || !c.Told() {
		return nil
	}
	n := p.notification(caller, url, real)
	n.Overrides = c.After.IPNURL != ""
	n.About, n.Transaction = store.AboutTransaction, c.After.ID
	return &n
}

// ipnURL is where a notification goes: where the request said, else where the
// caller's account says.
func ipnURL(caller party.Caller, override string) string {
	if override != "" {
		return override
	}
	return caller.IPNURL
}

func (p *Processor) notification(caller party.Caller, url string, real time.Time) store.Notification {
	created := caller.Now(real)
	return store.Notification{
		Caller: caller.ID, URL: url, Created: created, NextAt: created.Add(or(p.NotifyDelay, notifyDelayDefault)),
	}
}

// callerOf reads the caller again inside a transaction: its clock may have moved
// since the door looked.
func callerOf(tx *store.ReadTx, id party.CallerID) (party.Caller, error) {
	c, found, err := tx.Caller(id)
	if err == nil && !found {
		err = holdfast.Errorf(holdfast.InvalidAccountStateCaller, "the caller's account is closed")
	}
	return c, err
}

// partyInPayment reads a party that takes part in a payment.
func partyInPayment(tx *store.ReadTx, id party.ID) (party.Party, error) {
	return partyOf(tx.Unlocked("thousands of payments read a shop; one that is suspended in the same moment may be paid "+
		"once more"), id)
}

// partyOf reads a party that must exist.
func partyOf(tx *store.ReadTx, id party.ID) (party.Party, error) {
	found, ok, err := tx.Party(id)
	if err == nil && !ok {
		err = fmt.Errorf("party %s is missing", id)
	}
	return found, err
}
