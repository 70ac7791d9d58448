package engine

import (
	"context"
	"database/sql"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	groupMax        = 256                    // Works in one commit
	crowdMin        = 32                     // Works that wait before a second commit begins
	companyMax      = time.Millisecond       // for which a commit waits for Works that are likely to come
	turnMax         = 100 * time.Millisecond // after which a commit no longer keeps other writers from beginning
	queueMax        = 4096                   // Works that wait for a commit
	backgroundMost  = 64                     // background Works in a commit that nobody waits for
	backgroundLeast = 32                     // places for them in any other
	backgroundAside = 4                      // places while SQLite's log is copied into the file, which takes a processor
	backgroundShare = 5                      // one place in so many is theirs, if that is more
	conflictsMax    = 20                     // runs of a group of one; a larger one is halved sooner
	halvedAfter     = 3                      // runs of a larger group
	roundsMax       = 4                      // of one commit; Works that are left after them run alone
	pauseMax        = 20                     // milliseconds between runs after a conflict, at most
	tryMax          = 10 * time.Second       // one run: a session that hangs must not stop the server
)

// A Committer runs Works, and commits many of them together. A durable commit
// costs the same however much is in it. So while one commit is under way, the
// Works that come wait together for the next one.
//
// One writer at a time has the turn. When it has answered a group, the callers
// are likely to come back at once, with the outcome of what they began or with
// their next request. So the next commit waits for about as many Works as the
// last two had, for a millisecond at most. Otherwise the callers would be split
// into two groups that take turns. A Work that comes alone after another one
// that came alone waits for nothing.
//
// If the database takes several commits at a time, there are several writers. A
// writer without the turn begins when a crowd waits. If a commit takes long,
// because it waits for a lock or its session hangs, the turn passes on. Works of
// two writers may conflict like those of two servers; the group then runs again.
//
// Background Works, whose answers nobody waits for, have a queue of their own.
// Each commit has a few places for them. So a commit stays short for the others
// however many background Works wait, and background Works go on however many
// others wait.
type Committer struct {
	db          *sql.DB
	database    *Database
	prepared    *prepared
	groupMax    int
	stats       Stats
	checkpoints *checkpointer // nil if the database needs none
	queue       chan *Work    // somebody waits for their answers
	background  chan *Work    // nobody waits for these
	turn        chan struct{} // has a token if no writer has the turn
	crowd       chan struct{} // has a token if a crowd may wait
	crowdMin    atomic.Int64
	recent      [2]int // how many callers the last two groups answered; only the writer with the turn uses it
	stop        chan struct{}
	writers     sync.WaitGroup
	finished    chan struct{} // closed when all writers have ended
	running     atomic.Int64  // how many Works run their code now
	goroutines  goroutines    // on which Works run
}

// A Work is one waiting Update.
type Work struct {
	run     func(*Tx) error
	done    chan error // buffered, so that a writer never waits for a caller
	taken   atomic.Bool
	outcome error // of its last run
	queued  time.Time

	background bool // nobody waits for it
}

// start starts the writers.
func (c *Committer) start() {
	c.queue, c.background = make(chan *Work, queueMax), make(chan *Work, queueMax)
	c.stop, c.finished = make(chan struct{}), make(chan struct{})
	c.turn, c.crowd = make(chan struct{}, 1), make(chan struct{}, 1)
	c.turn <- struct{}{}
	c.crowdMin.Store(int64(min(crowdMin, c.groupMax)))
	for _, shard := range drawShards(c.database.writers) {
		w := newWriter(c, shard)
		c.writers.Go(w.loop)
	}
	go func() {
		c.writers.Wait()
		close(c.finished)
	}()
}

// end carries out the accepted Works and ends the writers.
func (c *Committer) end() {
	close(c.stop)
	<-c.finished
}

// Waiting returns how many Works wait for a commit, and how many of those in the
// background.
func (c *Committer) Waiting() (foreground, background int) { return len(c.queue), len(c.background) }

