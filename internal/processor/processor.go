// Package processor carries out each action in three parts: it commits the
// intent, asks the network and commits the outcome. The doors call this
// package; package payment decides, and package store keeps the decision.
package processor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Processor carries out actions. New makes one; Close it at the end. Only its
// methods write to the store, so a door that has a Processor and a store.Reader
// changes nothing in another way.
type Processor struct {
	Config
	Identity *identity.Service // of the people who use the server
	db       *store.DB

	alarms   pace.Seldom // lines in the log about accounts at card networks
	handover handover    // from Sweep to Release
	over     over        // the position of Sweep
	polls    polls       // of events
	compared polls       // of the books
	audit    audit       // of the books
	sums     daySums     // what moved on each day
	keyUses  keyUses     // of JSON keys, that were noted
	warnMost int         // holds that are warned of in one commit; set by tests, zero means warnMax

	auditHeadLogged atomic.Int64 // when the end of the audit log was logged, in microseconds

	webhooksOld polls // when old deliveries to webhook endpoints were looked for

	holdLooks looks[payment.PageHold]
	pageLooks looks[Finished]

	// linkKey is the key of guests' links; nil until it was read.
	linkKey atomic.Pointer[holdfast.SecretKey]

	mu      sync.Mutex
	idle    chan func()     // for goroutines that wait for work
	idling  atomic.Int64    // number of them
	asking  sync.WaitGroup  // questions under way; started under mu, and never after Stop
	running context.Context // until Stop; made at its first use
	stop    context.CancelFunc
	ended   bool
}

// New returns a processor of a store. The store stays open when it is closed.
func New(db *store.DB, c Config) *Processor {
	p := &Processor{Config: c, db: db, idle: make(chan func()), alarms: pace.Seldom{Hourly: 1}}
	p.Identity = identity.New(db, c.People, identity.Surroundings{
		Now: p.now, IDs: func() identity.IDs { return p.ids() },
		Opened:    func(tx *store.Tx, account party.Party) error { return tx.InsertInstrument(p.balanceOf(account)) },
		TakenOver: p.takenOver,
		Resumes: func(tx *store.ReadTx, visit string) (bool, error) {
			_, begun, err := tx.Visit(payment.VisitID(visit))
			return begun, err
		},
		Checked: func() { p.at(PointChecked) },
	})
	if c.BooksEvery >= 0 {
		db.NoteChanges(changedMax)
	}
	return p
}

// A Config says how a Processor works. Network, Now and Log are needed. Change
// nothing after the first action.
type Config struct {
	Network card.Network
	Now     func() time.Time // real time
	Log     *slog.Logger
	IDs     IDs // nil means RandomIDs of Now
	People  identity.Config
	// Live says that real money moves: then only the operator makes a party a
	// business.
	Live bool

	// Receipts writes the subject and text of a mail about a sender's approvals
	// and money. Nil means that senders get no such mail.
	Receipts func(payment.Receipt) (subject, text string)
	// NetworkLetters writes the subject and text of a letter to the operator and to
	// a recipient about what a card network has done by itself. Nil means that nobody
	// gets such letters. Operator is the operator's e-mail address; without one, only
	// the owner of the account gets them.
	NetworkLetters func(payment.NetworkNotice) (subject, text string)
	Operator       string
	// DueLetters writes the subject and text of a letter to a caller's owner about
	// holds whose deadline is near. Nil means that warnings are not mailed.
	DueLetters func(payment.DueNotice) (subject, text string)
	// BooksEvery is how often the audit begins to check the whole books. Zero means
	// 24 h, negative means never.
	BooksEvery time.Duration
	// BooksLetters writes the subject and text of a letter to the operator about rows
	// of the books that are wrong. Nil means that nobody gets it.
	BooksLetters func(payment.BooksNotice) (subject, text string)
	// BooksChecked is told how many changed transactions were checked, and how many
	// were missed because there were too many. Nil means that nobody watches.
	BooksChecked func(checked, missed int)

	Wait           time.Duration // how long every caller waits for the network; zero means as long as it wants
	NetworkTimeout time.Duration // of one question; zero means 15 s
	RefundWindow   time.Duration // see payment.RefundInput
	NotifyDelay    time.Duration // from a change to its notification; zero means 3 s, negative none

	// Reconciled is told how many unexplained differences the daily comparison of an
	// account has found. Nil means that nobody watches.
	Reconciled func(account payment.NetworkAccountID, differences int)

	// CallerChanged is called after the settings or the clock of a caller may have
	// changed. Nil means that nobody keeps callers.
	CallerChanged func()

	// LogMoves writes a line into the log for money that moves although no caller
	// waits: expiries, outcomes after the answer, and balances that go back. The
	// door writes the lines about answered requests.
	LogMoves bool
	// Expired is told how late an expiry was written, and Released how late an
	// expired hold was released at the card network. They are not told about callers
	// whose clock was moved. Nil means that nobody watches.
	Expired, Released func(lag time.Duration)
	// Warned is told how late a warning of a deadline was given; zero if the caller's
	// clock was moved. Nil means that nobody watches.
	Warned func(lag time.Duration)

	// Hook is called at named points between the steps of an action. Tests use it
	// to kill the process there.
	Hook func(point string)
}

