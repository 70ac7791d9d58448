package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A writer commits one group after the other.
type writer struct {
	*Committer
	shard    int // of counters, to which it adds
	runners  runners
	doubtful bool // a commit was not answered, and may still wait for a standby

	transaction *transaction // reused by each try
}

func newWriter(c *Committer, shard int) *writer {
	t := &transaction{
		database: c.database, running: &c.running, tables: make(map[any]table), counters: make(map[any]counting),
	}
	return &writer{Committer: c, shard: shard, runners: runners{known: &c.goroutines}, transaction: t}
}

func (w *writer) loop() {
	defer w.goroutines.add()()
	defer w.runners.close()
	for {
		select {
		case <-w.turn:
			if ended := w.takeTurn(); ended {
				return
			}
		case <-w.crowd:
			if w.crowded() { // still
				w.next(nil, nil)
			}
		case <-w.stop:
			w.drain()
			return
		}
	}
}

// takeTurn commits the next group, when there is one, and passes the turn on.
// ended reports whether the committer ends.
func (w *writer) takeTurn() (ended bool) {
	passOn := sync.OnceFunc(func() { w.turn <- struct{}{} })
	defer passOn()
	var waited, background []*Work
	select {
	case first := <-w.queue:
		waited = w.company(first)
	case first := <-w.background:
		background = []*Work{first}
	case <-w.stop:
		w.drain()
		return true
	}
	hangs := time.AfterFunc(turnMax, passOn)
	answered := w.next(waited, background)
	if hangs.Stop() { // the turn is still this writer's
		w.recent[0], w.recent[1] = w.recent[1], answered
	}
	return false
}

// drain carries out what was accepted.
func (w *writer) drain() {
	for len(w.queue)+len(w.background) > 0 {
		w.next(nil, nil)
	}
}

// company waits for the Works that are likely to come, and takes them.
func (w *writer) company(first *Work) []*Work {
	waited := append(make([]*Work, 0, w.groupMax), first)
	want := min(max(w.recent[0], w.recent[1]), crowdMin, w.groupMax)
	if waited = take(w.queue, waited, want-len(waited)); len(waited) >= want {
		return waited
	}
	patience := time.NewTimer(companyMax)
	defer patience.Stop()
	for len(waited) < want {
		select {
		case one := <-w.queue:
			waited = append(waited, one)
		case <-patience.C:
			return waited
		case <-w.stop:
			return waited
		}
	}
	return waited
}

// next commits a group with the Works that are taken already, and returns how
// many callers it answers.
func (w *writer) next(waited, background []*Work) (answered int) {
	group := w.group(waited, background)
	if w.stats.Waited != nil {
		now := w.stats.now()
		for _, one := range group {
			w.stats.waited(one, now)
		}
	}
	w.commit(group)
	if w.checkpoints != nil {
		w.checkpoints.committed(len(group), w.db)
	}
	for _, one := range group {
		if !one.background {
			answered++
		}
	}
	return answered
}

// commit runs a group until it is committed or cannot be, and answers. A group
// that keeps conflicting is halved: by itself, a Work conflicts only with those
// that want the very same row.
func (w *writer) commit(group []*Work) {
	if len(group) == 0 {
		return
	}
	err := w.persist(group)
	if errors.Is(err, ErrLocked) { // the others would wait as long again, one group after the other
		group = append(slices.Clip(group), w.everything()...)
	}
	if err != nil && w.database.conflict(err) {
		if half := len(group) / 2; half > 0 {
			w.commit(group[:half])
			w.commit(group[half:])
			return
		}
		err = fmt.Errorf("%w: %w", ErrBusy, err)
	}
	if err != nil {
		for _, one := range group {
			one.outcome = fmt.Errorf("committing: %w", err)
		}
	}
	answer(group)
}

