package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// preparedMax bounds the number of prepared statements. All texts are written
// in this package, so there are fewer.
const preparedMax = 300

// prepared keeps prepared statements by their text, because parsing a text
// takes SQLite longer than most queries. PostgreSQL's driver does the same
// itself.
//
// A text is prepared after the transaction in which it first occurred. During
// that transaction the only connection is in use.
type prepared struct {
	db *sql.DB

	mu     sync.RWMutex
	kept   map[string]*sql.Stmt // nil until it is prepared
	wanted []string
}

// of returns the prepared statement of a text, or nil if there is none yet.
func (p *prepared) of(text string) *sql.Stmt {
	p.mu.RLock()
	statement, known := p.kept[text]
	p.mu.RUnlock()
	if known {
		return statement
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.kept[text]; !known && len(p.kept) < preparedMax {
		p.kept[text] = nil
		p.wanted = append(p.wanted, text)
	}
	return nil
}

// prepare prepares the texts that have occurred since the last call. It ignores
// errors, because the query itself returns them.
func (p *prepared) prepare(ctx context.Context) {
	p.mu.RLock()
	none := len(p.wanted) == 0
	p.mu.RUnlock()
	if none {
		return
	}
	p.mu.Lock()
	wanted := p.wanted
	p.wanted = nil
	p.mu.Unlock()
	for i, text := range wanted {
		statement, err := p.db.PrepareContext(ctx, text) //nolint:sqlclosecheck // it is kept
		if err != nil && sqliteDialect.isLocked(err) {   // further ones would wait as long
			p.mu.Lock()
			p.wanted = append(p.wanted, wanted[i:]...)
			p.mu.Unlock()
			return
		}
		if err != nil {
			continue
		}
		p.mu.Lock()
		p.kept[text] = statement
		p.mu.Unlock()
	}
}

// A sequence is a transaction that runs one statement after the other, prepared
// where possible.
type sequence struct {
	*sql.Tx
	prepared *prepared
}

func (s sequence) run(ctx context.Context, all []statement) error {
	for _, one := range all {
		if err := s.runOne(ctx, one); err != nil {
			return one.failed(err)
		}
	}
	return nil
}

func (s sequence) runOne(ctx context.Context, one statement) error {
	if one.row == nil {
		result, err := s.exec(ctx, one)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		if err != nil {
			return fmt.Errorf("counting rows: %w", err)
		}
		return one.wrote(rows)
	}
	rows, err := s.query(ctx, one)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := one.row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s sequence) Rollback() { s.Tx.Rollback() }

func (s sequence) exec(ctx context.Context, one statement) (sql.Result, error) {
	if kept := s.prepared.of(one.text); kept != nil { //nolint:sqlclosecheck // it ends with the transaction
		return s.StmtContext(ctx, kept).ExecContext(ctx, one.args...)
	}
	return s.ExecContext(ctx, one.text, one.args...)
}

func (s sequence) query(ctx context.Context, one statement) (*sql.Rows, error) {
	if kept := s.prepared.of(one.text); kept != nil {
		return s.StmtContext(ctx, kept).QueryContext(ctx, one.args...) //nolint:sqlclosecheck // it ends with the transaction
	}
	return s.QueryContext(ctx, one.text, one.args...)
}