// Update runs one Work in a transaction. It returns when the Work is durable,
// refused or failed. A Work that returns an error leaves no trace and does not
// affect the others. run may run again, so it changes nothing outside its
// transaction except results that each run sets again.
//
// If ctx ends before the Work begins, it is not run. Once it has begun, Update
// waits for its outcome even if ctx ends, so the answer always tells what
// happened.
//
// Update refuses with [ErrFull] if the queue is full.
func (c *Committer) Update(ctx context.Context, run func(*Tx) error) error {
	return c.put(ctx, run, c.queue, false)
}

// Complete is Update for something that has already happened outside the
// database and must be recorded. If the queue is full, it waits.
func (c *Committer) Complete(ctx context.Context, run func(*Tx) error) error {
	return c.put(ctx, run, c.queue, true)
}

// Background is Complete for Works whose answer nobody waits for. Works of Update
// and Complete go first.
func (c *Committer) Background(ctx context.Context, run func(*Tx) error) error {
	return c.put(ctx, run, c.background, true)
}

// put queues a Work and waits for its outcome. If the queue is full, it waits
// for a place or refuses.
func (c *Committer) put(ctx context.Context, run func(*Tx) error, queue chan *Work, waits bool) error {
	if c.running.Load() > 0 && c.goroutines.runsThis() {
		return ErrNested
	}
	w := &Work{run: run, done: make(chan error, 1), background: queue == c.background, queued: c.stats.now()}
	select {
	case <-c.stop:
		return ErrClosed
	default:
	}
	select {
	case queue <- w:
	default:
		if !waits {
			c.stats.refused()
			return ErrFull
		}
		select {
		case queue <- w:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.stop:
			return ErrClosed
		}
	}
	if c.crowded() {
		select {
		case c.crowd <- struct{}{}:
		default: // a writer will look anyway
		}
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		if w.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-c.finished: // it may have been queued after the last look at the queue
		if w.taken.CompareAndSwap(false, true) {
			return ErrClosed
		}
	}
	return <-w.done
}

// crowded reports whether enough Works wait for a second commit.
func (c *Committer) crowded() bool {
	return max(len(c.queue), len(c.background)) >= min(crowdMin, c.groupMax)
}

// group adds waiting Works to those that are taken already. Those that somebody
// waits for come first.
func (c *Committer) group(waited, background []*Work) []*Work {
	places := func() int { return c.groupMax - len(waited) - len(background) }
	waited = take(c.queue, waited, places()-c.groupMax/backgroundShare)
	background = take(c.background, background, min(c.share(len(waited))-len(background), places()))
	waited = take(c.queue, waited, places())
	return slices.DeleteFunc(append(waited, background...), takenBefore)
}

// takenBefore reports whether the caller of a Work has left before its turn.
func takenBefore(w *Work) bool { return !w.taken.CompareAndSwap(false, true) }

// share is how many places a commit has for background Works, given how many
// others it has.
func (c *Committer) share(waited int) int {
	switch {
	case c.checkpoints.busy():
		return backgroundAside
	case waited == 0:
		return backgroundMost
	}
	return max(backgroundLeast, waited/(backgroundShare-1))
}

// take takes at most limit Works from a queue.
func take(queue <-chan *Work, taken []*Work, limit int) []*Work {
	for range limit {
		select {
		case w := <-queue:
			taken = append(taken, w)
		default:
			return taken
		}
	}
	return taken
}

// everything takes all Works that wait.
func (c *Committer) everything() []*Work {
	all := take(c.background, take(c.queue, nil, queueMax), queueMax)
	return slices.DeleteFunc(all, takenBefore)
}

// answer tells the callers of a group the outcomes. Those that wait come first,
// and go on before the background ones: what they want next can then be in the
// next commit.
func answer(group []*Work) {
	for i, w := range group {
		if w.background && i > 0 && !group[i-1].background {
			runtime.Gosched()
		}
		w.done <- w.outcome
	}
}
