package engine

import (
	"cmp"
	"slices"
)

// A transaction on PostgreSQL sees the state at its beginning. PostgreSQL
// refuses to change a row that another transaction has changed since, but it
// does not refuse a transaction that only read such a row. So the engine locks
// each row that a Work has read and the transaction does not write, FOR SHARE,
// before the commit. PostgreSQL refuses to lock a row that has changed; the
// group then runs again. No other transaction can change a locked row before the
// commit has ended. All rows that a Work reads are locked, unless it reads them
// through [Tx.Unlocked] or their source gives a reason not to. Queries that use
// no source are repeated with FOR SHARE.
//
// A row that does not exist cannot be locked. A Work that depends on a row's
// absence has to add the row, so that a unique key refuses one of two such
// Works. Otherwise the row's source has to give a reason; see
// [Source.MayAppear].
//
// If another transaction is changing a row, the lock does not wait for it: the
// row will probably have changed, so the group runs again at once. This also
// keeps two groups from waiting for each other. A group that has run several
// times waits for the lock.
//
// Nothing is locked on SQLite, which has only one writer.

// lock returns the statements that lock the rows that Works need. All
// transactions lock sources and rows in the same order, so that no two wait for
// each other. Nothing is locked before the last write: two transactions that
// have locked the same row and then both want to write it would deadlock.
func (t *transaction) lock() {
	if t.share == "" {
		return
	}
	slices.SortFunc(t.order, func(a, b table) int { return cmp.Compare(a.name(), b.name()) })
	for _, rows := range t.order {
		t.pending = rows.lock(t.pending, t.share)
	}
	for _, s := range t.queries {
		t.pending = append(t.pending, Statement{Doing: s.Doing, Text: s.Text + t.share, Args: s.Args, Row: noRow})
	}
}

// depend notes the rows and queries that a strand depends on. It will be
// committed.
func (t *transaction) depend(st *strand) {
	for _, row := range st.written {
		row.written = true
	}
	if t.share == "" || !st.writes { // a Work that writes nothing decides nothing
		return
	}
	for _, read := range st.reads {
		if read.locked && read.row.found {
			read.row.needed = true
		}
	}
	t.queries = append(t.queries, st.queries...)
}
