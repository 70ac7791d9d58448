package engine

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
)

const (
	// logMost is how long SQLite's log grows before it is copied into the file, so
	// that a page that changes with each commit is copied once for many of them.
	logMost = 16384 // pages of 4 KiB
	// logRest is how much of it the writer may copy between two commits.
	logRest = 512 // pages
	// checkpointPasses is how often the log is gone through at most. Each pass finds
	// fewer new pages than the one before. The first pass during which none come makes
	// the disk write what all passes have copied.
	checkpointPasses = 16
	// checkpointLook is after how many Works the length of the log is looked at.
	checkpointLook = 256
)

// A checkpointer copies SQLite's log into the file while commits go on. By
// itself, SQLite does so in the commit that finds the log long enough, and every
// Work that waits for a commit waits for the copying and for the disk.
//
// The log begins anew when all of it is in the file. That never happens while
// commits follow each other, so the writer copies the small rest between two
// commits. If a reader still needs the log, or another process uses it, the log
// grows on and is looked at again. An error is left to the next look, too.
type checkpointer struct {
	db     *sql.DB // one connection
	most   int     // logMost
	works  int     // since the last look; only the writer uses it
	stats  Stats
	look   chan struct{}
	active atomic.Bool // passes are under way
	rest   atomic.Bool // little is left for the writer
	stop   chan struct{}
	ended  chan struct{}
}

// openCheckpointer starts one for an SQLite file.
func openCheckpointer(file string, stats Stats) (*checkpointer, error) {
	db, err := sql.Open(SQLite.Driver, sqliteAddress(file, sqliteCheckpointOptions))
	if err != nil {
		return nil, fmt.Errorf("opening SQLite file %s for its log: %w", file, err)
	}
	db.SetMaxOpenConns(1)
	c := &checkpointer{
		db: db, most: logMost, stats: stats,
		look: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
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

// shorten copies the log into the file if it has grown long.
func (c *checkpointer) shorten() {
	log, err := checkpoint(c.db, "NOOP")
	if err != nil || log.pages < c.most || log.left() == 0 {
		return
	}
	c.active.Store(true)
	began, pages := c.stats.now(), log.left()
	defer func() {
		c.active.Store(false)
		c.stats.checkpointed(pages, c.stats.now().Sub(began))
	}()
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

// busy reports whether the log is being copied while commits go on.
func (c *checkpointer) busy() bool { return c != nil && c.active.Load() }

// committed is called by the writer between two commits, with the number of Works
// in the last one.
func (c *checkpointer) committed(works int, writer *sql.DB) {
	if c.rest.CompareAndSwap(true, false) {
		_, _ = checkpoint(writer, "PASSIVE")
	}
	if c.works += works; c.works < checkpointLook {
		return
	}
	c.works = 0
	select {
	case c.look <- struct{}{}:
	default: // it will look anyway
	}
}

// A walLog says how long SQLite's log is, and how much of it is in the file.
type walLog struct{ pages, kept int }

func (l walLog) left() int { return l.pages - l.kept }

func checkpoint(db *sql.DB, mode string) (l walLog, err error) {
	var busy bool
	err = db.QueryRowContext(context.Background(), `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &l.pages, &l.kept)
	if err != nil {
		return l, fmt.Errorf("copying the log into the file: %w", err)
	}
	return l, nil
}
