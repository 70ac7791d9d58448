package processor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Points at which Hook is called between the steps of a warning.
const (
	PointWarningDue  = "warning-due"  // holds to warn of were found, and nothing is written
	PointWarned      = "warned"       // the warnings are durable, and their mail is not written
	PointWarningMail = "warning-mail" // the mail is durable
)

const warnMax = 200 // holds that are warned of in one commit

// WarnOfDeadlines gives the warnings that are due, one bounded batch of each
// caller, and writes the mails about them. It reports how many warnings and
// mails. A warning that was not given before the deadline is given in the commit
// of the expiry.
func (p *Processor) WarnOfDeadlines(ctx context.Context) (done int, err error) {
	var callers []party.Caller
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		callers, err = tx.CallersToWarn(p.now())
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, c := range callers {
		given, failed := p.warnCaller(ctx, c)
		done, err = done+given, errors.Join(err, failed)
	}
	mailed, failed := p.mailWarnings(ctx)
	return done + mailed, errors.Join(err, failed)
}

// warnCaller gives a caller's warnings. After a full batch it leaves the shorter
// warning times to the next round, so that each hold is warned of in order.
func (p *Processor) warnCaller(ctx context.Context, c party.Caller) (given int, err error) {
	for _, before := range c.Warnings.Times() {
		n, full, err := p.warnHolds(ctx, c.ID, before)
		given += n
		if err != nil || full {
			return given, err
		}
	}
	return given, nil
}

// warnHolds gives one of a caller's warnings to a batch of holds.
func (p *Processor) warnHolds(
	ctx context.Context, id party.CallerID, before time.Duration,
) (given int, full bool, err error) {
	var mark store.WarningMark
	var holds []payment.Transaction
	var until time.Time
	limit := cmp.Or(p.warnMost, warnMax)
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		caller, err := callerOf(tx, id)
		if err != nil {
			return err
		}
		var found bool
		if mark, found, err = tx.WarningMark(id, before); err != nil || !found {
			return err
		}
		until = caller.Now(p.now()).Add(before)
		holds, err = tx.HoldsToWarn(mark, until, limit)
		return err
	})
	if full = len(holds) == limit; full { // other holds may have the deadline of the last one
		until = holds[limit-1].Deadline.Add(-time.Microsecond)
	}
	if err != nil || len(holds) == 0 && !until.After(mark.Until) {
		return 0, false, err
	}
	p.at(PointWarningDue)
	var lags []time.Duration
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		lags = nil
		caller, err := callerOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		now := caller.Now(p.now())
		lags, err = p.warnFrom(tx, caller, mark, holds, now)
		if latest := now.Add(before); err == nil && until.After(latest) {
			until = latest
		}
		if err != nil || !until.After(mark.Until) {
			return err
		}
		return tx.MoveWarningMark(mark, until)
	})
	if errors.Is(err, store.ErrStale) { // another server warns, or the clock has moved
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	p.warned(lags)
	return len(lags), full, nil
}

// warnFrom gives the warnings of a mark to holds that are still open.
func (p *Processor) warnFrom(
	tx *store.Tx, caller party.Caller, mark store.WarningMark, holds []payment.Transaction, now time.Time,
) ([]time.Duration, error) {
	ids := make([]holdfast.TransactionID, len(holds))
	for i, t := range holds {
		ids[i] = t.ID
	}
	current, err := tx.Transactions(caller.ID, ids)
	if err != nil {
		return nil, err
	}
	var due []payment.Warning
	known := make(members)
	for _, id := range ids {
		t := current[id]
		known[id] = &t
		due = append(due, t.Warnings([]time.Duration{mark.Before}, now)...)
	}
	return p.warn(tx, caller, due, known, now)
}

// members are transactions that an action has read and may change.
type members map[holdfast.TransactionID]*payment.Transaction

// root is the first Reserve of the hold of a member.
func (m members) root(tx *store.Tx, member *payment.Transaction) (*payment.Transaction, error) {
	if member.Link == "" {
		return member, nil
	}
	if m[member.Parent] == nil {
		t, found, err := tx.Transaction(member.Caller, member.Parent)
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, "transaction", string(member.Parent)))
		}
		m[member.Parent] = &t
	}
	return m[member.Parent], nil
}

// warn gives the warnings that were not given before, about members that are
// known. It returns how late each is.
func (p *Processor) warn(
	tx *store.Tx, caller party.Caller, due []payment.Warning, known members, now time.Time,
) (lags []time.Duration, err error) {
	fresh, err := tx.NotWarned(due)
	if err != nil {
		return nil, err
	}
	for _, w := range fresh {
		w.Mail = caller.WarningMails && p.DueLetters != nil
		if err := tx.AddWarning(w); err != nil {
			return nil, err
		}
		if err := p.addWarningEvent(tx, caller, w, known); err != nil {
			return nil, err
		}
		lag := now.Sub(w.At)
		if caller.ClockOffset != 0 {
			lag = 0
		}
		lags = append(lags, lag)
	}
	return lags, nil
}

// addWarningEvent writes the event of a warning, if the caller has events.
func (p *Processor) addWarningEvent(tx *store.Tx, caller party.Caller, w payment.Warning, known members) error {
	if !caller.Events {
		return nil
	}
	root, err := known.root(tx, known[w.Transaction])
	if err != nil {
		return err
	}
	hold := payment.Hold{Members: []payment.Transaction{*root}}
	if root.Linked > 0 || root.Taken.Positive() {
		var found bool
		if hold, found, err = tx.Hold(root.Caller, root.ID); err != nil || !found {
			return errors.Join(err, missing(found, "hold", string(root.ID)))
		}
	}
	return tx.AddTransactionEvent(root, hold.DeadlineNear(w), p.now())
}

