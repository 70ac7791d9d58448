package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

// A Backup makes a backup of an SQLite file, while a server may be writing to it,
// or a store of a backup.
type Backup struct {
	From string // an SQLite file
	To   string // a file that does not exist
	// Taken is the time of the state that the copy has. The copy of a paused store
	// keeps the time of that store. If Taken is zero, only a paused store is copied.
	Taken time.Time
	Now   time.Time
	// Told is called with the number of pages that are copied, and of all. It may be
	// nil.
	Told func(done, all int)
	// Check is called with the copy's file before it gets its name. If it fails,
	// there is no copy. Nil checks nothing.
	Check func(file string) error
	// Logged writes an entry about the backup into the audit log of From.
	Logged bool
	// Unlogged is called if there is no such entry, because From cannot be written: its
	// disk is full or for reading only, or another program has locked it. It may be nil.
	Unlogged func(error)
}

// ErrExists refuses to overwrite a file.
var ErrExists = errors.New("the file exists already, and is not overwritten")

// ErrNoTime refuses a copy of a store that is not paused, because nothing says of
// which time its state is.
var ErrNoTime = errors.New("the file was not made by holdfast backup, and does not say of which time its state is")

// unfinished ends the name of a copy that is not finished. Nothing opens such a
// file, and the next copy to the same name begins it anew.
const unfinished = ".unfinished"

// Run makes the copy. The copy is paused, so that no server sends from it what
// was sent already: see [Pause]. It is durable and has its name only when all of
// it is right, so a copy that was cut short leaves no store.
func (b Backup) Run(ctx context.Context) error {
	if err := refuseExisting(b.To); err != nil {
		return err
	}
	return makeFile(b.To, func(part *os.File) error {
		if b.Logged {
			err := logCopyingFile(ctx, b.From, "store.backup", b.To, b.Now)
			if err = sqliteDialect.orUnlogged(err, b.Unlogged); err != nil {
				return err
			}
		}
		if err := engine.CopySQLite(ctx, b.From, part, b.Told); err != nil {
			return err
		}
		return b.finish(ctx, part.Name())
	})
}

// makeFile lets fill write a copy under another name. The copy gets its name when
// all of it is on the disk. If fill fails, nothing is left.
func makeFile(name string, fill func(part *os.File) error) error {
	part, err := openPart(name + unfinished)
	if err != nil {
		return err
	}
	defer part.Close()
	if err = fill(part); err == nil {
		err = part.Sync()
	}
	if err == nil {
		err = publish(part.Name(), name)
	}
	if err != nil {
		return errors.Join(err, removePart(part.Name()))
	}
	return nil
}

// refuseExisting refuses a file that exists, and files of SQLite next to it: the
// log of another file would be taken for the copy's.
func refuseExisting(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		switch _, err := os.Lstat(path + suffix); {
		case err == nil:
			return fmt.Errorf("%s: %w", path+suffix, ErrExists)
		case !errors.Is(err, os.ErrNotExist):
			return err
		}
	}
	return nil
}

// openPart opens an empty file that only its owner can read, and locks it against
// another copy to the same name. Nothing of a copy that was killed is left.
func openPart(path string) (*os.File, error) {
	const ownerOnly = 0o600
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, ownerOnly)
	if err != nil {
		return nil, fmt.Errorf("making the copy: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errors.New("another program is making this copy")
	}
	var info syscall.Stat_t
	if err == nil {
		err = syscall.Fstat(int(file.Fd()), &info)
	}
	if err == nil && info.Nlink > 1 {
		// The copy that was killed was complete: the file also has its own name, under
		// which it may be in use.
		if err = errors.Join(file.Close(), os.Remove(path)); err == nil {
			return openPart(path)
		}
	}
	if err == nil {
		err = errors.Join(removeLogs(path), file.Chmod(ownerOnly), file.Truncate(0))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the copy %s: %w", path, err), file.Close())
	}
	return file, nil
}

func removePart(part string) error { return errors.Join(removeLogs(part), remove(part)) }

// removeLogs removes the files that SQLite keeps next to a file.
func removeLogs(file string) (err error) {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		err = errors.Join(err, remove(file+suffix))
	}
	return err
}

// remove removes a file that need not exist.
func remove(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// finish checks the file of a copy and pauses it.
func (b Backup) finish(ctx context.Context, part string) error {
	if err := checkPages(ctx, part); err != nil {
		return err
	}
	if err := b.pause(ctx, part); err != nil {
		return err
	}
	if b.Check == nil {
		return nil
	}
	if err := b.Check(part); err != nil {
		return err
	}
	return standAlone(ctx, part)
}

// checkPages has SQLite check the structure of a file.
func checkPages(ctx context.Context, file string) error {
	db, err := engine.LookAtSQLite(file)
	if err != nil {
		return err
	}
	defer db.Close()
	var said string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&said); err != nil {
		return fmt.Errorf("checking the copy: %w", err)
	}
	if said != "ok" {
		return fmt.Errorf("the copy is damaged, and so may be what it was copied from: %s", said)
	}
	return nil
}

