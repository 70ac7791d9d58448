package store

import (
	"cmp"
	"fmt"
	"slices"
)

// A transaction on PostgreSQL sees the state at its beginning. PostgreSQL
// refuses to change a row that another transaction has changed since, but it
// does not refuse a transaction that only read such a row. So the store locks
// each row that an action has read and not written, FOR SHARE, before the
// commit. PostgreSQL refuses to lock a row that has changed; the group then
// runs again. No other transaction can change a locked row before the commit
// has ended. All rows that an action reads are locked, unless it reads them
// through [ReadTx.Unlocked] or their source gives a reason not to. Queries that
// use no source are repeated with FOR SHARE.
//
// A row that does not exist cannot be locked. An action that depends on a row's
// absence has to add the row, so that a unique key refuses one of two such
// actions. Otherwise the row's source has to give a reason.
//
// If another transaction is changing a row, the lock does not wait for it: the
// row will probably have changed, so the group runs again at once. This also
// keeps two groups from waiting for each other. A group that has run several
// times waits for the lock.
//
// SQLite has only one writer, so nothing is locked there.

// A dependence lists the rows and queries that one action depends on.
type dependence struct {
	rows    []rowRead
	queries []statement  // statements that read
	written map[any]bool // keys of the rows that the action wrote
	writes  bool         // the action wrote anything
}

type rowRead struct {
	source lockable
	key    any
	found  bool
}

// A lockable is a source, without its types.
type lockable interface {
	name() string
	// locking returns the statement that locks existing rows.
	locking(keys []any, share string) statement
	// mayAppear reports whether a decision may depend on a row's absence without
	// adding the row.
	mayAppear() bool
}

// read records a row that was read. d is nil in a transaction that decides
// nothing.
func (d *dependence) read(source lockable, key any, found bool) {
	if d != nil {
		d.rows = append(d.rows, rowRead{source, key, found})
	}
}

// ran records statements that belong to no source and no change.
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

// wrote records a row that a change wrote. Its key may be nil.
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

// check fails if an action depends on a row's absence and does not add the row.
func (d *dependence) check() error {
	for _, r := range d.rows {
		if d.writes && !r.found && !r.source.mayAppear() && !d.written[r.key] {
			return fmt.Errorf("%s: the action depends on the absence of row %v, but does not add it", r.source.name(), r.key)
		}
	}
	return nil
}

// locks collects the dependences of all actions of one transaction.
type locks struct {
	share   string // the clause that locks; empty if nothing is locked
	keys    map[lockable]map[any]bool
	queries []statement
	written map[any]bool
}

func newLocks(share string) *locks {
	return &locks{share: share, keys: make(map[lockable]map[any]bool), written: make(map[any]bool)}
}

// add adds the dependence of an action that will be committed. An action that
// writes nothing decides nothing, so its rows are not locked.
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

// take returns the statements that lock the collected rows. All transactions
// lock sources and rows in the same order, so that no two wait for each other.
// take is called when no remaining action can write one of the rows. Two
// transactions that have locked the same row and then both want to write it
// would deadlock.
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

// Unlocked returns a transaction whose reads are not locked, so the rows may
// change before the commit. why explains why that is harmless, or what else
// protects the decision.
func (tx *ReadTx) Unlocked(why string) *ReadTx {
	_ = why
	unlocked := *tx
	unlocked.sql.rests = nil
	return &unlocked
}
