package engine

import (
	"context"
	"fmt"
	"runtime/debug"
)

// A Statement is one SQL statement. A session sends several of them together.
type Statement struct {
	Doing   string // the purpose, for errors
	Text    string
	Args    []any
	Row     func(Scanner) error // called for each row that the Statement returns
	Writes  bool                // set if a Statement that returns rows also writes
	Want    int64               // how many rows a Statement that writes must change
	Touched *int64              // gets the number of changed rows; nil requires Want

	sure bool // a wrong number of rows is impossible, or fails in the database
}

// A Scanner is one row of a result.
type Scanner interface{ Scan(dest ...any) error }

func noRow(Scanner) error { return nil }

// changed checks or reports how many rows the Statement has changed.
func (s *Statement) changed(rows int64) error {
	switch {
	case s.Touched != nil:
		*s.Touched = rows
	case rows != s.Want:
		return fmt.Errorf("%d rows changed instead of %d: %w", rows, s.Want, ErrStale)
	}
	return nil
}

// read gives a row to the Statement. It runs on the goroutine of a writer, so a
// panic, which is a bug of ours, becomes a failure of the Statement.
func (s *Statement) read(row Scanner) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while reading a row: %v\n%s", p, debug.Stack())
		}
	}()
	return s.Row(row)
}

// countsAfterwards reports whether only the answer tells that the number of
// changed rows is wrong.
func (s Statement) countsAfterwards() bool { return s.Row == nil && s.Touched == nil && !s.sure }

func (s *Statement) failed(err error) error {
	if s.Doing == "" {
		return err
	}
	return fmt.Errorf("%s: %w", s.Doing, err)
}

// The statements of a savepoint.
const (
	makeSavepoint   = "SAVEPOINT work"
	gotoSavepoint   = "ROLLBACK TO SAVEPOINT work"
	removeSavepoint = "RELEASE SAVEPOINT work"
)

// A session is a transaction of the database.
type session interface {
	// run runs statements in order until one fails. It returns how many succeeded.
	run(ctx context.Context, all []Statement) (done int, err error)
	// commit runs statements and commits, if all of them succeed. If nobody knows
	// whether the commit has happened, the error is errDoubtful.
	commit(ctx context.Context, all []Statement) error
	// undo goes back to the savepoint and removes it, after a statement has failed.
	undo(ctx context.Context) error
	// rollback ends the session in any case.
	rollback()
}
