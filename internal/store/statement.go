package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A statement is one that a transaction runs, by itself or with others.
type statement struct {
	doing   string // says in an error what it is for
	text    string
	args    []any
	row     func(scanner) error // is given each row of a statement that reads
	writes  bool                // although it has rows to give
	want    int64               // how many rows one that writes must touch
	touched *int64              // where to say how many it has touched, if any number is right
}

// wrote takes how many rows the statement has touched.
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

// A session is a database's own transaction.
type session interface {
	// run runs statements in order, up to the first that fails.
	run(ctx context.Context, all []statement) error
	Commit() error
	Rollback() // ends it in any case
}

// A transaction is a session as one action sees it.
type transaction struct {
	session
	strand *strand     // nil where the action is in no round
	rests  *dependence // nil where nothing is decided
}

func (t transaction) run(ctx context.Context, all ...statement) error {
	t.rests.ran(all)
	if t.strand != nil {
		t.strand.runs(all)
	}
	return t.session.run(ctx, all)
}

// QueryRowContext reads one row, when it is scanned.
func (t transaction) QueryRowContext(ctx context.Context, text string, args ...any) scanner {
	return query{ctx, t, statement{text: text, args: args}}
}

// ExecContext reports how many rows a statement has touched.
func (t transaction) ExecContext(ctx context.Context, text string, args ...any) (rows int64, err error) {
	err = t.run(ctx, statement{text: text, args: args, touched: &rows})
	return rows, err
}

// A query is a row that is still to be read.
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

// begin begins a transaction on a database. Without options there is none, where
// a statement by itself sees one state.
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
