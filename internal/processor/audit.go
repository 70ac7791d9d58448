package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Points at which Hook is called between the steps of an audit.
const (
	PointAuditLeased = "audit-leased" // the audit is this server's
	PointAuditRead   = "audit-read"   // a batch was read and is not kept yet
	PointAuditKept   = "audit-kept"   // the batch is kept
)

const (
	booksEveryDefault = 24 * time.Hour
	auditLease        = time.Minute
	confirmLease      = 10 * time.Minute // while a caller's whole books are checked
	auditLook         = 15 * time.Second // between two looks at an audit that waits, or is another server's
	auditRateMin      = 1000             // rows a second; small stores are checked quickly
	auditBurst        = 5 * time.Second  // of reading that a round may catch up with
	auditBatch        = 500              // rows of a table in one read
	noticeRows        = 20               // violations that a letter lists, and a batch writes into the log
	// changedEvery is how often the list of changed transactions is taken. A
	// transaction is checked one to two such times after its change: its commit has
	// ended by then.
	changedEvery = 20 * time.Second
	changedMax   = 200_000 // changed transactions in one such time
)

// audit is the state of a server's audit of the books.
type audit struct {
	mu    sync.Mutex
	name  string // of this server in the lease
	state store.AuditState
	mine  bool      // the lease, as far as this server knows
	look  time.Time // when to look at the row next
	since time.Time // rows are counted from here on
	spent int       // rows
	rate  int       // rows a second
	batch int       // set by tests; zero means auditBatch

	changes sync.Mutex    // for the following
	fresh   store.Changed // changed a moment ago, to be checked after the next taking
	due     store.Changed // to be checked now
	taken   time.Time
	checked time.Time // when all that was due was checked
}

// AuditBooks audits one more batch of the whole books, if this server has the audit
// and its pace allows it. It reports how many rows it read.
func (p *Processor) AuditBooks(ctx context.Context) (rows int, err error) {
	p.audit.mu.Lock()
	defer p.audit.mu.Unlock()
	a, now := &p.audit, p.now()
	if p.BooksEvery < 0 {
		return 0, nil
	}
	if mine, err := p.leaseAudit(ctx, now); err != nil || !mine {
		return 0, err
	}
	if earliest := now.Add(-auditBurst); a.since.Before(earliest) {
		a.spent = max(0, a.spent-a.allowed(earliest))
		a.since = earliest
	}
	if a.spent > a.allowed(now) {
		return 0, nil
	}
	rows, recent, err := p.auditStep(ctx)
	if !recent {
		a.spent += rows
	}
	return rows, err
}

// allowed is how many rows may be read until a time.
func (a *audit) allowed(until time.Time) int {
	return int(until.Sub(a.since)/time.Millisecond) * a.rate / 1000
}

// AuditPass carries out a whole pass at once, or the rest of one, whether or not it
// is due. It reports false if another server has the audit.
func (p *Processor) AuditPass(ctx context.Context) (bool, error) {
	p.audit.mu.Lock()
	defer p.audit.mu.Unlock()
	p.audit.look = time.Time{}
	if p.audit.mine && !p.audit.state.Under() {
		p.audit.mine = false
	}
	if mine, err := p.takeAudit(ctx, p.now(), true); err != nil || !mine {
		return false, err
	}
	for p.audit.mine {
		if _, _, err := p.auditStep(ctx); err != nil {
			return true, err
		}
	}
	return true, nil
}

// leaseAudit reports whether this server has the audit, and takes it if nobody
// has it and a pass is due or under way.
func (p *Processor) leaseAudit(ctx context.Context, now time.Time) (mine bool, err error) {
	a := &p.audit
	if a.mine && now.Before(a.state.LeasedUntil) {
		return true, nil
	}
	a.mine = false
	if now.Before(a.look) && a.look.Sub(now) <= auditLook {
		return false, nil
	}
	mine, err = p.takeAudit(ctx, now, false)
	if err == nil {
		a.look = now.Add(auditLook)
	}
	return mine, err
}

