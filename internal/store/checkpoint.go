package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
)

const (
	// logMost is how long SQLite's log grows before it is put into the file, so that
	// a page that changes with each commit is put there once for many of them.
	logMost = 16384 // pages of 4 KiB
	// logRest is what may be left of it for the line to put there between two commits.
	logRest = 512 // pages
	// checkpointPasses go over the log at most. Each finds less that has come
	// meanwhile. The first during which nothing comes has the disk write what all of
	// them have put there, and the one after it finds nothing to do.
	checkpointPasses = 16
	// checkpointLook is after how many actions somebody looks how long the log is.
	checkpointLook = 256
)

// A checkpointer puts SQLite's log into the file alongside the commits. SQLite
// by itself does so in the commit that finds the log long enough, and all who
// wait for a commit wait for that, and for the disk.
//
// The log begins anew when all of it is in the file, which never is so between
// two commits that follow each other. So what is left at last is put there by the
// line. Where a reader still needs the log, or another process is at it, it grows
// on and is looked at again; what fails here is left to the next look, too.
type checkpointer struct {
	db      *sql.DB // one connection
	most    int     // logMost
	actions int     // since the last look; the line's
	look    chan struct{}
	active  atomic.Bool // passes are under way
	rest    atomic.Bool // little is left
	stop    chan struct{}
	ended   chan struct{}
}

// openCheckpointer starts one, or returns nil where the database needs none.
func openCheckpointer(d dialect, at Location) (*checkpointer, error) {
	if d.remote {
		return nil, nil
	}
	db, err := sql.Open(d.driver, sqliteFile(at.File, sqliteCheckpointOptions))
	if err != nil {
		return nil, fmt.Errorf("opening SQLite file %s for its log: %w", at, err)
	}
	db.SetMaxOpenConns(1)
	c := &checkpointer{
		db: db, most: logMost, look: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go c.loop()
	return c, nil
}

func (c *checkpointer) close() error {
	close(c.stop)
	<-c.ended
	return c.db.Close()
}

func (c *checkpointer) loop() {
	defer close(c.ended)
	for {
		select {
		case <-c.look:
			c.shorten()
		case <-c.stop:
			return
		}
	}
}

// shorten puts the log into the file if it has grown long.
func (c *checkpointer) shorten() {
	log, err := checkpoint(c.db, "NOOP")
	if err != nil || log.pages < c.most || log.left() == 0 {
		return
	}
	c.active.Store(true)
	defer c.active.Store(false)
	for range checkpointPasses {
		before := log.kept
		if log, err = checkpoint(c.db, "PASSIVE"); err != nil {
			return
		}
		if log.kept == before && log.left() > 0 {
			return // a reader needs what is left where it is
		}
		if log.kept == before {
			break
		}
	}
	if log, err = checkpoint(c.db, "NOOP"); err == nil && log.left() <= logRest {
		c.rest.Store(true)
	}
}

// busy reports whether the log is being put into the file alongside the
// commits.
func (c *checkpointer) busy() bool { return c != nil && c.active.Load() }

// committed is called by the line between two commits, with how many actions the
// last one had.
func (c *checkpointer) committed(actions int, writer *sql.DB) {
	if c.rest.CompareAndSwap(true, false) {
		_, _ = checkpoint(writer, "PASSIVE")
	}
	if c.actions += actions; c.actions < checkpointLook {
		return
	}
	c.actions = 0
	select {
	case c.look <- struct{}{}:
	default: // somebody is about to
	}
}

// A walLog says how long SQLite's log is, and how much of it is in the file.
type walLog struct{ pages, kept int }

func (l walLog) left() int { return l.pages - l.kept }

func checkpoint(db *sql.DB, mode string) (l walLog, err error) {
	var busy bool
	err = db.QueryRowContext(context.Background(), `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &l.pages, &l.kept)
	if err != nil {
		return l, fmt.Errorf("putting the log into the file: %w", err)
	}
	return l, nil
}
