package engine

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"time"
)

// sqliteOptions are for the connection that writes. BEGIN IMMEDIATE takes
// SQLite's write lock before the first read, so that a transaction never has to
// be abandoned half way. FULL makes a commit durable before it is answered. If
// the checkpointer is late, a commit copies the log into the file itself, at
// four times the usual length. The cache is small because the operating system
// caches the file, too. In a file of less than 1 GiB, SQLite goes through its
// whole cache in nearly every commit that adds pages.
const sqliteOptions = "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&" +
	"_pragma=synchronous(FULL)&_pragma=temp_store(memory)&_pragma=cache_size(-8192)&_pragma=wal_autocheckpoint(65536)"

// sqliteReadOptions let readers run at the same time as the writer. They forbid
// writing, because SQLite does not enforce a read-only transaction.
const sqliteReadOptions = "_txlock=deferred&_pragma=busy_timeout(10000)&_pragma=query_only(1)"

// sqliteLookOptions are for checking a file that may be anything, or may not
// exist.
const sqliteLookOptions = "mode=rw&_pragma=busy_timeout(10000)&_pragma=query_only(1)"

// sqliteCheckpointOptions are for the checkpointer's connection. The pages that
// it copies into the file are durable there before the log is reused.
const sqliteCheckpointOptions = "_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)"

const sqliteReadersMax = 8

func openSQLite(ctx context.Context, file string) (writer, reader *sql.DB, err error) {
	writer, err = sql.Open(SQLite.Driver, sqliteAddress(file, sqliteOptions))
	if err != nil {
		return nil, nil, fmt.Errorf("opening SQLite file %s: %w", file, err)
	}
	writer.SetMaxOpenConns(1)
	if err := writer.PingContext(ctx); err != nil {
		writer.Close()
		return nil, nil, fmt.Errorf("opening SQLite file %s: %w", file, SQLite.Named(err))
	}
	reader, err = sql.Open(SQLite.Driver, sqliteAddress(file, sqliteReadOptions))
	if err != nil {
		writer.Close()
		return nil, nil, fmt.Errorf("opening SQLite file %s for reading: %w", file, err)
	}
	reader.SetMaxOpenConns(sqliteReadersMax)
	reader.SetMaxIdleConns(sqliteReadersMax)
	return writer, reader, nil
}

// LookAtSQLite opens a file that may be anything, for reading. It never makes
// one.
func LookAtSQLite(file string) (*sql.DB, error) {
	return sql.Open(SQLite.Driver, sqliteAddress(file, sqliteLookOptions))
}

func sqliteAddress(file, options string) string {
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + options
}

// waitForLock sets how long a commit waits while another process has locked the
// file.
func waitForLock(ctx context.Context, writer *sql.DB, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	if _, err := writer.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", wait.Milliseconds())); err != nil {
		return fmt.Errorf("setting the lock timeout: %w", err)
	}
	return nil
}
