package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// A pipeline is a transaction of PostgreSQL. Statements that run together are
// sent together and take one round trip. The first ones also take the beginning
// of the transaction with them, and the last ones take the commit.
type pipeline struct {
	conn   *sql.Conn
	begin  string // the statement that begins the transaction; empty if each statement is its own
	begun  bool
	ended  bool
	broken error // why the transaction could not begin; then nothing runs
}

func (p *pipeline) run(ctx context.Context, all []Statement) (done int, err error) {
	if len(all) == 0 || p.broken != nil {
		return 0, p.broken
	}
	err = p.raw(func(conn *pgx.Conn) error {
		done, err = p.send(ctx, conn, all, false)
		return err
	})
	return done, err
}

// commit sends the last statements and the commit in one round trip. PostgreSQL
// skips what follows a statement that fails, so it commits only if all of them
// succeed. Statements whose row count is only known afterwards take a round trip of
// their own before the commit.
func (p *pipeline) commit(ctx context.Context, all []Statement) error {
	if p.broken != nil || !p.begun && len(all) == 0 {
		return p.broken
	}
	if slices.ContainsFunc(all, Statement.countsAfterwards) {
		if _, err := p.run(ctx, all); err != nil {
			return err
		}
		all = nil
	}
	return p.raw(func(conn *pgx.Conn) error {
		done, err := p.send(ctx, conn, all, true)
		if err == nil {
			p.ended = true
			return nil
		}
		if uncommitted(err, done < len(all)) || !conn.IsClosed() && conn.PgConn().TxStatus() != idle {
			return err
		}
		return fmt.Errorf("%w: %w", errDoubtful, err)
	})
}

// uncommitted reports whether an error proves that the commit has not happened:
// the commit was never sent, or PostgreSQL refused it or a statement before it.
func uncommitted(err error, before bool) bool {
	if _, refused := errors.AsType[*pgconn.PgError](err); refused && before || postgresConflict(err) {
		return true
	}
	_, unsent := errors.AsType[pgx.ErrPreprocessingBatch](err)
	return unsent || pgconn.SafeToRetry(err)
}

// idle is the status of a connection without a transaction.
const idle = 'I'

func (p *pipeline) send(ctx context.Context, conn *pgx.Conn, all []Statement, commit bool) (done int, err error) {
	batch := &pgx.Batch{}
	begins := p.begin != "" && !p.begun
	if begins {
		batch.Queue(p.begin)
	}
	for i := range all {
		batch.Queue(all[i].Text, all[i].Args...)
	}
	if commit {
		batch.Queue("commit")
	}
	results := conn.SendBatch(ctx, batch)
	defer results.Close()
	if begins {
		p.begun = true
		if _, err := results.Exec(); err != nil {
			p.broken = fmt.Errorf("beginning: %w", err)
			return 0, p.broken
		}
	}
	for i := range all {
		if err := all[i].take(results); err != nil {
			return i, all[i].failed(err)
		}
	}
	if commit {
		tag, err := results.Exec()
		if err != nil {
			return len(all), err
		}
		if tag.String() != "COMMIT" {
			return len(all), fmt.Errorf("committing ended with %s: a statement failed and its error was ignored", tag)
		}
	}
	return len(all), results.Close()
}

// take reads the result of the Statement, which is the next one.
func (s *Statement) take(results pgx.BatchResults) error {
	if s.Row == nil {
		tag, err := results.Exec()
		if err != nil {
			return postgresStale(err)
		}
		return s.changed(tag.RowsAffected())
	}
	rows, err := results.Query()
	if err != nil {
		return postgresStale(err)
	}
	defer rows.Close()
	row := &pipelineRow{rows}
	for rows.Next() {
		if err := s.read(row); err != nil {
			return err
		}
	}
	return postgresStale(rows.Err())
}

// postgresStale recognizes the division by zero by which a checked statement
// refuses a wrong number of rows.
func postgresStale(err error) error {
	const divisionByZero = "22012"
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == divisionByZero {
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	return err
}

// undo uses the simple protocol, because the driver can prepare no statement
// after one has failed.
func (p *pipeline) undo(ctx context.Context) error {
	return p.raw(func(conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, gotoSavepoint+"; "+removeSavepoint).ReadAll()
		return err
	})
}

// rollback gives the connection back. If the transaction cannot be rolled back,
// the connection is closed.
func (p *pipeline) rollback() {
	defer p.conn.Close()
	if !p.begun || p.ended {
		return
	}
	_ = p.raw(func(conn *pgx.Conn) error {
		if conn.IsClosed() || conn.PgConn().TxStatus() == idle {
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), tryMax)
		defer cancel()
		_, err := conn.Exec(ctx, "rollback")
		if err != nil {
			_ = conn.Close(ctx)
		}
		return err
	})
}

func (p *pipeline) raw(do func(*pgx.Conn) error) error {
	return p.conn.Raw(func(conn any) error {
		return do(conn.(*stdlib.Conn).Conn()) //nolint:forcetypeassert // the pool has no others
	})
}

// A pipelineRow scans like a row of database/sql, which takes numbers for true
// and false.
type pipelineRow struct{ pgx.Rows }

func (r *pipelineRow) Scan(dest ...any) error {
	for i, d := range dest {
		if b, ok := d.(*bool); ok {
			dest[i] = (*flag)(b)
		}
	}
	return r.Rows.Scan(dest...)
}

// A flag is true if the number is not 0.
type flag bool

// ScanInt64 is called by the driver.
func (f *flag) ScanInt64(n pgtype.Int8) error {
	*f = n.Int64 != 0
	return nil
}