// warned tells how late warnings were given.
func (p *Processor) warned(lags []time.Duration) {
	if p.Warned == nil {
		return
	}
	for _, lag := range lags {
		p.Warned(lag)
	}
}

// warnAtLast gives the warnings of a hold that expires, in the commit of the
// expiry.
func (p *Processor) warnAtLast(tx *store.Tx, caller party.Caller, c *payment.Change, real time.Time) error {
	due := c.Before.Warnings(caller.Warnings.Times(), c.Before.Deadline)
	_, err := p.warn(tx, caller, due, members{c.Before.ID: &c.Before}, caller.Now(real))
	return err
}

// seekAgain makes WarnOfDeadlines look again at the deadline of a hold that became
// open late.
func (p *Processor) seekAgain(tx *store.Tx, caller party.Caller, t *payment.Transaction) error {
	for _, before := range caller.Warnings.Times() {
		mark, found, err := tx.WarningMark(caller.ID, before)
		if err != nil {
			return err
		}
		if found && !mark.Until.Before(t.Deadline) {
			if err := tx.MoveWarningMark(mark, t.Deadline.Add(-time.Microsecond)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Limits of the mails with warnings.
const (
	warningMailEvery = 15 * time.Minute // by the caller's clock
	warningMailMax   = 2000             // warnings that one mail is about
	dueHoldsMax      = 50               // holds that a letter lists, of those that are open and of those that expired
)

// mailWarnings writes a mail to each caller that has new warnings, and not more
// often than every 15 minutes.
func (p *Processor) mailWarnings(ctx context.Context) (mailed int, err error) {
	if p.DueLetters == nil {
		return 0, nil
	}
	var callers []party.Caller
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		all, err := tx.CallersToMail()
		if err != nil {
			return err
		}
		callers = nil
		for _, c := range all {
			last, err := tx.WarnedByMail(c.ID)
			if err != nil {
				return err
			}
			if since := c.Now(p.now()).Sub(last); since < 0 || since >= warningMailEvery {
				callers = append(callers, c)
			}
		}
		return nil
	})
	if err != nil || len(callers) == 0 {
		return 0, err
	}
	p.at(PointWarned)
	for _, c := range callers {
		written, failed := p.mailCaller(ctx, c.ID)
		err = errors.Join(err, failed)
		if written {
			mailed++
		}
	}
	return mailed, err
}

// mailCaller writes one mail about all of a caller's new warnings.
func (p *Processor) mailCaller(ctx context.Context, id party.CallerID) (written bool, err error) {
	var all []payment.Warning
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		all, err = tx.WarningsToMail(id, warningMailMax)
		return err
	})
	if err != nil {
		return false, err
	}
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		written = false
		caller, err := callerOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		var ids []holdfast.TransactionID
		for _, w := range all {
			if !slices.Contains(ids, w.Transaction) {
				ids = append(ids, w.Transaction)
			}
		}
		now := caller.Now(p.now())
		n, named, err := dueNotice(tx, caller, ids, now)
		if err != nil {
			return err
		}
		mail, err := p.tellOfDeadlines(tx, n)
		if err != nil {
			return err
		}
		for _, w := range all {
			about := ""
			if named[w.Transaction] {
				about = mail
			}
			if err := tx.MailedWarning(w, about); err != nil {
				return err
			}
		}
		if written = mail != ""; !written {
			return nil
		}
		return tx.WarnByMail(id, now)
	})
	if errors.Is(err, store.ErrStale) { // another server writes it
		return false, nil
	}
	if written = written && err == nil; written {
		p.at(PointWarningMail)
	}
	return written, err
}

// dueNotice describes members of holds as they are now. Those that were settled or
// given up are left out. named are the members whose hold the letter names.
func dueNotice(
	tx *store.Tx, caller party.Caller, ids []holdfast.TransactionID, now time.Time,
) (n payment.DueNotice, named map[holdfast.TransactionID]bool, err error) {
	n = payment.DueNotice{Caller: caller, Now: now}
	current, err := tx.Transactions(caller.ID, ids)
	if err != nil {
		return n, nil, err
	}
	var linked []holdfast.TransactionID
	for _, t := range current {
		if t.Link != "" {
			linked = append(linked, t.Parent)
		}
	}
	roots, err := tx.Transactions(caller.ID, linked)
	holdOf := make(map[holdfast.TransactionID]holdfast.TransactionID)
	for _, id := range ids {
		t := current[id]
		root, found := roots[t.Parent]
		if !found {
			root = t
		}
		if n.Add(t.AsOf(now), root) {
			holdOf[id] = root.ID
		}
	}
	n.Cut(dueHoldsMax)
	named = make(map[holdfast.TransactionID]bool)
	for id, hold := range holdOf {
		named[id] = n.Names(hold)
	}
	return n, named, err
}

// tellOfDeadlines writes the letter to the caller's owner, and returns its id. It is
// empty if there is none.
func (p *Processor) tellOfDeadlines(tx *store.Tx, n payment.DueNotice) (mail string, err error) {
	if n.Empty() || !n.Caller.WarningMails {
		return "", nil
	}
	owner, err := partyOf(&tx.ReadTx, n.Caller.Owner)
	if err != nil || !owner.EmailVerified {
		return "", err
	}
	n.Language = owner.Language
	m := party.Mail{
		ID: p.Identity.MailID(), To: owner.Email, Party: owner.ID,
		About: party.MailAbout{Caller: n.Caller.ID, Object: party.MailDeadlines, Kind: party.MailDeadline},
	}
	m.Subject, m.Text = p.DueLetters(n)
	return m.ID, p.Identity.Post(tx, m)
}
