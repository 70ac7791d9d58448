package engine

import "fmt"

// A rowState is what a transaction knows of one row.
type rowState struct {
	known   bool // it was read and has not changed since
	found   bool // it existed when it was read last
	wanted  bool // the next read of the round reads it
	taken   bool // an earlier Work of this round writes it or adds to it
	written bool // this transaction writes it
	needed  bool // a Work that will be committed depends on it
}

// rows are the rows of one source in one transaction.
type rows[K comparable, V any] struct {
	source *Source[K, V]
	byKey  map[K]*row[K, V]
	wanted []*row[K, V]
	memory []*row[K, V] // of this and earlier transactions; the first len(byKey) are used
}

// rowsMost is how many rows of a source keep their memory for the next
// transaction.
const rowsMost = 1024

type row[K comparable, V any] struct {
	rowState
	key   K
	value V
}

// A table is the rows of one source, without their types.
type table interface {
	name() string
	// mayAppear reports whether a row may appear although a decision depends on its
	// absence.
	mayAppear() bool
	// readWanted appends the statements that read the wanted rows.
	readWanted(all []Statement, d *Database) []Statement
	// lock appends the statement that locks the rows that are needed and not written.
	lock(all []Statement, share string) []Statement
	// forget makes the round read all rows again.
	forget()
	// reset removes all rows, for the next transaction.
	reset()
}

// rowsOf returns the rows of a source in a transaction.
func rowsOf[K comparable, V any](t *transaction, s *Source[K, V]) *rows[K, V] {
	if known, ok := t.tables[s]; ok {
		return known.(*rows[K, V]) //nolint:forcetypeassert // a source has one type
	}
	r := &rows[K, V]{source: s, byKey: make(map[K]*row[K, V])}
	t.tables[s], t.order = r, append(t.order, r)
	return r
}

func (rs *rows[K, V]) of(k K) *row[K, V] {
	r, ok := rs.byKey[k]
	if ok {
		return r
	}
	if used := len(rs.byKey); used < len(rs.memory) {
		r = rs.memory[used]
		*r = row[K, V]{key: k}
	} else {
		r = &row[K, V]{key: k}
		rs.memory = append(rs.memory, r)
	}
	rs.byKey[k] = r
	return r
}

func (rs *rows[K, V]) want(r *row[K, V]) {
	if !r.known && !r.wanted {
		r.wanted = true
		rs.wanted = append(rs.wanted, r)
	}
}

func (rs *rows[K, V]) name() string { return rs.source.Doing }

func (rs *rows[K, V]) mayAppear() bool { return rs.source.MayAppear != "" }

func (rs *rows[K, V]) readWanted(all []Statement, d *Database) []Statement {
	if len(rs.wanted) == 0 {
		return all
	}
	keys := make([]K, len(rs.wanted))
	var none V
	for i, r := range rs.wanted {
		keys[i] = r.key
		r.known, r.found, r.wanted, r.value = true, false, false, none
	}
	rs.wanted = rs.wanted[:0]
	return rs.source.reading(all, d, keys, func(v V) {
		r := rs.of(rs.source.Key(v))
		r.known, r.found, r.value = true, true, v
	})
}

func (rs *rows[K, V]) lock(all []Statement, share string) []Statement {
	var keys []K
	for k, r := range rs.byKey {
		if r.needed && !r.written {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return all
	}
	return append(all, Statement{
		Doing: rs.source.Doing + " again", Text: rs.source.lock + share, Args: columnsOf(rs.source.argsOf(keys)), Row: noRow,
	})
}

func (rs *rows[K, V]) forget() {
	for _, r := range rs.byKey {
		r.known = false
	}
}

func (rs *rows[K, V]) reset() {
	clear(rs.byKey)
	clear(rs.wanted)
	rs.wanted = rs.wanted[:0]
	if len(rs.memory) > rowsMost {
		rs.byKey, rs.memory = make(map[K]*row[K, V]), nil
	}
}

// absent fails if a Work that writes depends on the absence of a row and does
// not add it. Nothing else could keep another server from adding it.
func absent(t table) error {
	return fmt.Errorf("%s: the Work depends on the absence of a row, but does not add it", t.name())
}
