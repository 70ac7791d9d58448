package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// logCopying writes into the audit log of a store that it is about to be copied: a copy
// has the personal data of all parties. A paused store is a copy itself and stays as it
// is.
func logCopying(
	ctx context.Context, d dialect, writer *sql.DB, action party.AuditAction, to string, real time.Time,
) error {
	tx, err := writer.BeginTx(ctx, nil)
	if err == nil {
		defer tx.Rollback()
		_, err = scanPause(tx.QueryRowContext(ctx, selectPause))
		if err == nil {
			return nil
		}
		if errors.Is(err, sql.ErrNoRows) {
			err = logOutside(ctx, tx, party.AuditEntry{Action: action, After: party.Facts{"to": to}}, real)
		}
		if err == nil {
			err = tx.Commit()
		}
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("writing an audit entry: %w", d.Named(err))
}

// orUnlogged ignores an error of logCopying that only means that the store cannot be
// written now. Such a store can still be copied, and a full or broken server needs its
// backup. told gets the error; it may be nil.
func (d dialect) orUnlogged(err error, told func(error)) error {
	if !d.ReadOnly(err) && !errors.Is(err, engine.ErrNoSpace) && !errors.Is(err, engine.ErrLocked) {
		return err
	}
	if told != nil {
		told(err)
	}
	return nil
}

// logCopyingFile is logCopying for an SQLite file. A file without an audit log is not
// opened for writing, which could change it.
func logCopyingFile(ctx context.Context, file string, action party.AuditAction, to string, real time.Time) error {
	look, err := engine.LookAtSQLite(file)
	if err != nil {
		return err
	}
	found, err := sqliteDialect.has(ctx, look, waitingTable.name)
	if err = errors.Join(err, look.Close()); err != nil || !found {
		return err
	}
	pools, err := engine.Connect(ctx, engine.Address{File: file})
	if err != nil {
		return err
	}
	return errors.Join(logCopying(ctx, sqliteDialect, pools.Writer, action, to, real), pools.Close())
}

// logOutside is [Tx.Log] for a transaction without the engine.
func logOutside(ctx context.Context, tx *sql.Tx, e party.AuditEntry, real time.Time) error {
	row, err := newEntry(e, ActorOf(ctx), real)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, waitingTable.insertText(""), waitingTable.fields.values(&row)...)
	return err
}