// Points at which Hook is called.
const (
	PointIntent  = "intent"  // the intent is durable; the network was not asked yet
	PointWaited  = "waited"  // the caller's wait is over; its answer is not known yet
	PointOutcome = "outcome" // the outcome is durable; the caller has no answer yet
	PointChecked = "checked" // the password was right; the action that needs it follows
)

const (
	networkTimeoutDefault = 15 * time.Second
	notifyDelayDefault    = 3 * time.Second
	// inDoubtGrace is added to the network's time-out before another server asks
	// the same question again.
	inDoubtGrace = 5 * time.Second
	// lapseGrace is how long after the end of a hold the network is asked whether it
	// is gone. No network promises the minute.
	lapseGrace = 15 * time.Minute
	// acceptedPause is how long after a network has accepted a question it is asked
	// again. The network tells the outcome by itself, usually much sooner.
	acceptedPause = 6 * time.Hour
	// idleMax is the largest number of goroutines that wait for work.
	idleMax = 256
)

// Stop interrupts the questions under way and starts no more. The interrupted
// questions are in doubt, and the next server that runs asks them again. Stop
// returns at once and may be called more than once.
func (p *Processor) Stop() {
	p.untilStopped()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.stop()
}

// Close calls Stop and waits until the questions under way have ended.
func (p *Processor) Close() {
	p.Stop()
	p.asking.Wait()
}

// untilStopped returns a context that ends when the processor stops.
func (p *Processor) untilStopped() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		p.running, p.stop = context.WithCancel(context.Background())
	}
	return p.running
}

// start runs work in another goroutine unless the processor has stopped, and
// reports whether it did. Close waits for the work. A goroutine whose work has
// ended takes the next one, because its stack has grown already.
func (p *Processor) start(work func()) bool {
	running := p.untilStopped()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	select {
	case p.idle <- work:
	default:
		p.asking.Go(func() { p.workUntil(running.Done(), work) })
	}
	return true
}

// workUntil carries out work, and then more of it, until the processor stops. It
// ends early if enough goroutines wait for work already.
func (p *Processor) workUntil(stopped <-chan struct{}, work func()) {
	for {
		work()
		if p.idling.Add(1) > idleMax {
			p.idling.Add(-1)
			return
		}
		select {
		case work = <-p.idle:
			p.idling.Add(-1)
		case <-stopped:
			return
		}
	}
}

// Micro returns a time as the store keeps it: whole microseconds, in UTC.
func Micro(t time.Time) time.Time { return t.Truncate(time.Microsecond).UTC() }

func (p *Processor) now() time.Time { return Micro(p.Now()) }

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

// failure turns the error of an Update into the error for the caller. A refusal
// stays as it is. If another request changed a row at the same moment, the
// caller may try again.
func failure(err error) error {
	if errors.Is(err, store.ErrStale) {
		return holdfast.Errorf(holdfast.ConcurrentModification,
			"the transaction was changed by another request at the same moment")
	}
	return err
}

