package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	groupMax        = 256              // actions in one commit
	queueMax        = 4096             // actions waiting for one
	backgroundMost  = 64               // background actions in a commit that nobody waits for
	backgroundLeast = 32               // places for them in any other
	backgroundAside = 4                // places while SQLite's log is put into the file, which takes a processor
	backgroundShare = 5                // one place in so many is theirs, where that is more
	conflictsMax    = 20               // runs of a group of one; a larger one is halved sooner
	halvedAfter     = 3                // runs of a larger group
	roundsMax       = 4                // of one commit; actions that are left after them run alone
	pauseMax        = 20               // milliseconds between runs after a conflict, at most
	tryMax          = 10 * time.Second // one run: a session that hangs must not stop the server
)

// Errors of Update that are not the action's own; View has ErrUnreachable, too.
var (
	// ErrBusy: others changed the same rows every time. Nothing was done; the
	// same request may succeed later.
	ErrBusy = errors.New("the store is busy")
	// ErrLocked is ErrBusy where another process has the SQLite file locked.
	ErrLocked = fmt.Errorf("%w: another process has locked the database", ErrBusy)
	// ErrFull: as many wait for a commit as may. Nothing was done; the same
	// request may succeed later.
	ErrFull = errors.New("too many wait for the store")
	// ErrStale: a row was no longer in the state the action had read.
	ErrStale = errors.New("the row changed meanwhile")
	// ErrUnreachable: the database went away or did not answer in time. What was
	// being done may have been done or not, and asking again tells.
	ErrUnreachable = errors.New("the database cannot be reached")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("the store is closed")
)

// IsUnavailable reports whether an error says that the same request may succeed
// later, since the store could not be written or read at the moment.
func IsUnavailable(err error) bool {
	return errors.Is(err, ErrBusy) || errors.Is(err, ErrFull) || errors.Is(err, ErrUnreachable) ||
		errors.Is(err, ErrClosed)
}

// A committer carries out actions, many in one commit. A durable commit costs
// an fsync however much is in it, so while one is under way those who come wait
// together for the next. With nobody waiting an action commits at once: nothing
// ever waits for company.
//
// Where the database takes several commits at a time there are lines: while one
// waits for its disk or its answer, the next gets on. Actions of two lines may
// conflict as those of two servers do, and then the group runs again.
//
// What happens in the background, where nobody waits for an answer, has a queue of
// its own. However much there is of it, a commit has few places for it, and stays
// short for those who wait; the few are its own, and it goes on however many wait.
type committer struct {
	db          *sql.DB
	prepared    *prepared
	batchMax    int
	checkpoints *checkpointer // nil where the database needs none
	queue       chan *action  // somebody waits for their answers
	background  chan *action  // nobody waits for these
	stop        chan struct{}
	lines       sync.WaitGroup
	finished    chan struct{} // closed when all lines have ended
}

// A line commits one group after the other.
type line struct {
	*committer
	dialect  dialect // with a lane of its own
	runners  runners
	doubtful bool // a commit was not answered, and may still wait for a standby
}

// An action is one waiting Update.
type action struct {
	run   func(*Tx) error
	done  chan error // buffered, so that the committer never waits for anybody
	taken atomic.Bool

	background bool // nobody waits for it
}

func newCommitter(db *sql.DB, d dialect, batchMax int, checkpoints *checkpointer) *committer {
	c := &committer{
		db: db, prepared: d.prepared(db), batchMax: batchMax, checkpoints: checkpoints,
		queue: make(chan *action, queueMax), background: make(chan *action, queueMax), stop: make(chan struct{}),
		finished: make(chan struct{}),
	}
	for _, lane := range drawLanes(d.lines) {
		l := &line{committer: c, dialect: d}
		l.dialect.lane = lane
		c.lines.Go(l.loop)
	}
	go func() {
		c.lines.Wait()
		close(c.finished)
	}()
	return c
}

func (c *committer) close() {
	close(c.stop)
	<-c.finished
}

