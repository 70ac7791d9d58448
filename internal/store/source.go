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
	lock  string // selects rows by arrays of args to lock them, on PostgreSQL
	args  func(K) []any
	scan  func(scanner) (V, error)
	key   func(V) K

	order    string // the key's columns: rows are locked in their order
	unlocked string // why a decision may rest on a row that changes before the commit; such rows are not locked
	appears  string // why a decision may rest on a row that is not there, and not add it
}

// byKey completes a source.
func byKey[K comparable, V any](s source[K, V]) *source[K, V] {
	one := bare(s.query)
	s.some = strings.Repeat(one+" UNION ALL ", someRows-1) + one
	if s.unlocked == "" {
		_, rows, _ := strings.Cut(s.many, "FROM ")
		s.lock = "SELECT 1 FROM " + rows + " ORDER BY " + s.order
	}
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
		s.note(tx.sql.rests, k, found)
		return v, found, nil
	}
	rows := make(map[K]row[V], 1)
	if err = tx.sql.session.run(tx.ctx, s.reading(tx.dialect, []K{k}, rows)); err != nil {
		return v, false, err
	}
	s.note(tx.sql.rests, k, rows[k].found)
	return rows[k].value, rows[k].found, nil
}

// note has the row locked before the commit.
func (s *source[K, V]) note(rests *dependence, k K, found bool) {
	if s.unlocked == "" {
		rests.read(s, k, found)
	}
}

func (s *source[K, V]) name() string { return s.doing }

func (s *source[K, V]) mayAppear() bool { return s.appears != "" }

func (s *source[K, V]) locking(keys []any, share string) statement {
	rows := make([][]any, len(keys))
	for i, key := range keys {
		rows[i] = s.args(key.(K)) //nolint:forcetypeassert // it was noted by this source
	}
	return statement{
		doing: s.doing + " again", text: s.lock + share, args: columnsOf(rows), row: func(scanner) error { return nil },
	}
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
