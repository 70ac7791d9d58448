package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// errPooler: see refusePooler.
var errPooler = errors.New("opening PostgreSQL: a connection pooler (such as PgBouncer in transaction mode) is in " +
	"front of the database, and runs one session's transactions on several server sessions. " +
	"Prepared statements, session " +
	"settings and advisory locks do not work there. Give PostgreSQL's own address, or set the pooler to session mode")

// refusePooler refuses a pooler that changes the server session between two
// transactions of one connection. PostgreSQL tells each new connection the
// number of its server process. A pooler makes that number up.
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

// processTold is the number of the server process that the connection was told
// at its start.
func processTold(c *sql.Conn) (pid uint32, err error) {
	err = c.Raw(func(driver any) error {
		conn, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a %T is not a connection of pgx", driver)
		}
		pid = conn.Conn().PgConn().PID()
		return nil
	})
	return pid, err
}

// processOf is the number of the server process that answers. The question uses
// the simple protocol, which prepares no statement.
func processOf(ctx context.Context, c interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) (pid uint32, err error) {
	if err := c.QueryRowContext(ctx, `SELECT pg_backend_pid()`, pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
		return 0, fmt.Errorf("asking for the server process: %w", err)
	}
	return pid, nil
}

// CheckDurable refuses a PostgreSQL server whose settings may lose an answered
// commit when its machine crashes. SQLite's settings are the engine's own.
func (p *Pools) CheckDurable(ctx context.Context) error {
	if !p.Database.Remote {
		return nil
	}
	for _, setting := range []struct{ name, loses string }{
		{"fsync", "after a power cut the database may be damaged beyond repair"},
		{"full_page_writes", "after a power cut a page may be half written"},
		{"synchronous_commit", "a crash may lose the latest answered commits"},
	} {
		var value string
		if err := p.Writer.QueryRowContext(ctx, `SELECT current_setting($1)`, setting.name).Scan(&value); err != nil {
			return p.Database.Named(fmt.Errorf("asking for PostgreSQL's %s: %w", setting.name, err))
		}
		if value == "off" {
			return fmt.Errorf("PostgreSQL runs with %s = off: %s", setting.name, setting.loses)
		}
	}
	return nil
}
