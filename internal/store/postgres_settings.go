package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// errPooler: see refusePooler.
var errPooler = errors.New("opening PostgreSQL: a connection pooler (such as PgBouncer in transaction mode) stands " +
	"before the database, and gives one session's transactions to several server sessions. Prepared statements, session " +
	"settings and advisory locks do not work there. Give PostgreSQL's own address, or set the pooler to session mode")

// refusePooler refuses a pooler that changes the server session between two
// transactions of one connection. A connection without a pooler is told at its
// start which server process it has; any pooler makes that number up.
func refusePooler(ctx context.Context, db *sql.DB) error {
	one, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	defer one.Close()
	told, err := processTold(one)
	if err != nil {
		return err
	}
	had, err := processOf(ctx, one)
	if err != nil || had == told {
		return err
	}
	other, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	defer other.Close()
	tx, err := other.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("asking for the server process: %w", err)
	}
	defer tx.Rollback()
	others, err := processOf(ctx, tx)
	if err != nil {
		return err
	}
	if others == had {
		return errPooler
	}
	has, err := processOf(ctx, one)
	if err == nil && has != had {
		return errPooler
	}
	return err
}

// processTold is the server process as the connection was told at its start.
func processTold(c *sql.Conn) (pid uint32, err error) {
	err = c.Raw(func(driver any) error {
		conn, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a %T is no connection of pgx", driver)
		}
		pid = conn.Conn().PgConn().PID()
		return nil
	})
	return pid, err
}

// processOf is the server process that answers. It is asked by the simple
// protocol, which needs nothing prepared.
func processOf(ctx context.Context, c interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) (pid uint32, err error) {
	if err := c.QueryRowContext(ctx, `SELECT pg_backend_pid()`, pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
		return 0, fmt.Errorf("asking for the server process: %w", err)
	}
	return pid, nil
}

// CheckDurable refuses a PostgreSQL whose settings may lose a commit that was
// answered, in a crash of its machine. SQLite's settings are the store's own.
func (db *DB) CheckDurable(ctx context.Context) error {
	if !db.dialect.remote {
		return nil
	}
	for _, setting := range []struct{ name, loses string }{
		{"fsync", "after a power cut the database may be damaged beyond repair"},
		{"full_page_writes", "after a power cut a page may be half written"},
		{"synchronous_commit", "a crash takes the latest answered commits with it"},
	} {
		var value string
		if err := db.writer.QueryRowContext(ctx, `SELECT current_setting($1)`, setting.name).Scan(&value); err != nil {
			return db.dialect.unreachable(fmt.Errorf("asking for PostgreSQL's %s: %w", setting.name, err))
		}
		if value == "off" {
			return fmt.Errorf("PostgreSQL runs with %s = off: %s", setting.name, setting.loses)
		}
	}
	return nil
}
