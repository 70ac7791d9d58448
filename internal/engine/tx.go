package engine

import (
	"context"
	"database/sql"
	"errors"
)

// A Tx is a transaction of the database, as one Work sees it. A View has one
// that only reads. It is used by one goroutine, and only until its function
// returns.
//
// Its methods take no context, because one Work must not end the transaction for
// the others that share its commit.
type Tx struct {
	ctx      context.Context
	database *Database
	session  session // of a View
	strand   *strand // of a Work; nil in a View
	unlocked bool
}

// Unlocked returns a transaction whose reads are not locked, so the rows may
// change before the commit. why explains why that is harmless, or what else
// protects the decision.
func (tx *Tx) Unlocked(why string) *Tx {
	_ = why
	unlocked := *tx
	unlocked.unlocked = true
	return &unlocked
}

// Locks reports whether the rows that are read are locked: in a Work, unless it
// reads them through Unlocked.
func (tx *Tx) Locks() bool { return tx.strand != nil && !tx.unlocked }

// Writes reports whether the Work has written anything so far.
func (tx *Tx) Writes() bool { return tx.strand != nil && tx.strand.writes }

// HasWritten reports whether the Work has written a row.
func (tx *Tx) HasWritten(r Row) bool {
	return tx.strand != nil && tx.strand.hasWritten(r.in(tx.strand.t))
}

// Run runs statements that belong to no source and no change. The engine does
// not know which rows they read and write. So they run now, and a Work of a
// group leaves its round for them and runs by itself.
func (tx *Tx) Run(all ...Statement) error {
	if tx.strand != nil {
		return tx.strand.run(all, tx.unlocked)
	}
	_, err := tx.session.run(tx.ctx, all)
	return err
}

// Exec runs a statement and reports how many rows it changed.
func (tx *Tx) Exec(doing, text string, args ...any) (rows int64, err error) {
	err = tx.Run(Statement{Doing: doing, Text: text, Args: args, Touched: &rows})
	return rows, err
}

// One runs a statement that must change exactly one row. Otherwise it returns
// ErrStale.
func (tx *Tx) One(doing, text string, args ...any) error {
	return tx.Run(Statement{Doing: doing, Text: text, Args: args, Want: 1})
}

// QueryRow returns the first row of a query. It is read when it is scanned.
func (tx *Tx) QueryRow(text string, args ...any) Scanner { return query{tx, text, args} }

type query struct {
	tx   *Tx
	text string
	args []any
}

// Scan returns sql.ErrNoRows if there is no row.
func (q query) Scan(dest ...any) error {
	found := false
	err := q.tx.Run(Statement{Text: q.text, Args: q.args, Row: func(row Scanner) error {
		if found {
			return nil
		}
		found = true
		return row.Scan(dest...)
	}})
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// List reads all rows of a query.
func List[T any](tx *Tx, doing string, scan func(Scanner) (T, error), text string, args ...any) (all []T, err error) {
	err = tx.Run(Statement{Doing: doing, Text: text, Args: args, Row: func(row Scanner) error {
		one, err := scan(row)
		if err != nil {
			return err
		}
		all = append(all, one)
		return nil
	}})
	return all, err
}

// Confirm makes the commit wait until the rows that were read are as durable as
// those that are written. After a crash, a primary shows commits that no standby
// has yet. An answer that depends on such a commit must wait until it is safe.
func (tx *Tx) Confirm() error {
	if tx.strand == nil {
		return errors.New("confirming: a view commits nothing")
	}
	if tx.strand.left != nil {
		return tx.strand.left
	}
	tx.strand.confirms = true
	return nil
}
