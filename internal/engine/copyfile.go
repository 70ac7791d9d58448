package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"modernc.org/sqlite"
)

const (
	// copyPages is how many pages are copied before ctx and the progress are looked
	// at.
	copyPages = 256
	// copySync is after how many of those the disk has to write what was copied. A
	// large copy that is written in one burst would delay the commits of a server.
	copySync = 16
)

// copyOptions are for the file that a copy is written into. Nothing protects it
// against a crash, because a copy that was not finished is worth nothing.
const copyOptions = "mode=rw&_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)"

// CopySQLite copies one consistent state of an SQLite file into an empty file,
// also while other processes write to the first one. It reads in one transaction,
// so it never begins again, and nobody waits for it. Meanwhile the log of the
// first file grows. If copying fails, the other file is useless. told is called
// with the number of pages that are copied, and of all; it may be nil.
func CopySQLite(ctx context.Context, from string, to *os.File, told func(done, all int)) error {
	db, err := LookAtSQLite(from)
	if err != nil {
		return fmt.Errorf("opening SQLite file %s: %w", from, err)
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("opening SQLite file %s: %w", from, SQLite.Named(err))
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("reading SQLite file %s: %w", from, SQLite.Named(err))
	}
	defer tx.Rollback()
	var tables int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(1) FROM sqlite_master`).Scan(&tables); err != nil {
		return fmt.Errorf("reading SQLite file %s: %w", from, SQLite.Named(err))
	}
	if err := copyInto(ctx, conn, to, told); err != nil {
		return fmt.Errorf("copying SQLite file %s: %w", from, SQLite.Named(err))
	}
	return nil
}

// copyInto copies what the transaction of a connection sees.
func copyInto(ctx context.Context, conn *sql.Conn, to *os.File, told func(done, all int)) error {
	return conn.Raw(func(driver any) (err error) {
		from, ok := driver.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("this driver makes no copies")
		}
		backup, err := from.NewBackup(sqliteAddress(to.Name(), copyOptions))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, backup.Finish()) }()
		for steps := 1; ; steps++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			more, err := backup.Step(copyPages)
			if err != nil {
				return err
			}
			all := backup.PageCount()
			if told != nil {
				told(all-backup.Remaining(), all)
			}
			if !more {
				return nil
			}
			if steps%copySync == 0 {
				if err := to.Sync(); err != nil {
					return err
				}
			}
		}
	})
}
