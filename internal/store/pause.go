package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Pause says why and since when a store is paused. In a paused store no money
// moves, no card network is asked, and no notice, webhook or mail is claimed.
// The copy of a store is paused from its first moment, because the store that it
// was copied from has delivered what waits in the copy.
type Pause struct {
	Reason PauseReason
	Taken  time.Time // the store has the state of this time
	Since  time.Time
}

// A PauseReason says why a store is paused.
type PauseReason string

// Reasons.
const (
	PausedBackup  PauseReason = "Backup"  // the store is a backup
	PausedCopy    PauseReason = "Copy"    // it was copied from another database
	pausedCopying PauseReason = "Copying" // it has a part of its rows only
)

// ErrPaused refuses to move money in a paused store.
var ErrPaused = errors.New("the store is paused and no money moves: an operator must decide with holdfast resume " +
	"what is still to be delivered")

// ErrHalfCopied refuses a store into which another was copied only in part.
var ErrHalfCopied = errors.New("the copy of a store into this database was not finished; run holdfast store copy again")

// A pauseState is what is known of a store's pause. It is read when the store is
// opened, and with each beat of a server.
type pauseState struct{ now atomic.Pointer[Pause] }

const selectPause = `SELECT reason, taken, since FROM pauses WHERE place = 1`

func scanPause(row scanner) (p Pause, err error) {
	return p, row.Scan(textDest[PauseReason]{&p.Reason}, timeDest{&p.Taken}, timeDest{&p.Since})
}

// loadPause reads the pause of a store that is being opened. It refuses a store
// that was copied in part.
func (db *DB) loadPause(ctx context.Context, d dialect) error {
	p, err := scanPause(db.pools.Writer.QueryRowContext(ctx, selectPause))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		d.pause.now.Store(nil)
		return nil
	case err != nil:
		return fmt.Errorf("reading whether the store is paused: %w", err)
	case p.Reason == pausedCopying:
		return ErrHalfCopied
	}
	d.pause.now.Store(&p)
	return nil
}

// readPause is loadPause for a store that is open.
func (db *DB) readPause(ctx context.Context) error {
	return db.glance(ctx, func(tx *ReadTx) error {
		all, err := list(tx, "reading whether the store is paused", scanPause, selectPause)
		switch {
		case err != nil:
			return err
		case len(all) == 0:
			tx.dialect.pause.now.Store(nil)
		default:
			tx.dialect.pause.now.Store(&all[0])
		}
		return nil
	})
}

// Paused returns the pause of the store, as it was known at the last beat of
// this server. paused is false if the store is not paused.
func (r Reader) Paused() (p Pause, paused bool) { return r.dialect.pause.get() }

func (s *pauseState) get() (p Pause, paused bool) {
	if s == nil {
		return p, false
	}
	now := s.now.Load()
	if now == nil {
		return p, false
	}
	return *now, true
}

// paused reports whether the store is paused.
func (tx *ReadTx) paused() bool {
	_, paused := tx.dialect.pause.get()
	return paused
}

// insertPause pauses a store. A store that is paused already keeps the earlier time
// of its state: too early does no harm.
const insertPause = `
	INSERT INTO pauses (place, reason, taken, since) VALUES (1, $1, $2, $3)
	ON CONFLICT (place) DO UPDATE SET taken = excluded.taken WHERE excluded.taken < pauses.taken`

// values are the arguments of insertPause.
func (p Pause) values() []any { return []any{string(p.Reason), micros(p.Taken), micros(p.Since)} }

// Resume ends the pause of the store. Servers that run notice it within seconds.
// done is what the operator has decided, for the audit log.
func (db *DB) Resume(ctx context.Context, done party.Facts, real time.Time) error {
	err := db.Background(ctx, func(tx *Tx) error {
		if err := tx.one("resuming the store", `DELETE FROM pauses`); err != nil {
			return err
		}
		return tx.Log(party.AuditEntry{Action: "store.resume", After: done}, real)
	})
	if err != nil {
		return err
	}
	return db.readPause(ctx)
}

// LogRestore writes into the audit log that the store was restored.
func (db *DB) LogRestore(ctx context.Context, real time.Time) error {
	p, _ := db.Paused()
	return db.Background(ctx, func(tx *Tx) error {
		return tx.Log(party.AuditEntry{
			Action: "store.restore", After: party.Facts{"taken": p.Taken.UTC().Format(time.RFC3339)},
		}, real)
	})
}
