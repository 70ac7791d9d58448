package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// A source reads one row of a table by its key: by itself, or for all actions
// that share a commit and want one. Its keys are of a type of their own, which
// also names the row where an action writes it.
type source[K comparable, V any] struct {
	doing string
	query string // selects the row by args
	many  string // selects rows by arrays of args, on PostgreSQL
	some  string // selects rows by the args of someRows keys, on SQLite
	kinds []columnType
	args  func(K) []any
	scan  func(scanner) (V, error)
	key   func(V) K
}

// byKey completes a source.
func byKey[K comparable, V any](s source[K, V]) *source[K, V] {
	one := bare(s.query)
	s.some = strings.Repeat(one+" UNION ALL ", someRows-1) + one
	return &s
}

// A row is what a source found.
type row[V any] struct {
	value V
	found bool
}

// read reads a row, or reports that there is none.
func (s *source[K, V]) read(tx *ReadTx, k K) (v V, found bool, err error) {
	if tx.strand != nil {
		v, found = readShared(tx.strand, s, k)
		return v, found, nil
	}
	r, err := s.readOne(tx.ctx, tx.sql, k)
	return r.value, r.found, err
}

func (s *source[K, V]) readOne(ctx context.Context, t transaction, k K) (r row[V], err error) {
	r.value, err = s.scan(t.QueryRowContext(ctx, s.query, s.args(k)...))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return row[V]{}, nil
	case err != nil:
		return r, fmt.Errorf("%s: %w", s.doing, err)
	}
	r.found = true
	return r, nil
}

// readMany reads the rows of all keys into found.
func (s *source[K, V]) readMany(ctx context.Context, t transaction, d dialect, keys []K, found map[K]row[V]) error {
	if !d.arrays {
		for ; len(keys) >= someRows; keys = keys[someRows:] {
			if err := s.readSome(ctx, t, keys[:someRows], found); err != nil {
				return err
			}
		}
	}
	if !d.arrays || len(keys) == 1 {
		for _, k := range keys {
			r, err := s.readOne(ctx, t, k)
			if err != nil {
				return err
			}
			found[k] = r
		}
		return nil
	}
	values := make([][]any, len(keys))
	for i, k := range keys {
		values[i] = s.args(k)
		found[k] = row[V]{}
	}
	args := make([]any, len(s.kinds))
	for i, kind := range s.kinds {
		array, err := arrayOf(kind, values, i)
		if err != nil {
			return fmt.Errorf("%s: %w", s.doing, err)
		}
		args[i] = array
	}
	return s.readRows(ctx, t, s.many, args, found)
}

// readSome reads the rows of someRows keys into found.
func (s *source[K, V]) readSome(ctx context.Context, t transaction, keys []K, found map[K]row[V]) error {
	var args []any
	for _, k := range keys {
		args = append(args, s.args(k)...)
		found[k] = row[V]{}
	}
	return s.readRows(ctx, t, s.some, args, found)
}

func (s *source[K, V]) readRows(ctx context.Context, t transaction, query string, args []any, found map[K]row[V]) error {
	rows, err := t.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", s.doing, err)
	}
	defer rows.Close()
	for rows.Next() {
		v, err := s.scan(rows)
		if err != nil {
			return fmt.Errorf("%s: %w", s.doing, err)
		}
		found[s.key(v)] = row[V]{v, true}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", s.doing, err)
	}
	return nil
}
