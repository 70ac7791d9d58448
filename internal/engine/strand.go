package engine

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
)

// errLeft ends a Work that cannot go on in its round. Each method of its Tx
// returns it from then on. The Work's outcome is ignored: it runs again by
// itself, or its group fails.
var errLeft = errors.New("the Work leaves its round")

// A strand is one run of one Work: in a round with others, or by itself.
type strand struct {
	t      *transaction
	work   *Work
	runner *runner // that it runs on in a round with others; nil if it runs by itself
	shared bool    // other Works are in the same transaction
	atOnce bool    // each write is sent at once, so that a failure is this Work's own
	tx     Tx

	left      error // errLeft if it has left
	broken    error // of a statement; PostgreSQL runs no other one after it
	savepoint bool  // there is a savepoint to go back to
	confirms  bool
	writes    bool // it wrote anything
	reads     []readRow
	queries   []Statement // of its own that read
	kept      []keptWrite // not sent
	written   []*rowState // rows; from sent on, their writes are kept
	sent      int
	adds      []added // not sent
}

type readRow struct {
	row    *rowState
	table  table
	locked bool // nothing else may change the row before the commit
}

// A keptWrite waits for the end of the round.
type keptWrite struct {
	write  *write
	values []any
}

// reset makes the strand ready for another Work. It keeps the memory of the last
// one.
func (st *strand) reset(t *transaction, w *Work, shared, atOnce bool) {
	clear(st.reads)
	clear(st.queries)
	clear(st.kept[:cap(st.kept)])
	clear(st.written)
	clear(st.adds)
	*st = strand{
		t: t, work: w, shared: shared, atOnce: atOnce, reads: st.reads[:0], queries: st.queries[:0], kept: st.kept[:0],
		written: st.written[:0], adds: st.adds[:0],
	}
}

// execute runs the Work. A panic, which is a bug of ours, becomes a failure of
// this Work alone.
func (st *strand) execute() {
	st.tx = Tx{ctx: st.t.ctx, database: st.t.database, strand: st}
	defer func() {
		if p := recover(); p != nil {
			st.work.outcome = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	st.t.running.Add(1)
	defer st.t.running.Add(-1)
	st.work.outcome = call(st.work.run, &st.tx)
	if st.work.outcome == nil && st.broken != nil {
		st.work.outcome = fmt.Errorf("the Work ignored an error: %w", st.broken)
	}
	if st.work.outcome == nil {
		st.work.outcome = st.checkAbsences()
	}
}

// checkAbsences fails if the Work depends on a row's absence and does not add
// the row.
func (st *strand) checkAbsences() error {
	if !st.writes {
		return nil
	}
	for _, read := range st.reads {
		if read.locked && !read.row.found && !read.table.mayAppear() && !st.hasWritten(read.row) {
			return absent(read.table)
		}
	}
	return nil
}

func (st *strand) hasWritten(row *rowState) bool { return slices.Contains(st.written, row) }

// keeps reports whether a write of the row is not sent yet.
func (st *strand) keeps(row *rowState) bool {
	return slices.Contains(st.written[st.sent:], row) ||
		slices.ContainsFunc(st.adds, func(a added) bool { return a.row() == row })
}

// dependsOnTaken reports whether an earlier Work of the round writes a row that
// this one has read or would write.
func (st *strand) dependsOnTaken() bool {
	return slices.ContainsFunc(st.reads, func(r readRow) bool { return r.row.taken }) ||
		slices.ContainsFunc(st.written, func(row *rowState) bool { return row.taken })
}

// leave ends a strand that cannot go on in its round.
func (st *strand) leave() error {
	st.left = errLeft
	return errLeft
}

// read waits until a row is known.
func (st *strand) read(row *rowState, rows table, want func(), unlocked bool) error {
	if st.left != nil {
		return st.left
	}
	if st.keeps(row) { // its own write is not there to be read yet
		if err := st.writeNow(); err != nil {
			return err
		}
	}
	if !row.known {
		want()
		if err := st.wait(); err != nil {
			return err
		}
	}
	st.reads = append(st.reads, readRow{row, rows, !unlocked})
	return nil
}

// wait waits until the wanted rows are read, with those of the other strands.
func (st *strand) wait() error {
	if st.runner == nil {
		err := st.send(st.t.wanted()...)
		if err != nil {
			st.t.forget()
		}
		return err
	}
	if !st.runner.wait() || st.t.failed != nil {
		return st.leave()
	}
	return nil
}

// send sends statements of a strand that runs by itself, after those that wait
// to be sent. If the transaction cannot go on after a failure, the strand leaves.
func (st *strand) send(own ...Statement) error {
	err := st.t.send(own...)
	if err == nil {
		return nil
	}
	if st.t.failed == nil && (st.shared && !st.savepoint || st.t.database.ends(err)) {
		st.t.failed = err
	}
	if st.t.failed != nil {
		return st.leave()
	}
	if !errors.Is(err, ErrStale) {
		st.broken = err
	}
	return err
}

// write keeps a write, or sends it at once. rows are the names of the row.
func (st *strand) write(w *write, rows []*rowState, values []any) error {
	st.writes = true
	if st.atOnce {
		err := st.send(w.statement(st.t.database, values, false))
		for _, row := range rows {
			row.known = false
		}
		if err == nil { // otherwise the row is not changed, and is locked if it was read
			st.written, st.sent = append(st.written, rows...), len(st.written)+len(rows)
		}
		return err
	}
	if slices.ContainsFunc(rows, st.keeps) { // one statement changes a row once
		if err := st.writeNow(); err != nil {
			return err
		}
	}
	st.written = append(st.written, rows...)
	st.kept = append(st.kept, keptWrite{w, values})
	return nil
}

// run runs statements of which the round knows nothing. Only a strand by itself
// can do so; one in a round with others leaves.
func (st *strand) run(all []Statement, unlocked bool) error {
	if st.left != nil {
		return st.left
	}
	if st.runner != nil {
		return st.leave()
	}
	st.save()
	if err := st.writeNow(); err != nil {
		return err
	}
	writes := false
	for _, s := range all {
		if s.Row == nil || s.Writes {
			writes, st.writes = true, true
		} else if !unlocked {
			st.queries = append(st.queries, s)
		}
	}
	if writes {
		st.t.forget() // nobody knows which rows are written
	}
	return st.send(all...)
}

// save makes a savepoint, if other Works are in the same transaction.
func (st *strand) save() {
	if st.shared && !st.savepoint {
		st.savepoint = true
		st.t.control(makeSavepoint)
	}
}

// writeNow writes what the strand has kept, before its next statement. Only a
// strand by itself can do so; one in a round with others leaves.
func (st *strand) writeNow() error {
	if st.runner != nil {
		return st.leave()
	}
	if len(st.kept) == 0 && len(st.adds) == 0 {
		return nil
	}
	st.save()
	if err := st.t.flush(st); err != nil {
		st.t.failed = err
		return st.leave()
	}
	for _, row := range st.written[st.sent:] {
		row.known = false
	}
	st.sent = len(st.written)
	return nil
}
