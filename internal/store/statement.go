package store

import (
	"context"
	"database/sql"
	"sync"
)

// statementsMax bounds what is kept prepared. Every text is written in this
// package, so there are fewer.
const statementsMax = 300

// statements keeps queries prepared by their text: reading a text anew takes
// SQLite longer than most of the queries. PostgreSQL's driver does the same by
// itself, and has no statements here.
//
// A text is prepared after the transaction in which it was first met: inside,
// the database's only connection is taken.
type statements struct {
	db *sql.DB

	mu       sync.RWMutex
	prepared map[string]*sql.Stmt // nil for one that is to be prepared
	wanted   []string
}

// of returns the prepared query, or nil if there is none yet.
func (s *statements) of(text string) *sql.Stmt {
	s.mu.RLock()
	statement, known := s.prepared[text]
	s.mu.RUnlock()
	if known {
		return statement
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.prepared[text]; !known && len(s.prepared) < statementsMax {
		s.prepared[text] = nil
		s.wanted = append(s.wanted, text)
	}
	return nil
}

// prepare prepares the texts that were met since. What is wrong with one is said
// by the query itself.
func (s *statements) prepare(ctx context.Context) {
	s.mu.RLock()
	none := len(s.wanted) == 0
	s.mu.RUnlock()
	if none {
		return
	}
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = nil
	s.mu.Unlock()
	for _, text := range wanted {
		statement, err := s.db.PrepareContext(ctx, text) //nolint:sqlclosecheck // it is kept
		if err != nil {
			continue
		}
		s.mu.Lock()
		s.prepared[text] = statement
		s.mu.Unlock()
	}
}

// transaction is a database's own, which runs what is kept prepared.
type transaction struct {
	*sql.Tx
	statements *statements // nil where the driver keeps them
	shared     bool        // by a round, which runs no statements but its own
}

// alone leaves the round that shares the transaction.
func (t transaction) alone() {
	if t.shared {
		panic(leaving{})
	}
}

func (t transaction) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	t.alone()
	if s := t.prepared(ctx, text); s != nil { //nolint:sqlclosecheck // it ends with the transaction
		return s.QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, text, args...)
}

func (t transaction) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	t.alone()
	if s := t.prepared(ctx, text); s != nil { //nolint:sqlclosecheck // it ends with the transaction
		return s.QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, text, args...)
}

func (t transaction) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	t.alone()
	if s := t.prepared(ctx, text); s != nil { //nolint:sqlclosecheck // it ends with the transaction
		return s.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, text, args...)
}

func (t transaction) prepared(ctx context.Context, text string) *sql.Stmt {
	if t.statements == nil {
		return nil
	}
	s := t.statements.of(text)
	if s == nil {
		return nil
	}
	return t.StmtContext(ctx, s)
}

// begin begins a transaction on a database, with what is kept prepared.
func begin(ctx context.Context, db *sql.DB, s *statements, options *sql.TxOptions) (transaction, error) {
	if s != nil {
		s.prepare(ctx)
	}
	tx, err := db.BeginTx(ctx, options)
	return transaction{Tx: tx, statements: s}, err
}

func (d dialect) statements(db *sql.DB) *statements {
	if d.preparesItself {
		return nil
	}
	return &statements{db: db, prepared: map[string]*sql.Stmt{}}
}
