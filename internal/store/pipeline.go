package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// A pipeline is a transaction of PostgreSQL. Statements that are run together are
// sent together, and then their results are read: they take the way to the
// database and back once. The first of them take the transaction's beginning with
// them.
type pipeline struct {
	ctx     context.Context // of its beginning and its end
	conn    *sql.Conn
	options *pgx.TxOptions // nil where there is no transaction
	tx      pgx.Tx         // nil until it has begun
	unbegun error          // why it could not; nothing is run outside of it
}

func (p *pipeline) run(ctx context.Context, all []statement) error {
	if len(all) == 0 || p.unbegun != nil {
		return p.unbegun
	}
	batch := &pgx.Batch{}
	begins := p.options != nil && p.tx == nil
	if begins {
		batch.BeginTx(*p.options)
	}
	for _, s := range all {
		batch.Queue(s.text, s.args...)
	}
	return p.raw(func(conn *pgx.Conn) error {
		results := conn.SendBatch(ctx, batch)
		defer results.Close()
		if begins {
			p.tx = results.Tx()
			if _, err := results.Exec(); err != nil {
				p.unbegun = fmt.Errorf("beginning: %w", err)
				return p.unbegun
			}
		}
		for _, s := range all {
			if err := s.take(results); err != nil {
				return s.failed(err)
			}
		}
		return results.Close()
	})
}

// take reads the statement's result, which is the next one.
func (s statement) take(results pgx.BatchResults) error {
	if s.row == nil {
		tag, err := results.Exec()
		if err != nil {
			return err
		}
		return s.wrote(tag.RowsAffected())
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := s.row(pipelineRow{rows}); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Commit does nothing where nothing was done.
func (p *pipeline) Commit() error {
	if p.tx == nil {
		return nil
	}
	return p.raw(func(*pgx.Conn) error { return p.tx.Commit(p.ctx) })
}

// Rollback gives the connection back, whether or not there is something to roll
// back.
func (p *pipeline) Rollback() {
	if p.tx != nil {
		_ = p.raw(func(*pgx.Conn) error { return p.tx.Rollback(p.ctx) }) // closes the connection where it cannot
	}
	p.conn.Close()
}

func (p *pipeline) raw(do func(*pgx.Conn) error) error {
	return p.conn.Raw(func(conn any) error {
		return do(conn.(*stdlib.Conn).Conn()) //nolint:forcetypeassert // the pool has no others
	})
}

// A pipelineRow is scanned like a row of database/sql, which takes numbers for
// what is true or not.
type pipelineRow struct{ pgx.Rows }

func (r pipelineRow) Scan(dest ...any) error {
	for i, d := range dest {
		if b, ok := d.(*bool); ok {
			dest[i] = (*flagged)(b)
		}
	}
	return r.Rows.Scan(dest...)
}

// flagged is true where the number is not 0.
type flagged bool

// ScanInt64 is called by the driver.
func (f *flagged) ScanInt64(n pgtype.Int8) error {
	*f = n.Int64 != 0
	return nil
}