// update queues an action and waits for what comes of it. Without a place in the
// queue it waits for one, or is refused.
func (c *committer) update(ctx context.Context, fn func(*Tx) error, queue chan *action, waits bool) error {
	a := &action{run: fn, done: make(chan error, 1), background: queue == c.background}
	select {
	case <-c.stop:
		return ErrClosed
	default:
	}
	select {
	case queue <- a:
	default:
		if !waits {
			return ErrFull
		}
		select {
		case queue <- a:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.stop:
			return ErrClosed
		}
	}
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		if a.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-c.finished: // it may have come into the queue behind the last look
		if a.taken.CompareAndSwap(false, true) {
			return ErrClosed
		}
	}
	return <-a.done
}

func (l *line) loop() {
	defer l.runners.close()
	for {
		select {
		case first := <-l.queue:
			l.next([]*action{first}, nil)
		case first := <-l.background:
			l.next(nil, []*action{first})
		case <-l.stop:
			for len(l.queue)+len(l.background) > 0 { // what was accepted is carried out
				l.next(nil, nil)
			}
			return
		}
	}
}

// next commits a group with those who are taken already.
func (l *line) next(waited, background []*action) {
	group := l.group(waited, background)
	l.commit(group)
	if l.checkpoints != nil {
		l.checkpoints.committed(len(group), l.db)
	}
}

// group adds waiting actions to those that are taken already. Those that
// somebody waits for come first.
func (c *committer) group(waited, background []*action) []*action {
	places := func() int { return c.batchMax - len(waited) - len(background) }
	waited = take(c.queue, waited, places()-c.batchMax/backgroundShare)
	background = take(c.background, background, min(c.share(len(waited))-len(background), places()))
	waited = take(c.queue, waited, places())
	all := append(waited, background...)
	return slices.DeleteFunc(all, func(a *action) bool { return !a.taken.CompareAndSwap(false, true) })
}

// share is how many places a commit has for background actions, given how many
// others it has.
func (c *committer) share(waited int) int {
	switch {
	case c.checkpoints.busy():
		return backgroundAside
	case waited == 0:
		return backgroundMost
	}
	return max(backgroundLeast, waited/(backgroundShare-1))
}

// take takes actions from a queue, at most limit.
func take(queue <-chan *action, taken []*action, limit int) []*action {
	for range limit {
		select {
		case a := <-queue:
			taken = append(taken, a)
		default:
			return taken
		}
	}
	return taken
}

// commit runs a group until it is committed or cannot be, and answers each. A
// group that keeps meeting others at the same rows is halved: alone, an action
// conflicts with nobody but those who want the very same row.
func (l *line) commit(group []*action) {
	if len(group) == 0 {
		return
	}
	outcomes, err := l.persist(group)
	if errors.Is(err, ErrLocked) { // the others would wait as long again, one group after the other
		group = append(group, l.everybody()...)
	}
	if err != nil && l.dialect.isConflict(err) {
		if half := len(group) / 2; half > 0 {
			l.commit(group[:half])
			l.commit(group[half:])
			return
		}
		err = fmt.Errorf("%w: %w", ErrBusy, err)
	}
	answer(group, outcomes, err)
}

// everybody takes all actions that wait.
func (c *committer) everybody() []*action {
	all := take(c.background, take(c.queue, nil, queueMax), queueMax)
	return slices.DeleteFunc(all, func(a *action) bool { return !a.taken.CompareAndSwap(false, true) })
}

// answer tells each action of a group what came of it. Those who wait come first,
// and go on before the others are told: what they want next can be in the next
// commit.
func answer(group []*action, outcomes map[*action]error, err error) {
	for i, a := range group {
		if a.background && i > 0 && !group[i-1].background {
			runtime.Gosched()
		}
		if err != nil {
			a.done <- fmt.Errorf("committing: %w", err)
			continue
		}
		a.done <- outcomes[a]
	}
}

// persist runs a group a bounded number of times while it conflicts. Side by
// side at first; a group in which that goes wrong, even one of one, runs again one
// by one, each writing at once, so that the one at fault harms nobody.
func (l *line) persist(group []*action) (outcomes map[*action]error, err error) {
	runs, apart := conflictsMax, false
	if len(group) > 1 {
		runs = halvedAfter
	}
	for run := 0; run < runs; run++ {
		share := l.dialect.shareNow
		if run >= runs/2 {
			share = l.dialect.share
		}
		outcomes, err = l.try(group, apart, share)
		if err != nil && !apart && !l.dialect.isConflict(err) && !errors.Is(err, ErrUnreachable) &&
			!errors.Is(err, ErrLocked) {
			apart = true
			outcomes, err = l.try(group, apart, share)
		}
		if err == nil || !l.dialect.isConflict(err) {
			return outcomes, err
		}
		l.dialect.lane = otherLane(l.dialect.lane)
		longer := rand.IntN(min(run+1, pauseMax)) + 1 //nolint:gosec // keeps two servers apart, no secret
		pause := time.NewTimer(time.Duration(longer) * time.Millisecond)
		<-pause.C
	}
	return outcomes, err
}