// persist runs a group a bounded number of times while it conflicts: first in
// rounds, and if that fails, one Work after the other with each write sent at
// once, so that a Work that fails does not harm the others. That is also right
// for a group of one: only a write that is sent at once tells the Work that it
// has failed.
func (w *writer) persist(group []*Work) (err error) {
	runs, apart := conflictsMax, false
	if len(group) > 1 {
		runs = halvedAfter
	}
	for run := 0; run < runs; run++ {
		share := w.database.shareNow
		if run >= runs/2 {
			share = w.database.share
		}
		err = w.try(group, apart, share)
		if err != nil && !apart && !w.database.ends(err) && !errors.Is(err, ErrUnreachable) {
			apart = true
			err = w.try(group, apart, share)
		}
		if err == nil || !w.database.conflict(err) {
			return err
		}
		w.shard = otherShard(w.shard)
		longer := rand.IntN(min(run+1, pauseMax)) + 1 //nolint:gosec // keeps two servers apart, no secret
		pause := time.NewTimer(time.Duration(longer) * time.Millisecond)
		<-pause.C
	}
	return err
}

// try runs a group once, in one transaction. The error is the group's; the
// outcomes of the Works are set if there is none. share locks what they depend
// on.
func (w *writer) try(group []*Work, apart bool, share string) (err error) {
	seen := Try{Works: len(group)}
	began := w.stats.now()
	defer func() {
		err = w.database.Named(err)
		if w.stats.Tried == nil {
			return
		}
		for _, one := range group {
			if one.background {
				seen.Background++
			}
		}
		seen.Committed, seen.Conflict = err == nil, err != nil && w.database.conflict(err)
		seen.Took = w.stats.now().Sub(began)
		w.stats.tried(seen)
	}()
	ctx := context.Background()
	if w.database.Remote {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, tryMax)
		defer cancel()
	}
	session, err := w.database.open(ctx, w.db, w.prepared, w.database.begin)
	if err != nil {
		return err
	}
	defer session.rollback()
	t := w.transaction
	t.begin(ctx, session, share, w.shard)
	if err := w.awaitDoubtful(t); err != nil {
		return err
	}
	if err := w.runAll(t, group, apart, &seen); err != nil {
		return err
	}
	if len(group) == 1 && group[0].outcome != nil {
		return nil
	}
	committing := w.stats.now()
	err = t.commit()
	w.doubtful = w.doubtful || errors.Is(err, errDoubtful)
	seen.Commit = w.stats.now().Sub(committing)
	return err
}

// runAll runs the Works of a group: in a few rounds, and then one by one those
// that are left.
func (w *writer) runAll(t *transaction, group []*Work, apart bool, seen *Try) error {
	rest := group
	if !apart && len(group) > 1 {
		r := &round{transaction: t, runners: &w.runners}
		rest = nil
		for seen.Rounds < roundsMax && len(group) > 1 {
			again, alone, err := r.run(group)
			if err != nil {
				return err
			}
			seen.Rounds++
			seen.Again += len(again)
			rest, group = append(rest, alone...), again
		}
		rest = append(rest, group...)
	}
	if seen.Works == 1 && !apart {
		seen.Rounds = 1 // it has the round to itself
	} else {
		seen.Alone = len(rest)
	}
	for _, one := range rest {
		if err := t.alone(one, seen.Works > 1, apart); err != nil {
			return err
		}
	}
	return nil
}

// awaitDoubtful fails while a commit that was not answered waits for a standby.
// Another one would only wait as well, on one more session.
func (w *writer) awaitDoubtful(t *transaction) error {
	if !w.doubtful {
		return nil
	}
	var waiting int
	err := t.send(Statement{
		Doing: "looking for commits that wait", Text: w.database.waiting,
		Row: func(row Scanner) error { return row.Scan(&waiting) },
	})
	if err != nil {
		return err
	}
	if waiting > 0 {
		return fmt.Errorf("%w: a commit waits for a standby", ErrUnreachable)
	}
	w.doubtful = false
	return nil
}
