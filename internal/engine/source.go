package engine

import (
	"slices"
	"strings"
)

// someRows is how many rows go into one statement on SQLite, read or written.
// Each then costs a third less than by itself. More would gain little.
const someRows = 16

// A Source reads the rows of one table by their keys, and makes the changes that
// write them. The rows that several Works of a group want are read together.
type Source[K comparable, V any] struct {
	Doing string // the purpose, for errors; unique among all sources
	Query string // selects the row by Args: $1 and so on, once each and in order
	Many  string // selects rows by arrays of Args, on PostgreSQL
	Order string // the key's columns: rows are locked in their order
	Args  func(K) []any
	Scan  func(Scanner) (V, error)
	Key   func(V) K

	// Unlocked says why a decision may depend on a row of this source that changes
	// before the commit. Such rows are not locked.
	Unlocked string
	// MayAppear says why a decision may depend on a row that does not exist, and not
	// add it.
	MayAppear string

	some string // selects rows by the Args of someRows keys, on SQLite
	lock string // selects rows by arrays of Args to lock them, on PostgreSQL
}

// NewSource completes a source.
func NewSource[K comparable, V any](s Source[K, V]) *Source[K, V] {
	one := bare(s.Query)
	s.some = strings.Repeat(one+" UNION ALL ", someRows-1) + one
	if s.Unlocked == "" {
		_, rows, _ := strings.Cut(s.Many, "FROM ")
		s.lock = "SELECT 1 FROM " + rows + " ORDER BY " + s.Order
	}
	return &s
}

// None is the value of rows that no source reads.
type None struct{}

// Keys names rows that Works write by their keys and no Work reads by them. A
// row that is read by a source has the keys of that source instead.
func Keys[K comparable](doing string) *Source[K, None] {
	return &Source[K, None]{Doing: doing, Unlocked: "no Work reads it by its key"}
}

// Get reads a row, or reports that it does not exist.
func (s *Source[K, V]) Get(tx *Tx, k K) (v V, found bool, err error) {
	st := tx.strand
	if st == nil { // nobody else is in this transaction
		all, err := s.GetAll(tx, []K{k})
		v, found = all[k]
		return v, found, err
	}
	rows := rowsOf(st.t, s)
	r := rows.of(k)
	if err := st.read(&r.rowState, rows, func() { rows.want(r) }, tx.unlocked || s.Unlocked != ""); err != nil {
		return v, false, err
	}
	return r.value, r.found, nil
}

// GetAll reads rows by their keys. Rows that do not exist are left out.
func (s *Source[K, V]) GetAll(tx *Tx, keys []K) (map[K]V, error) {
	all := make(map[K]V, len(keys))
	if tx.strand != nil {
		for _, k := range keys {
			s.Expect(tx, k)
		}
		for _, k := range keys {
			v, found, err := s.Get(tx, k)
			if err != nil {
				return nil, err
			}
			if found {
				all[k] = v
			}
		}
		return all, nil
	}
	reads := s.reading(nil, tx.database, keys, func(v V) { all[s.Key(v)] = v })
	_, err := tx.session.run(tx.ctx, reads)
	return all, err
}

// Expect announces that the Work is about to read a row, so that the next read
// of its round reads this row, too. It changes nothing else. A row that is
// announced and never read is read for nothing.
func (s *Source[K, V]) Expect(tx *Tx, k K) {
	if tx.strand == nil || tx.strand.left != nil {
		return
	}
	rows := rowsOf(tx.strand.t, s)
	rows.want(rows.of(k))
}

// Row names a row of the source, for a [Change.WriteAlso].
func (s *Source[K, V]) Row(k K) Row { return namedRow[K, V]{s, k} }

// A Row names one row of one source.
type Row interface {
	in(t *transaction) *rowState
}

type namedRow[K comparable, V any] struct {
	source *Source[K, V]
	key    K
}

func (n namedRow[K, V]) in(t *transaction) *rowState { return &rowsOf(t, n.source).of(n.key).rowState }

// reading appends the statements that read the rows of all keys.
func (s *Source[K, V]) reading(all []Statement, d *Database, keys []K, got func(V)) []Statement {
	row := func(r Scanner) error {
		v, err := s.Scan(r)
		if err == nil {
			got(v)
		}
		return err
	}
	read := func(text string, args []any) {
		all = append(all, Statement{Doing: s.Doing, Text: text, Args: args, Row: row})
	}
	if d.arrays && len(keys) > 1 {
		read(s.Many, columnsOf(s.argsOf(keys)))
		return all
	}
	for ; len(keys) >= someRows && !d.arrays; keys = keys[someRows:] {
		read(s.some, slices.Concat(s.argsOf(keys[:someRows])...))
	}
	for _, k := range keys {
		read(s.Query, s.Args(k))
	}
	return all
}

func (s *Source[K, V]) argsOf(keys []K) [][]any {
	all := make([][]any, len(keys))
	for i, k := range keys {
		all[i] = s.Args(k)
	}
	return all
}
