package engine

import (
	"database/sql"
	"runtime"
)

// QueueMax is how many Works may wait for a commit.
const QueueMax = queueMax

// WaitForQueue waits until so many Works wait.
func WaitForQueue(db *DB, foreground, background int) {
	for len(db.queue) < foreground || len(db.background) < background {
		runtime.Gosched()
	}
}

// CrowdMin is how many Works have to wait before a second commit begins.
const CrowdMin = crowdMin

// Writers is the number of concurrent commits.
func (db *DB) Writers() int { return db.Committer.database.writers }

// SmallCrowd makes one Work a crowd until restore is called.
func SmallCrowd(db *DB) (restore func()) {
	usual := db.crowdMin.Swap(1)
	return func() { db.crowdMin.Store(usual) }
}

// OtherShard draws a shard other than the given one.
func OtherShard(shard int) int { return otherShard(shard) }

// KeepLogShort makes the checkpointer copy SQLite's log into the file when the
// log has that many pages.
func (db *DB) KeepLogShort(pages int) { db.checkpoints.most = pages }

// LogPages is the length of SQLite's log, in pages.
func (db *DB) LogPages() (int, error) {
	l, err := checkpoint(db.checkpoints.db, "NOOP")
	return l.pages, err
}

// Shorten makes the checkpointer look at the log now.
func (db *DB) Shorten() { db.checkpoints.shorten() }

// Group returns how many waited and background Works share the next commit,
// given the lengths of both queues. ordered is true if the waited ones come
// first. busy says that the checkpointer is at work.
func Group(groupMax, waiting, background int, busy bool) (waited, unwaited int, ordered bool) {
	c := &Committer{groupMax: groupMax, queue: make(chan *Work, waiting), background: make(chan *Work, background)}
	if busy {
		c.checkpoints = new(checkpointer)
		c.checkpoints.active.Store(true)
	}
	for range waiting {
		c.queue <- &Work{}
	}
	for range background {
		c.background <- &Work{background: true}
	}
	ordered = true
	for _, w := range c.group(nil, nil) {
		if w.background {
			unwaited++
			continue
		}
		waited++
		ordered = ordered && unwaited == 0
	}
	return waited, unwaited, ordered
}

// OpenPostgres opens the connection pools of a PostgreSQL database.
var OpenPostgres = openPostgres

// RefusePooler refuses a connection pooler in front of a PostgreSQL database.
var RefusePooler = refusePooler

// ErrPooler is the error of RefusePooler.
var ErrPooler = errPooler

// WriterPool is the pool of the writers' connections.
func (db *DB) WriterPool() *sql.DB { return db.pools.Writer }

// OneWriter returns a function that commits a group and returns its outcomes. It
// must not run together with other groups.
func (db *DB) OneWriter() func(works []func(*Tx) error) []error {
	w := newWriter(db.Committer, 0)
	return func(works []func(*Tx) error) []error {
		group := make([]*Work, len(works))
		for i, run := range works {
			group[i] = &Work{run: run, done: make(chan error, 1)}
		}
		w.commit(group)
		errs := make([]error, len(group))
		for i, one := range group {
			errs[i] = <-one.done
		}
		return errs
	}
}
