package shop

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	_ "modernc.org/sqlite" // the database's driver

	"github.com/holdfast-pay/holdfast/client/inbox"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// With synchronous FULL, a committed order survives a power cut. With BEGIN
// IMMEDIATE, a transaction takes the write lock before its first read, so it
// never fails half way because another one is writing.
const databaseOptions = "?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"

// openDatabase opens the shop's database file and migrates its tables. It uses
// one connection, as River's driver requires; that is enough for a shop. While
// a transaction is open, all statements must use it.
//
// Only the owner can read the file, because it has addresses and tokens.
func openDatabase(ctx context.Context, path string) (*sql.DB, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating the shop's database: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("creating the shop's database: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+databaseOptions)
	if err != nil {
		return nil, fmt.Errorf("opening the shop's database %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	err = migrate(ctx, db)
	if err == nil {
		_, err = db.ExecContext(ctx, inbox.Schema)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the shop's database %s: %w", path, err), db.Close())
	}
	return db, nil
}

// migrate runs the files of schema/ that the database does not have yet, each
// in one transaction. SQLite's user_version counts them.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Glob(schemaFiles, "schema/*.sql")
	if err != nil {
		return fmt.Errorf("listing migrations: %w", err)
	}
	var done int
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&done); err != nil {
		return fmt.Errorf("reading its version: %w", err)
	}
	if done > len(files) {
		return fmt.Errorf("its version %d is newer than this program's version %d", done, len(files))
	}
	for i, file := range files[done:] {
		text, err := schemaFiles.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		err = inTx(ctx, db, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return err //nolint:wrapcheck // said below
			}
			_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, done+i+1)) // takes no placeholder
			return err                                                                       //nolint:wrapcheck // said below
		})
		if err != nil {
			return fmt.Errorf("running %s: %w", file, err)
		}
	}
	return nil
}

// inTx runs f in a transaction and commits it if f succeeds.
func inTx(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// A querier is the database, or a transaction on it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// micros returns a time in the form of the database; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
