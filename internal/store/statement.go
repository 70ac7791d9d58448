package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A statement is one SQL statement, run alone or together with others.
type statement struct {
	doing   string // the purpose, for errors
	text    string
	args    []any
	row     func(scanner) error // called for each row that the statement returns
	writes  bool                // set if a statement that returns rows also writes
	want    int64               // how many rows a statement that writes must change
	touched *int64              // gets the number of changed rows; nil requires want
}

// wrote checks or reports how many rows the statement has changed.
func (s statement) wrote(rows int64) error {
	switch {
	case s.touched != nil:
		*s.touched = rows
	case rows != s.want:
		return fmt.Errorf("%d rows changed instead of %d: %w", rows, s.want, ErrStale)
	}
	return nil
}

func (s statement) failed(err error) error {
	if s.doing == "" {
		return err
	}
	return fmt.Errorf("%s: %w", s.doing, err)
}

// A session is a transaction of the database.
type session interface {
	// run runs statements in order until one fails.
	run(ctx context.Context, all []statement) error
	Commit() error
	Rollback() // ends the session in any case
}

// A transaction is a session as seen by one action.
type transaction struct {
	session
	strand *strand     // nil outside a round
	rests  *dependence // nil if nothing is decided
}

func (t transaction) run(ctx context.Context, all ...statement) error {
	t.rests.ran(all)
	if t.strand != nil {
		t.strand.runs(all)
	}
	return t.session.run(ctx, all)
}

// QueryRowContext returns a row that is read when it is scanned.
func (t transaction) QueryRowContext(ctx context.Context, text string, args ...any) scanner {
	return query{ctx, t, statement{text: text, args: args}}
}

// ExecContext runs a statement and reports how many rows it changed.
func (t transaction) ExecContext(ctx context.Context, text string, args ...any) (rows int64, err error) {
	err = t.run(ctx, statement{text: text, args: args, touched: &rows})
	return rows, err
}

// A query is a row that has not been read yet.
type query struct {
	ctx         context.Context
	transaction transaction
	statement   statement
}

func (q query) Scan(dest ...any) error {
	found := false
	q.statement.row = func(row scanner) error {
		if found {
			return nil
		}
		found = true
		return row.Scan(dest...)
	}
	err := q.transaction.run(q.ctx, q.statement)
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// begin begins a transaction on a database. Without options, PostgreSQL runs
// each statement in its own transaction.
func (d dialect) begin(ctx context.Context, db *sql.DB, p *prepared, options *pgx.TxOptions) (transaction, error) {
	if d.pipelines {
		conn, err := db.Conn(ctx)
		return transaction{session: &pipeline{ctx: ctx, conn: conn, options: options}}, err
	}
	p.prepare(ctx)
	tx, err := db.BeginTx(ctx, nil)
	return transaction{session: sequence{tx, p}}, err
}

func (d dialect) prepared(db *sql.DB) *prepared {
	if d.pipelines {
		return nil
	}
	return &prepared{db: db, kept: map[string]*sql.Stmt{}}
}
