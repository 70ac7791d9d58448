package engine

import (
	"context"
	"sync/atomic"
)

// A transaction is one try to commit a group. It knows the rows that the Works
// have read, and keeps the statements that nobody waits for until something else
// is sent: the writes of a round go to the database together with the reads of
// the next one, and those of the last round together with the commit.
type transaction struct {
	ctx      context.Context
	session  session
	database *Database
	running  *atomic.Int64 // how many strands of the committer run
	share    string        // locks the rows of a query; empty if nothing is locked
	shard    int           // of counters, to which this writer adds

	pending  []Statement // to be sent
	failed   error       // why the transaction cannot go on
	confirms bool

	tables   map[any]table // by source
	order    []table       // the same
	queries  []Statement   // to be locked
	counters map[any]counting
	counting []counting // the same, in order

	batches []batch // of flush
	flushed int     // batches that are pending or sent
	strands []strand
}

// begin makes the transaction ready for another try. It keeps the memory of the
// last one.
func (t *transaction) begin(ctx context.Context, s session, share string, shard int) {
	t.ctx, t.session, t.share, t.shard = ctx, s, share, shard
	clear(t.queries)
	t.pending, t.queries = t.pending[:0], t.queries[:0]
	t.failed, t.confirms = nil, false
	for _, rows := range t.order {
		rows.reset()
	}
	for _, c := range t.counting {
		c.reset()
	}
	for i := range t.batches {
		clear(t.batches[i].rows)
	}
	t.batches, t.flushed = t.batches[:0], 0
}

// start returns strands for some Works.
func (t *transaction) start(works []*Work, shared, atOnce bool) []strand {
	if cap(t.strands) < len(works) {
		t.strands = make([]strand, len(works))
	}
	strands := t.strands[:len(works)]
	for i, w := range works {
		strands[i].reset(t, w, shared, atOnce)
	}
	return strands
}

// A batch is what the strands of a round write by one kind of change.
type batch struct {
	write *write
	rows  [][]any
}

// send sends the pending statements and then some more, in one round trip. If a
// pending one fails, the transaction cannot go on.
func (t *transaction) send(own ...Statement) error {
	if t.failed != nil {
		return t.failed
	}
	before := len(t.pending)
	all := append(t.pending, own...)
	t.pending = t.pending[:0]
	if len(all) == 0 {
		return nil
	}
	done, err := t.session.run(t.ctx, all)
	clear(all)
	if err != nil && done < before {
		t.failed = err
	}
	return err
}

// control adds a statement about savepoints.
func (t *transaction) control(text string) {
	t.pending = append(t.pending, Statement{Text: text, sure: true, Touched: new(int64)})
}

// wanted returns the statements that read the wanted rows of all sources.
func (t *transaction) wanted() (all []Statement) {
	for _, rows := range t.order {
		all = rows.readWanted(all, t.database)
	}
	return all
}

// readWanted reads the wanted rows of all sources together.
func (t *transaction) readWanted() error {
	all := t.wanted()
	if len(all) == 0 {
		return nil
	}
	return t.send(all...)
}

// forget makes all rows be read again.
func (t *transaction) forget() {
	for _, rows := range t.order {
		rows.forget()
	}
}

// flush makes what the strands have kept pending: one statement for each kind of
// change. If they add to counters, it reads the sums first.
func (t *transaction) flush(strands ...*strand) error {
	for _, st := range strands {
		for _, a := range st.adds {
			a.collect(t)
		}
	}
	if len(t.counting) > 0 {
		if err := t.readWanted(); err != nil {
			return err
		}
	}
	for _, st := range strands {
		for _, a := range st.adds {
			a.settle()
		}
		st.adds = st.adds[:0]
		for _, kept := range st.kept {
			t.batch(kept.write, kept.values)
		}
		st.kept = st.kept[:0]
	}
	for _, c := range t.counting {
		t.pending = c.statements(t.pending, t)
	}
	for _, b := range t.batches[t.flushed:] {
		t.pending = b.write.statements(t.pending, t.database, b.rows, true)
	}
	t.flushed = len(t.batches)
	return nil
}

// batch adds a row to the batch of its change.
func (t *transaction) batch(w *write, values []any) {
	for i := t.flushed; i < len(t.batches); i++ {
		if b := &t.batches[i]; b.write == w {
			b.rows = append(b.rows, values)
			return
		}
	}
	if n := len(t.batches); n < cap(t.batches) {
		t.batches = t.batches[:n+1]
		b := &t.batches[n]
		b.write, b.rows = w, append(b.rows[:0], values)
		return
	}
	t.batches = append(t.batches, batch{w, [][]any{values}})
}

// commit sends what is pending, locks what the Works depend on, and commits.
func (t *transaction) commit() error {
	if t.failed != nil {
		return t.failed
	}
	if t.confirms && t.database.confirm != "" {
		t.pending = append(t.pending, Statement{Doing: "confirming what was read", Text: t.database.confirm, Row: noRow})
	}
	t.lock()
	return t.session.commit(t.ctx, t.pending)
}
