package store

import (
	"context"
	"database/sql"
	"runtime"

	"github.com/pressly/goose/v3"
)

// MigrateTo makes a database as a program made it whose schema was of that
// version.
func MigrateTo(ctx context.Context, address string, version int64) error {
	at, err := ParseAddress(address)
	if err != nil {
		return err
	}
	d, writer, reader, err := open(ctx, at)
	if err != nil {
		return err
	}
	defer reader.Close()
	defer writer.Close()
	files, err := d.schemaFS()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(d.goose, writer, files)
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}

// QueueMax is how many actions may wait for a commit.
const QueueMax = queueMax

// Lines is how many commits there are at a time.
func (db *DB) Lines() int { return db.dialect.lines }

// OpenWriter opens what the committer of a PostgreSQL store works on.
func OpenWriter(address string) (*sql.DB, error) {
	writer, reader, err := openPostgres(context.Background(), address)
	if err != nil {
		return nil, err
	}
	return writer, reader.Close()
}

// RefusePooler looks for a connection pooler before a PostgreSQL database.
func RefusePooler(ctx context.Context, db *sql.DB) error { return refusePooler(ctx, db) }

// ErrPooler is what it refuses one with.
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

// OtherLane draws one of Lanes that is not the given one.
func OtherLane(lane int) int { return otherLane(lane) }

// Lanes is how many there are.
const Lanes = lanes

// KeepLogShort has SQLite's log put into the file when it has so many pages.
func (db *DB) KeepLogShort(pages int) { db.checkpoints.most = pages }

// LogPages is how long SQLite's log is, in pages.
func (db *DB) LogPages() (int, error) {
	l, err := checkpoint(db.checkpoints.db, "NOOP")
	return l.pages, err
}

// Shorten puts the log into the file now.
func (db *DB) Shorten() { db.checkpoints.shorten() }

// Group says how many share the next commit where so many wait for an answer and
// so many are in the background, and whether the former come first. busy says that
// SQLite's log is being put into the file.
func Group(batchMax, waiting, background int, busy bool) (waited, beside int, ordered bool) {
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
			beside++
			continue
		}
		waited++
		ordered = ordered && beside == 0
	}
	return waited, beside, ordered
}

// AfterSealStep has a test called after each step of sealing.
func (db *DB) AfterSealStep(call func()) { db.afterSealStep = call }

// LeaveUnclean has sealing fail once all secrets are sealed.
func (db *DB) LeaveUnclean() { db.dialect.clean = []string{`SELECT nothing`} }

// TokenByReferenceQuery is what TokenByReference asks.
const TokenByReferenceQuery = tokenByReference
