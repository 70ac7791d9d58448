package store

import (
	"maps"
	"slices"
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
	rows := make(map[K]row[V], 1)
	err = s.readMany(tx, []K{k}, rows)
	return rows[k].value, rows[k].found, err
}

// readMany reads the rows of all keys into found.
func (s *source[K, V]) readMany(tx *ReadTx, keys []K, found map[K]row[V]) error {
	return tx.sql.run(tx.ctx, s.reading(tx.dialect, keys, found)...)
}

// readAll reads the rows of all keys that rows has.
func (s *source[K, V]) readAll(tx *ReadTx, rows map[K]row[V]) error {
	return s.readMany(tx, slices.Collect(maps.Keys(rows)), rows)
}

// reading makes the statements that read the rows of all keys into found.
func (s *source[K, V]) reading(d dialect, keys []K, found map[K]row[V]) (all []statement) {
	for _, k := range keys {
		found[k] = row[V]{}
	}
	read := func(text string, args []any) {
		all = append(all, statement{doing: s.doing, text: text, args: args, row: func(r scanner) error {
			v, err := s.scan(r)
			if err == nil {
				found[s.key(v)] = row[V]{v, true}
			}
			return err
		}})
	}
	if d.arrays && len(keys) > 1 {
		rows := make([][]any, len(keys))
		for i, k := range keys {
			rows[i] = s.args(k)
		}
		read(s.many, columnsOf(rows))
		return all
	}
	for ; len(keys) >= someRows && !d.arrays; keys = keys[someRows:] {
		var args []any
		for _, k := range keys[:someRows] {
			args = append(args, s.args(k)...)
		}
		read(s.some, args)
	}
	for _, k := range keys {
		read(s.query, s.args(k))
	}
	return all
}