// pause pauses a copy.
func (b Backup) pause(ctx context.Context, part string) error {
	pools, err := engine.Connect(ctx, engine.Address{File: part})
	if err != nil {
		return err
	}
	defer pools.Close()
	if err := refuseUnknown(ctx, sqliteDialect, pools.Writer); err != nil {
		return err
	}
	switch found, err := sqliteDialect.has(ctx, pools.Writer, "pauses"); {
	case err != nil:
		return err
	case !found:
		return ErrNoSchema
	}
	err = pauseCopy(ctx, pools.Writer, Pause{Reason: PausedBackup, Taken: b.Taken, Since: b.Now})
	if err != nil {
		return err
	}
	return errors.Join(pools.Close(), standAlone(ctx, part))
}

// forgotten removes the rows that a copy of a store does not keep: the servers of
// the other store; sessions, links and invitations, which may have ended or been
// used since; and requests that a second member may have approved since.
var forgotten = []string{
	`DELETE FROM servers`, `DELETE FROM sessions`, `DELETE FROM signed_in`, `DELETE FROM passkey_challenges`,
	`DELETE FROM proofs WHERE purpose IN ('Reset', 'Change')`, `DELETE FROM invitations`,
	`UPDATE approvals SET state = 'Declined', decided_at = asked_at WHERE state = 'Asked'`,
}

// pauseCopy pauses the copy of a store, and removes what it does not keep. A copy that is
// paused already keeps its pause: see [insertPause].
func pauseCopy(ctx context.Context, db *sql.DB, p Pause) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("pausing the copy: %w", err)
	}
	defer tx.Rollback()
	for _, statement := range forgotten {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("removing what a copy does not keep: %w", err)
		}
	}
	if p.Taken.IsZero() {
		if _, err = scanPause(tx.QueryRowContext(ctx, selectPause)); errors.Is(err, sql.ErrNoRows) {
			return ErrNoTime
		}
	} else {
		_, err = tx.ExecContext(ctx, insertPause, p.values()...)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("pausing the copy: %w", err)
	}
	return nil
}

// standAlone puts everything of an SQLite database into its file, so that the file
// can be moved.
func standAlone(ctx context.Context, file string) error {
	db, err := sql.Open(sqliteDialect.Driver, file)
	if err != nil {
		return err
	}
	defer db.Close()
	var mode string
	if err := db.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode); err != nil {
		return fmt.Errorf("ending the log of the copy: %w", err)
	}
	if mode != "delete" {
		return fmt.Errorf("the log of the copy cannot be ended: its mode is %s", mode)
	}
	return nil
}

// publish gives a finished file its name. It never replaces a file.
func publish(part, name string) error {
	err := os.Link(part, name)
	switch {
	case errors.Is(err, os.ErrExist):
		return fmt.Errorf("%s: %w", name, ErrExists)
	case err == nil:
		err = os.Remove(part)
	default: // a file system without links
		if err := refuseExisting(name); err != nil {
			return err
		}
		err = os.Rename(part, name)
	}
	if err != nil {
		return fmt.Errorf("naming the copy: %w", err)
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// OpenRestored opens a PostgreSQL database that was restored with its own tools, to
// the state of a time. It brings a database of an older version up to date. It pauses
// the database before that: a server that found it without a pause would send old
// notices.
func OpenRestored(ctx context.Context, c Config, taken, now time.Time) (*DB, error) {
	if _, err := PlanMigration(ctx, c); err != nil { // such as of an empty database
		return nil, err
	}
	at, err := ParseAddress(c.Address)
	if err != nil {
		return nil, err
	}
	d, pools, err := open(ctx, at)
	if err != nil {
		return nil, err
	}
	err = (&DB{pools: pools}).pauseRestored(ctx, taken, now)
	if err = errors.Join(err, pools.Close()); err != nil {
		return nil, d.Named(err)
	}
	return Open(ctx, c)
}

// MarkRestored pauses a PostgreSQL database that was restored with its own tools,
// to the state of a time. No server may run on it, or start meanwhile.
func (db *DB) MarkRestored(ctx context.Context, taken, now time.Time) error {
	if err := db.pauseRestored(ctx, taken, now); err != nil {
		return db.dialect.Named(err)
	}
	return db.readPause(ctx)
}

// pauseRestored is MarkRestored for a database with any schema that this program
// knows.
func (db *DB) pauseRestored(ctx context.Context, taken, now time.Time) error {
	return db.whileLocked(ctx, lockAlone, func() error {
		if err := refuseRunning(ctx, db.pools.Reader, now); err != nil {
			return err
		}
		return pauseCopy(ctx, db.pools.Writer, Pause{Reason: PausedBackup, Taken: taken, Since: now})
	})
}
