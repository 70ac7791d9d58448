package engine

import (
	"context"
	"database/sql"
	"fmt"
)

// A sequence is a transaction of SQLite. It runs one statement after the other,
// prepared where possible.
type sequence struct {
	tx       *sql.Tx
	prepared *prepared
}

func (s sequence) run(ctx context.Context, all []Statement) (done int, err error) {
	for i := range all {
		if err := s.runOne(ctx, &all[i]); err != nil {
			return i, all[i].failed(err)
		}
	}
	return len(all), nil
}

func (s sequence) commit(ctx context.Context, all []Statement) error {
	if _, err := s.run(ctx, all); err != nil {
		return err
	}
	return s.tx.Commit()
}

func (s sequence) undo(ctx context.Context) error {
	for _, text := range []string{gotoSavepoint, removeSavepoint} {
		if _, err := s.tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func (s sequence) rollback() { s.tx.Rollback() }

func (s sequence) runOne(ctx context.Context, one *Statement) error {
	if one.Row == nil {
		result, err := s.exec(ctx, one)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		if err != nil {
			return fmt.Errorf("counting rows: %w", err)
		}
		return one.changed(rows)
	}
	rows, err := s.query(ctx, one)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := one.read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s sequence) exec(ctx context.Context, one *Statement) (sql.Result, error) {
	if kept := s.prepared.of(one.Text); kept != nil {
		return s.tx.StmtContext(ctx, kept).ExecContext(ctx, one.Args...) //nolint:sqlclosecheck // kept
	}
	return s.tx.ExecContext(ctx, one.Text, one.Args...)
}

func (s sequence) query(ctx context.Context, one *Statement) (*sql.Rows, error) {
	if kept := s.prepared.of(one.Text); kept != nil {
		return s.tx.StmtContext(ctx, kept).QueryContext(ctx, one.Args...) //nolint:sqlclosecheck // kept
	}
	return s.tx.QueryContext(ctx, one.Text, one.Args...)
}