func (p *Processor) takeAudit(ctx context.Context, now time.Time, due bool) (mine bool, err error) {
	a := &p.audit
	if a.name == "" {
		a.name = p.ids().Secret(auditNameBytes)
	}
	var state store.AuditState
	if err := p.db.View(ctx, func(tx *store.ReadTx) (err error) {
		state, _, err = tx.AuditState()
		return err
	}); err != nil {
		return false, err
	}
	if state.LeasedBy != a.name && now.Before(state.LeasedUntil) && state.LeasedUntil.Sub(now) <= confirmLease {
		return false, nil
	}
	every := p.AuditEvery()
	if !due && !state.Under() && !now.Before(state.Began) && now.Before(state.Began.Add(every)) {
		return false, nil
	}
	estimate, err := p.db.EstimatedRows(ctx)
	if err != nil {
		return false, err
	}
	var leased store.AuditState
	err = p.db.Background(ctx, func(tx *store.Tx) (err error) {
		leased, err = tx.LeaseAudit(state, a.name, now, now.Add(auditLease))
		return err
	})
	if errors.Is(err, store.ErrStale) {
		return false, nil
	}
	a.state = leased
	a.mine, a.since, a.spent = err == nil, now, 0
	a.rate = max(auditRateMin, 3*max(estimate, state.LastRows)/2/int(max(every/time.Second, 1)))
	p.at(PointAuditLeased)
	return a.mine, err
}

// auditNameBytes is the length of a server's name in the lease.
const auditNameBytes = 12