// record writes a change with its notification, its mail and its question, which
// the caller of record then asks. It also writes the change of the hold that a
// part draws from. Afterwards c.After is the transaction as it was written, and
// c.Ask is the question to ask now.
//
// The question gets the network's name for the card here. Package payment knows
// only the instrument's id, and most changes, such as a Settle or an expiry,
// come without the instrument. For a new payment, load has read the same row
// already. In a commit that actions share, the store answers the second read
// from memory.
func (p *Processor) record(
	tx *store.Tx, caller party.Caller, c *payment.Change, real time.Time,
) error {
	if c.Ask != nil {
		i, found, err := tx.Instrument(c.After.Sender, c.Ask.Instrument)
		if err != nil || !found {
			return errors.Join(err, missing(found, "instrument", string(c.Ask.Instrument)))
		}
		if c.Ask.Card = i.Stored(); c.Ask.Card.Real() && c.Before.State != payment.None {
			known, _, err := tx.NetworkPayment(c.After.Caller, c.After.ID)
			if err != nil {
				return err
			}
			*c.Ask = c.Ask.Knowing(known)
		}
	}
	if err := p.recordFor(tx, caller, c, real, real.Add(p.patience())); err != nil || c.Member == nil {
		return err
	}
	return p.recordWithEffects(tx, caller, c.Member, real)
}

// patience is how long a question belongs to the server that asked it first.
func (p *Processor) patience() time.Duration {
	return or(p.NetworkTimeout, networkTimeoutDefault) + inDoubtGrace
}

// recordFor is record without the network's name for the card. Resolve may ask
// the question from nextAsk on. A hold that the network lets go soon by itself is
// not asked about now: Resolve looks once when it is gone.
func (p *Processor) recordFor(
	tx *store.Tx, caller party.Caller, c *payment.Change, real, nextAsk time.Time,
) error {
	lapses := c.LeftToLapse()
	if lapses {
		nextAsk = c.Ask.Lapses.Add(lapseGrace)
	}
	if c.ReachesDeadline() {
		if err := p.warnAtLast(tx, caller, c, real); err != nil {
			return err
		}
	}
	r := store.Recording{Notification: p.owed(caller, c, real), NextAsk: nextAsk, Events: caller.Events, Real: real}
	if err := tx.Record(c, r); err != nil {
		return err
	}
	if c.MayMissWarnings(&caller) {
		if err := p.seekAgain(tx, caller, &c.After); err != nil {
			return err
		}
	}
	if lapses {
		c.Ask = nil
	}
	return p.tellSender(tx, caller, c)
}

// owed returns the notification of a change, or nil if the caller gets none. A
// Reserve that may still be answered at once has none of its intent: see
// answerPending.
func (p *Processor) owed(caller party.Caller, c *payment.Change, real time.Time) *store.Notification {
	if !c.Told() || c.Verb == payment.VerbReserve && !pendingAtOnce(&caller, c) && !caller.PendingNotice {
		return nil
	}
	return p.notificationOf(caller, &c.After, real)
}

// notificationOf returns a notification of the latest step of a transaction, or
// nil if there is no address for it.
func (p *Processor) notificationOf(caller party.Caller, t *payment.Transaction, real time.Time) *store.Notification {
	url := ipnURL(caller, t.IPNURL)
	if url == "" {
		return nil
	}
	n := p.notification(caller, url, real)
	n.Overrides = t.IPNURL != ""
	n.About, n.Transaction = store.AboutTransaction, t.ID
	return &n
}

// ipnURL returns the address for a notification: the request's, or else the
// caller's own.
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
		Moved: caller.ClockOffset != 0,
	}
}

// callerOf reads the caller again inside a transaction, because its clock may
// have moved since the door read it.
func callerOf(tx *store.ReadTx, id party.CallerID) (party.Caller, error) {
	c, found, err := tx.Caller(id)
	if err == nil && !found {
		err = holdfast.Errorf(holdfast.InvalidAccountStateCaller, "the caller's account is closed")
	}
	return c, err
}

// partyInPayment reads a party that takes part in a payment.
func partyInPayment(tx *store.ReadTx, id party.ID) (party.Party, error) {
	const why = "thousands of payments read a shop; a shop that is suspended at the same moment may be paid once more"
	return partyOf(tx.Unlocked(why), id)
}

// partyOf reads a party that must exist.
func partyOf(tx *store.ReadTx, id party.ID) (party.Party, error) { return identity.PartyOf(tx, id) }
