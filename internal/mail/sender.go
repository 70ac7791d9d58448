// Package mail delivers letters to parties: to a mail server, at least once,
// or into the inbox of a sandbox.
package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Sender takes mails from the store and sends them. Several may run on one
// store: each mail is claimed by one.
type Sender struct {
	Store *store.DB
	// Relay accepts the mails. nil means that there is none.
	Relay *Relay
	// Inbox leaves the mails in the store, to be read there, and sends none.
	Inbox bool
	Now   func() time.Time
	Log   *slog.Logger
}

const (
	// slots limits the mails under way.
	slots = 8
	// leaseTimeouts is how long a lease is, in time-outs of one mail: one to send
	// it, the rest to write the result.
	leaseTimeouts = 3
	// triesLife ends the tries: by then nobody waits for the mail, and what it
	// links to has ended.
	triesLife = 24 * time.Hour
	// triesMax also ends the tries. It counts when a clock was put back.
	triesMax = 40
	// Life is how long a mail stays that is in the inbox or was given up. Other
	// mails are deleted when they have arrived.
	Life = 7 * 24 * time.Hour
)

// pauses are the times between tries; the last one repeats. The first is short,
// because a user is waiting for the mail.
var pauses = []time.Duration{
	30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour,
}

// On reports whether mails can be read by anybody.
func (s *Sender) On() bool { return s.Relay != nil || s.Inbox }

// RunOnce sends a few mails that are due, each once, or keeps them in the
// inbox. It reports how many mails it handled. The error is the store's, not a
// mail server's.
func (s *Sender) RunOnce(ctx context.Context) (done int, err error) {
	forgotten, err := s.forget(ctx)
	switch {
	case err != nil:
	case s.Inbox:
		done, err = s.keep(ctx)
	case s.Relay != nil:
		done, err = s.send(ctx)
	default:
		done, err = s.giveUp(ctx)
	}
	return forgotten + done, err
}

func (s *Sender) forget(ctx context.Context) (forgotten int, err error) {
	before := s.Now().Add(-Life)
	var old bool
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		old, err = tx.MailOld(before)
		return err
	})
	if err != nil || !old {
		return 0, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		forgotten, err = tx.ForgetMails(before)
		return err
	})
	return forgotten, err
}

func (s *Sender) keep(ctx context.Context) (kept int, err error) {
	due, err := s.due(ctx, s.Now())
	if err != nil || !due {
		return 0, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		kept, err = tx.KeepMails()
		return err
	})
	return kept, err
}

// giveUp gives up mails that have waited too long for a mail server to be
// configured.
func (s *Sender) giveUp(ctx context.Context) (givenUp int, err error) {
	before := s.Now().Add(-triesLife)
	due, err := s.due(ctx, before)
	if err != nil || !due {
		return 0, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		givenUp, err = tx.GiveUpMails(before, "there is no mail server")
		return err
	})
	if err == nil && givenUp > 0 {
		s.Log.Error("mails given up, there is no mail server", "mails", givenUp)
	}
	return givenUp, err
}

// send sends the mails that it can claim, and waits for them.
func (s *Sender) send(ctx context.Context) (done int, err error) {
	due, err := s.due(ctx, s.Now())
	if err != nil || !due {
		return 0, err
	}
	var claimed []store.Mail
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		now := s.Now()
		claimed, err = tx.ClaimMails(now, now.Add(leaseTimeouts*s.Relay.timeout()), slots)
		return err
	})
	if err != nil {
		return 0, err
	}
	errs := make([]error, len(claimed))
	var sending sync.WaitGroup
	for i, d := range claimed {
		sending.Go(func() { errs[i] = s.deliver(ctx, d) })
	}
	sending.Wait()
	return len(claimed), errors.Join(errs...)
}

// due reports whether anything was due at a time, so that an idle server does not
// write.
func (s *Sender) due(ctx context.Context, at time.Time) (due bool, err error) {
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		due, err = tx.MailDue(at)
		return err
	})
	return due, err
}

// deliver makes one try and writes the result. A try that was cut short by the
// end of the server does not count. The mail may have arrived all the same, and
// comes again under the same Message-ID.
func (s *Sender) deliver(ctx context.Context, m store.Mail) error {
	failure := error(&refusedError{"it is a day old"})
	if s.Now().Before(m.Queued.Add(triesLife)) {
		failure = s.Relay.Send(ctx, m.Mail)
	}
	next, again := nextTry(m, s.Now())
	_, refused := errors.AsType[*refusedError](failure)
	about := []any{"mail", m.ID, "to", domainOf(m.To), "tries", m.Tries}
	switch {
	case failure == nil:
		s.Log.Debug("mail sent", about...)
		return s.write(ctx, m, func(tx *store.Tx) error { return tx.RemoveMail(m, s.Now()) })
	case ctx.Err() != nil && !refused:
		return s.write(ctx, m, func(tx *store.Tx) error { return tx.ReturnMail(m) })
	case refused || !again:
		s.Log.Error("mail given up", append(about, "error", failure)...)
		return s.write(ctx, m, func(tx *store.Tx) error { return tx.GiveUpMail(m, failure.Error()) })
	}
	s.Log.Warn("mail not sent, will be tried again", append(about, "error", failure, "next", next)...)
	return s.write(ctx, m, func(tx *store.Tx) error { return tx.RetryMail(m, failure.Error(), next) })
}

// nextTry says when to try again, and whether to.
func nextTry(m store.Mail, now time.Time) (next time.Time, again bool) {
	next = now.Add(pauses[min(max(m.Tries, 1), len(pauses))-1])
	return next, m.Tries < triesMax && next.Before(m.Queued.Add(triesLife))
}

// write writes the result of a try, even if the server is about to stop.
func (s *Sender) write(ctx context.Context, m store.Mail, outcome func(*store.Tx) error) error {
	err := s.Store.Update(context.WithoutCancel(ctx), outcome)
	if err != nil {
		return fmt.Errorf("writing what came of mail %s: %w", m.ID, err)
	}
	return nil
}

// domainOf is the part of an address that the log may contain; the rest names a
// person.
func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