// auditStep reads a batch and keeps what it found. recent says that the batch is
// not to wait for the pace.
func (p *Processor) auditStep(ctx context.Context) (rows int, recent bool, err error) {
	a := &p.audit
	b, err := p.db.AuditBatch(ctx, a.state.Place, cmp.Or(a.batch, auditBatch), p.now())
	if err != nil {
		return 0, false, err
	}
	if len(b.Doubts) > 0 {
		if err := p.confirmDoubts(ctx, &b); err != nil {
			return 0, false, err
		}
	}
	p.at(PointAuditRead)
	var state store.AuditState
	added, err := p.violate(ctx, b.Findings, func(tx *store.Tx, now time.Time) (err error) {
		state, err = tx.KeepAudit(a.state, b, now, now.Add(auditLease))
		return err
	})
	if errors.Is(err, store.ErrStale) { // another server has the audit
		a.mine = false
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	p.at(PointAuditKept)
	a.state = state
	if !state.Under() {
		a.mine = false
		p.Log.Info("the books were checked", "rows", state.Rows, "took", state.Finished.Sub(state.Began), "new violations",
			added)
	}
	return b.Rows, b.Recent, nil
}

// confirmDoubts adds to the findings of a batch the doubts that a check of the
// caller's whole books finds, too.
func (p *Processor) confirmDoubts(ctx context.Context, b *store.AuditBatch) error {
	a := &p.audit
	var state store.AuditState
	err := p.db.Background(ctx, func(tx *store.Tx) (err error) {
		now := p.now()
		state, err = tx.LeaseAudit(a.state, a.name, now, now.Add(confirmLease))
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping the audit while it confirms what it has found: %w", err)
	}
	a.state = state
	confirmed, err := p.db.ConfirmDoubts(ctx, *b)
	if err != nil {
		return fmt.Errorf("confirming what the audit has found: %w", err)
	}
	if wrong := len(b.Doubts) - len(confirmed); wrong > 0 {
		p.Log.Warn("the audit has added postings up wrongly: a check of the whole books found nothing",
			"caller", b.From.Caller, "accounts", wrong, "first", b.Doubts[0].Row)
	}
	b.Findings = append(b.Findings, confirmed...)
	return nil
}

// violate calls keep and writes findings as violations, in one commit. It stops the
// callers and tells the operator.
func (p *Processor) violate(
	ctx context.Context, findings []payment.Finding, keep func(*store.Tx, time.Time) error,
) (int, error) {
	var added []store.Violation
	err := p.db.Background(ctx, func(tx *store.Tx) (err error) {
		now := p.now()
		if err := keep(tx, now); err != nil {
			return err
		}
		added, err = tx.AddViolations(findings, now,
			func() store.ViolationID { return store.ViolationID(p.ids().Other("V")) })
		if err != nil || len(added) == 0 {
			return err
		}
		return p.tellOfBooks(tx, added, now)
	})
	if err != nil || len(added) == 0 {
		return 0, err
	}
	p.callerChanged()
	for i, v := range added {
		if i == noticeRows {
			p.Log.Error("the books are wrong in more places: run holdfast books violations", "places", len(added)-i)
			break
		}
		p.Log.Error("the books are wrong, and the caller's payments are stopped", "violation", v.ID, "caller", v.Caller,
			"table", v.Table, "row", v.Row, "problem", v.Problem)
	}
	return len(added), nil
}

func (p *Processor) tellOfBooks(tx *store.Tx, added []store.Violation, now time.Time) error {
	if p.BooksLetters == nil || p.Operator == "" {
		return nil
	}
	n := payment.BooksNotice{Found: now}
	for _, v := range added[:min(len(added), noticeRows)] {
		n.Rows = append(n.Rows, v.Finding)
	}
	n.More = len(added) - len(n.Rows)
	subject, text := p.BooksLetters(n)
	return p.Identity.Mail(tx, p.Operator, subject, text)
}

// AuditChanged checks transactions that this server has changed, one batch of
// one caller, and reports how many.
func (p *Processor) AuditChanged(ctx context.Context) (checked int, err error) {
	p.audit.changes.Lock()
	defer p.audit.changes.Unlock()
	a, now, missed := &p.audit, p.now(), 0
	if p.BooksEvery < 0 {
		return 0, nil
	}
	if since := now.Sub(a.taken); since >= changedEvery || since < 0 {
		if a.due.Len() == 0 {
			a.checked, a.due = now, a.fresh
			a.fresh, missed = p.db.TakeChanged()
		} // otherwise the list of the store goes on, and is bounded
		a.taken = now
	}
	c, ids := a.due.Cut(auditBatch)
	if len(ids) > 0 {
		findings, err := p.db.CheckChanged(ctx, c, ids)
		if err == nil && len(findings) > 0 {
			_, err = p.violate(ctx, findings, func(*store.Tx, time.Time) error { return nil })
		}
		if err != nil {
			a.due[c] = append(a.due[c], ids...)
			return 0, fmt.Errorf("checking changed transactions of caller %s: %w", c, err)
		}
	}
	if p.BooksChecked != nil && (len(ids) > 0 || missed > 0) {
		p.BooksChecked(len(ids), missed)
	}
	return len(ids), nil
}

// AuditEvery is how often a pass of the audit begins; below zero it never does.
func (p *Processor) AuditEvery() time.Duration { return cmp.Or(p.BooksEvery, booksEveryDefault) }

// ChangedChecked is when the last list of changed transactions was checked
// completely; zero before the first.
func (p *Processor) ChangedChecked() time.Time {
	p.audit.changes.Lock()
	defer p.audit.changes.Unlock()
	return p.audit.checked
}

// Acknowledge acknowledges violations of the books. The callers that have no
// other may move money again.
func (p *Processor) Acknowledge(ctx context.Context, ids []store.ViolationID, by, reason string) error {
	defer p.callerChanged()
	return p.db.Update(ctx, func(tx *store.Tx) error {
		now := p.now()
		for _, id := range ids {
			if err := tx.Acknowledge(id, by, reason, now); err != nil {
				return err
			}
			if err := tx.Log(party.AuditEntry{
				Action: "books.acknowledge", Object: string(id), After: party.Facts{"by": by, "reason": reason},
			}, now); err != nil {
				return err
			}
		}
		return nil
	})
}
