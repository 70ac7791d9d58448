package engine

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// An Address says where a database is. Set one of its fields.
type Address struct {
	File       string // SQLite
	PostgreSQL string // a URL or key-value pairs, as libpq reads them
}

// Pools are the connections to one database. [Connect] makes them.
type Pools struct {
	Database *Database
	Writer   *sql.DB // for the writers and migrations
	Reader   *sql.DB // for views

	file string // of SQLite
}

// Connect connects to a database. It starts no writer, so that the schema can be
// brought up to date first.
func Connect(ctx context.Context, at Address) (*Pools, error) {
	p := &Pools{Database: SQLite, file: at.File}
	var err error
	if at.PostgreSQL != "" {
		p.Database = PostgreSQL
		p.Writer, p.Reader, err = openPostgres(ctx, at.PostgreSQL)
	} else {
		p.Writer, p.Reader, err = openSQLite(ctx, at.File)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Close closes the connections.
func (p *Pools) Close() error { return errors.Join(p.Writer.Close(), p.Reader.Close()) }

// A Config says how an engine runs.
type Config struct {
	// GroupMax is the largest number of Works in one commit. 1 gives each Work its
	// own commit, for comparisons. 0 means 256, which keeps each commit short.
	GroupMax int
	// LockWait is how long a commit waits while another process has locked the
	// SQLite file, in whole milliseconds. 0 means ten seconds.
	LockWait time.Duration
	Stats    Stats
}

// A DB runs Works and views on one database. [Start] makes it.
type DB struct {
	*Committer
	Reader

	pools     *Pools
	closeOnce sync.Once
	closeErr  error
}

// Start starts the writers. The DB closes the pools when it is closed; if Start
// fails, they stay open.
func Start(ctx context.Context, p *Pools, c Config) (*DB, error) {
	var checkpoints *checkpointer
	if !p.Database.Remote {
		if err := waitForLock(ctx, p.Writer, c.LockWait); err != nil {
			return nil, err
		}
		var err error
		if checkpoints, err = openCheckpointer(p.file, c.Stats); err != nil {
			return nil, err
		}
	}
	db := &DB{pools: p, Reader: NewReader(p)}
	db.Committer = &Committer{
		db: p.Writer, database: p.Database, prepared: newPrepared(p.Database, p.Writer), checkpoints: checkpoints,
		groupMax: cmp.Or(c.GroupMax, groupMax), stats: c.Stats,
	}
	db.start()
	return db, nil
}

// Close carries out the accepted Works and closes the database.
func (db *DB) Close() error {
	db.closeOnce.Do(func() {
		db.end()
		if db.checkpoints != nil {
			db.closeErr = db.checkpoints.close()
		}
		db.closeErr = errors.Join(db.closeErr, db.pools.Close())
	})
	return db.closeErr
}

// A Reader runs views, which only read.
type Reader struct {
	db       *sql.DB
	prepared *prepared
	database *Database
}

// NewReader makes a Reader.
func NewReader(p *Pools) Reader {
	return Reader{db: p.Reader, prepared: newPrepared(p.Database, p.Reader), database: p.Database}
}

// View runs read on one consistent state of the database. On PostgreSQL its time
// is limited, so that a session that hangs does not block its caller.
func (r Reader) View(ctx context.Context, read func(*Tx) error) error {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	return r.view(ctx, r.database.beginRead, read)
}

// Glance is View for a single statement, which needs no transaction to see one
// consistent state.
func (r Reader) Glance(ctx context.Context, read func(*Tx) error) error {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	return r.view(ctx, "", read)
}

// ViewLong is View without the time limit, for reading whole tables.
func (r Reader) ViewLong(ctx context.Context, read func(*Tx) error) error {
	return r.view(ctx, r.database.beginRead, read)
}

func (r Reader) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.database.Remote {
		return context.WithTimeout(ctx, tryMax)
	}
	return ctx, func() {}
}

func (r Reader) view(ctx context.Context, begin string, read func(*Tx) error) error {
	session, err := r.database.open(ctx, r.db, r.prepared, begin)
	if err != nil {
		return r.database.Named(fmt.Errorf("beginning to read: %w", err))
	}
	defer session.rollback()
	return r.database.Named(read(&Tx{ctx: ctx, database: r.database, session: session}))
}
