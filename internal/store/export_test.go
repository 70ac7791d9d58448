package store

import (
	"context"
	"database/sql"
	"runtime"
)

// CompareSchemas refuses a schema's version that is not this program's.
func CompareSchemas(have, known int64) error { return compareSchemas(have, known) }

// QueueMax is how many actions may wait for a commit.
const QueueMax = queueMax

// Lines is the number of concurrent commits.
func (db *DB) Lines() int { return db.dialect.lines }

// OpenWriter opens the connection pool of a PostgreSQL store's committer.
func OpenWriter(address string) (*sql.DB, error) {
	writer, reader, err := openPostgres(context.Background(), address)
	if err != nil {
		return nil, err
	}
	return writer, reader.Close()
}

// RefusePooler refuses a connection pooler in front of a PostgreSQL database.
func RefusePooler(ctx context.Context, db *sql.DB) error { return refusePooler(ctx, db) }

// ErrPooler is the error of RefusePooler.
var ErrPooler = errPooler

// WaitForQueue waits until n actions wait for the committer.
func WaitForQueue(db *DB, n int) {
	for len(db.committer.queue) < n {
		runtime.Gosched()
	}
}

// WaitForBackground waits until n actions wait in the background.
func WaitForBackground(db *DB, n int) {
	for len(db.committer.background) < n {
		runtime.Gosched()
	}
}

// OtherLane draws a lane other than the given one.
func OtherLane(lane int) int { return otherLane(lane) }

// Lanes is the number of lanes.
const Lanes = lanes

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

// Group returns how many waited and background actions share the next commit,
// given the lengths of both queues. ordered is true if the waited ones come
// first. busy says that the checkpointer is at work.
func Group(batchMax, waiting, background int, busy bool) (waited, unwaited int, ordered bool) {
	c := &committer{batchMax: batchMax, queue: make(chan *action, waiting), background: make(chan *action, background)}
	if busy {
		c.checkpoints = new(checkpointer)
		c.checkpoints.active.Store(true)
	}
	waits := make(map[*action]bool)
	for range waiting {
		a := &action{}
		waits[a] = true
		c.queue <- a
	}
	for range background {
		c.background <- &action{}
	}
	ordered = true
	for _, a := range c.group(nil, nil) {
		if !waits[a] {
			unwaited++
			continue
		}
		waited++
		ordered = ordered && unwaited == 0
	}
	return waited, unwaited, ordered
}

// AfterSealStep sets a function that is called after each step of sealing.
func (db *DB) AfterSealStep(call func()) { db.afterSealStep = call }

// LeaveUnclean makes sealing fail after all secrets are sealed.
func (db *DB) LeaveUnclean() { db.dialect.clean = []string{`SELECT nothing`} }

// TokenByReferenceQuery is the query of TokenByReference.
var TokenByReferenceQuery = tokenByReference
