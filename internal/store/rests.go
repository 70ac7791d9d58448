package store

import (
	"cmp"
	"fmt"
	"slices"
)

// On PostgreSQL a transaction sees the state at its beginning, and PostgreSQL
// refuses to change a row that another transaction has changed since. It does not
// refuse a transaction that only read such a row. So each row that a decision has
// read and not written is locked before the commit, FOR SHARE: PostgreSQL refuses
// to lock a row that has changed (the group then runs again), and nobody changes a
// locked one before the commit has ended. All rows that an action reads are locked,
// unless it reads them through [ReadTx.Unlocked] or their source says why they are
// not. Queries that are no source are repeated with FOR SHARE.
//
// A row that was not there cannot be locked. The action has to add it itself, so
// that a unique key refuses one of two; or its source says why it need not.
//
// A row that another transaction is changing will mostly have changed: a lock does not
// wait for it, and the group runs again at once. That also keeps two groups from
// waiting for each other. A group that has run several times waits.
//
// SQLite has one writer, so there is nothing to lock.

// A dependence is what one action rests on.
type dependence struct {
	rows    []rowRead
	queries []statement  // that read
	written map[any]bool // keys of the rows that it wrote
	writes  bool         // it wrote anything
}

type rowRead struct {
	source lockable
	key    any
	found  bool
}

// A lockable is a source.
type lockable interface {
	name() string
	// locking makes the statement that locks rows which are there.
	locking(keys []any, share string) statement
	// mayAppear reports whether a decision may rest on a row that is not there
	// without adding it.
	mayAppear() bool
}

// read notes a row that was read. d is nil where nothing is decided.
func (d *dependence) read(source lockable, key any, found bool) {
	if d != nil {
		d.rows = append(d.rows, rowRead{source, key, found})
	}
}

// ran notes statements that are neither of a source nor of a change.
func (d *dependence) ran(all []statement) {
	if d == nil {
		return
	}
	for _, s := range all {
		if s.row == nil || s.writes {
			d.writes = true
		} else {
			d.queries = append(d.queries, s)
		}
	}
}

// wrote notes a row that was written by a change; its key may be nil.
func (d *dependence) wrote(key any) {
	if d == nil {
		return
	}
	d.writes = true
	if d.written == nil {
		d.written = make(map[any]bool)
	}
	d.written[key] = true
}

func (d *dependence) hasWritten(key any) bool { return d != nil && d.written[key] }

// check fails where an action rests on a row's absence and does not add it.
func (d *dependence) check() error {
	for _, r := range d.rows {
		if d.writes && !r.found && !r.source.mayAppear() && !d.written[r.key] {
			return fmt.Errorf("%s: the action rests on there being no row %v, and does not add it", r.source.name(), r.key)
		}
	}
	return nil
}

// Locks are what the actions of one transaction rest on, all together.
type locks struct {
	share   string // the clause that locks; empty where nothing is locked
	keys    map[lockable]map[any]bool
	queries []statement
	written map[any]bool
}

func newLocks(share string) *locks {
	return &locks{share: share, keys: make(map[lockable]map[any]bool), written: make(map[any]bool)}
}

// add has locked what an action rests on that will be committed. An action that
// writes nothing decides nothing.
func (l *locks) add(d *dependence) {
	if l.share == "" || !d.writes {
		return
	}
	for key := range d.written {
		l.written[key] = true
	}
	for _, r := range d.rows {
		if !r.found {
			continue
		}
		if l.keys[r.source] == nil {
			l.keys[r.source] = make(map[any]bool)
		}
		l.keys[r.source][r.key] = true
	}
	l.queries = append(l.queries, d.queries...)
}

// take makes the statements that lock what was added, sources and rows in one
// order for all transactions, so that two do not wait for each other. It is called
// when no action is left that could write one of the rows: two transactions that
// have both locked a row and both want to write it would wait for each other, too.
func (l *locks) take() (all []statement) {
	sources := make([]lockable, 0, len(l.keys))
	for source := range l.keys {
		sources = append(sources, source)
	}
	slices.SortFunc(sources, func(a, b lockable) int { return cmp.Compare(a.name(), b.name()) })
	for _, source := range sources {
		var keys []any
		for key := range l.keys[source] {
			if !l.written[key] {
				keys = append(keys, key)
			}
		}
		if len(keys) > 0 {
			all = append(all, source.locking(keys, l.share))
		}
	}
	for _, s := range l.queries {
		all = append(all, statement{
			doing: s.doing, text: s.text + l.share, args: s.args, row: func(scanner) error { return nil },
		})
	}
	clear(l.keys)
	l.queries = nil
	return all
}

// Unlocked reads what may change before the commit: why says what harm that does,
// or what else keeps the decision right.
func (tx *ReadTx) Unlocked(why string) *ReadTx {
	_ = why
	unlocked := *tx
	unlocked.sql.rests = nil
	return &unlocked
}