// try runs a group once. The error is the group's; an outcome is an action's
// own. share locks what the actions rest on.
func (l *line) try(group []*action, apart bool, share string) (outcomes map[*action]error, err error) {
	defer func() { err = l.dialect.unreachable(l.dialect.locked(err)) }()
	ctx := context.Background()
	if l.dialect.remote {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, tryMax)
		defer cancel()
	}
	tx, err := l.dialect.begin(ctx, l.db, l.prepared, &l.dialect.write)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	if err := l.awaitDoubtful(ctx, tx); err != nil {
		return nil, err
	}
	outcomes = make(map[*action]error, len(group))
	rest, locks := group, newLocks(share)
	if !apart {
		if rest, err = l.runTogether(ctx, tx, group, outcomes, locks); err != nil {
			return nil, err
		}
	}
	for _, a := range rest {
		if outcomes[a], err = l.runOne(ctx, tx, a, len(group) > 1, locks); err != nil {
			return nil, err
		}
	}
	if len(group) == 1 && outcomes[group[0]] != nil {
		return outcomes, nil
	}
	if err := tx.session.run(ctx, locks.take()); err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, l.uncommitted(err)
	}
	return outcomes, nil
}

// uncommitted marks the error of a commit that may have happened after all: who
// ran such a group again would refuse what it did the first time.
func (l *line) uncommitted(err error) error {
	if l.dialect.remote && !l.dialect.isConflict(err) {
		l.doubtful = true
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return err
}

// awaitDoubtful fails while a commit that was not answered waits for a standby.
// Another one would only wait as well, on one more session.
func (l *line) awaitDoubtful(ctx context.Context, tx transaction) error {
	if !l.doubtful {
		return nil
	}
	var waiting int
	if err := tx.QueryRowContext(ctx, l.dialect.waiting).Scan(&waiting); err != nil {
		return fmt.Errorf("looking for commits that wait: %w", err)
	}
	if waiting > 0 {
		return fmt.Errorf("%w: a commit waits for a standby", ErrUnreachable)
	}
	l.doubtful = false
	return nil
}

// runTogether takes a group through a few rounds, and returns those who have to
// run alone: they do what a round knows nothing of, or all want the same row.
func (l *line) runTogether(
	ctx context.Context, tx transaction, group []*action, outcomes map[*action]error, locks *locks,
) (rest []*action, err error) {
	r := newRound(ctx, tx, l.dialect, &l.runners, locks)
	for range roundsMax {
		again, alone, err := r.run(group, outcomes)
		if err != nil {
			return nil, err
		}
		rest = append(rest, alone...)
		if group = again; len(group) < 2 {
			break
		}
	}
	return append(rest, group...), nil
}

// runOne runs an action by itself. With others in the transaction it needs a
// savepoint; without, its error ends the transaction.
func (l *line) runOne(ctx context.Context, tx transaction, a *action, shared bool, locks *locks) (outcome, err error) {
	if shared {
		if _, err := tx.ExecContext(ctx, `SAVEPOINT action`); err != nil {
			return nil, err
		}
	}
	var rests dependence
	tx.rests = &rests
	if outcome = protect(a.run, &Tx{ReadTx{ctx: ctx, sql: tx, dialect: l.dialect}}); outcome == nil {
		outcome = rests.check()
	}
	tx.rests = nil
	if l.dialect.endsTransaction(outcome) {
		return nil, outcome
	}
	if outcome == nil {
		locks.add(&rests)
	}
	if !shared {
		return outcome, nil
	}
	if outcome != nil {
		if _, err := tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT action`); err != nil {
			return nil, err
		}
	}
	_, err = tx.ExecContext(ctx, `RELEASE SAVEPOINT action`)
	return outcome, err
}

// protect turns a panic, which is a bug of ours, into a failure of the one
// action that has it.
func protect(run func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return run(tx)
}
