package engine

import (
	"context"
	"database/sql"
	"sync"
)

// preparedMax bounds the number of prepared statements. The texts are constants
// of the program, so there are fewer.
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

func newPrepared(d *Database, db *sql.DB) *prepared {
	if d.pipelines {
		return nil
	}
	return &prepared{db: db, kept: map[string]*sql.Stmt{}}
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
		if err != nil && sqliteLocked(err) {             // further ones would wait as long
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
