package store

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
)

// A round runs actions that share a transaction side by side: each goes on until
// it wants a row, then the rows that all of them want are read together, and what
// they write is written together when all have ended. An action is written as if
// it were alone, and sees none of this.
//
// Actions are answered as if they had run one after the other. So that it is
// true, one that rests on a row which another one before it writes is left for
// the next round, and one that does what a round knows nothing of is left to run
// alone. One that has the round to itself need not be left: before it does so, it
// writes what it has kept.
type round struct {
	ctx     context.Context
	sql     transaction
	dialect dialect
	tables  map[any]shared // by their source
	order   []shared       // the same
	runners *runners
	locks   *locks
	single  bool  // one action has the round to itself
	left    bool  // some have to run alone after this round or one before
	failed  error // of what it wrote before the end
}

// shared are the rows of one source that the actions of a round have read.
type shared interface {
	// readingWanted makes the statements that read what was asked for since the
	// last time.
	readingWanted(dialect) []statement
	// forget has a row read again, if the key is one of this source.
	forget(key any)
}

type sharedRows[K comparable, V any] struct {
	source *source[K, V]
	found  map[K]row[V]
	wanted map[K]bool
}

func (s *sharedRows[K, V]) readingWanted(d dialect) []statement {
	if len(s.wanted) == 0 {
		return nil
	}
	keys := slices.Collect(maps.Keys(s.wanted))
	clear(s.wanted)
	return s.source.reading(d, keys, s.found)
}

func (s *sharedRows[K, V]) forget(key any) {
	if k, ok := key.(K); ok {
		delete(s.found, k)
	}
}

// A strand is one action on its way through a round.
type strand struct {
	round  *round
	action *action
	runner *runner

	err    error // its outcome
	alone  bool  // it has to run by itself
	reads  []any // keys of rows
	rests  dependence
	writes []written
	adds   []*addition
}

// A written row waits for the end of its round.
type written struct {
	change *change
	key    any
	args   []any
}

// leaving is the panic of an action that has to run alone.
type leaving struct{}

func newRound(ctx context.Context, t transaction, d dialect, runners *runners, l *locks) *round {
	return &round{ctx: ctx, sql: t, dialect: d, tables: make(map[any]shared), runners: runners, locks: l}
}

// run takes actions through a round. It answers those that are done in outcomes,
// and returns those that are to be run in another round, and alone. The error is
// the transaction's.
func (r *round) run(actions []*action, outcomes map[*action]error) (again, alone []*action, err error) {
	r.single = len(actions) == 1
	strands := make([]*strand, len(actions))
	for i, a := range actions {
		strands[i] = &strand{round: r, action: a, runner: r.runners.take()}
		strands[i].runner.strand = strands[i]
	}
	defer func() {
		for _, st := range strands {
			r.runners.giveBack(st.runner)
		}
	}()
	if err := r.advance(strands); err != nil {
		return nil, nil, err
	}
	taken := make(map[any]bool) // rows that are written by those before
	done := strands[:0:0]
	for _, st := range strands {
		switch {
		case st.alone:
			alone = append(alone, st.action)
		case st.restsOn(taken):
			again = append(again, st.action)
		case r.single && r.dialect.endsTransaction(st.err):
			return nil, nil, st.err
		default:
			outcomes[st.action] = st.err
			if st.err != nil {
				continue // it leaves no trace
			}
			done = append(done, st)
			r.locks.add(&st.rests)
			for _, w := range st.writes {
				taken[w.key] = w.key != nil
			}
		}
	}
	r.left = r.left || len(alone) > 0
	if err := r.flush(done, !r.left && len(again) == 0); err != nil {
		return nil, nil, err
	}
	for key := range taken {
		r.forget(key)
	}
	return again, alone, nil
}

// advance takes all strands to their ends.
func (r *round) advance(strands []*strand) error {
	live := slices.Clone(strands)
	for len(live) > 0 {
		live = slices.DeleteFunc(live, func(st *strand) bool {
			return !st.runner.goOn()
		})
		if err := r.readWanted(); err != nil {
			return err
		}
	}
	return r.failed
}

// readWanted reads what was asked for since the last time, of all sources
// together.
func (r *round) readWanted() error {
	var reads []statement
	for _, t := range r.order {
		reads = append(reads, t.readingWanted(r.dialect)...)
	}
	return r.sql.run(r.ctx, reads...)
}

// run is the action, between its waits.
func (st *strand) run() {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case leaving:
			st.alone = true
		default:
			st.err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	sql := transaction{session: st.round.sql.session, strand: st, rests: &st.rests}
	tx := &Tx{ReadTx{ctx: st.round.ctx, sql: sql, dialect: st.round.dialect, strand: st}}
	if st.err = st.action.run(tx); st.err == nil {
		st.err = st.rests.check()
	}
}

// restsOn reports whether the action read or would write a row that is taken.
func (st *strand) restsOn(taken map[any]bool) bool {
	if slices.ContainsFunc(st.reads, func(key any) bool { return taken[key] }) {
		return true
	}
	return slices.ContainsFunc(st.writes, func(w written) bool { return w.key != nil && taken[w.key] })
}

// readShared reads a row for a strand, which waits for it with the others.
func readShared[K comparable, V any](st *strand, s *source[K, V], k K) (v V, found bool) {
	if st.wrote(k) {
		st.writeNow() // its own change is not there to be read yet
	}
	st.reads = append(st.reads, k)
	rows := sharedBy(st.round, s)
	r, known := rows.found[k]
	if !known {
		rows.wanted[k] = true
		if !st.runner.wait() {
			panic(leaving{}) // the round has failed
		}
		r = rows.found[k]
	}
	return r.value, r.found
}

func sharedBy[K comparable, V any](r *round, s *source[K, V]) *sharedRows[K, V] {
	if t, ok := r.tables[s]; ok {
		return t.(*sharedRows[K, V]) //nolint:forcetypeassert // a source has one type
	}
	t := &sharedRows[K, V]{source: s, found: make(map[K]row[V]), wanted: make(map[K]bool)}
	r.tables[s], r.order = t, append(r.order, t)
	return t
}

func (st *strand) wrote(key any) bool {
	if slices.ContainsFunc(st.adds, func(a *addition) bool { return key == any(a.key) }) {
		return true
	}
	return slices.ContainsFunc(st.writes, func(w written) bool { return w.key == key })
}

func (st *strand) write(c *change, key any, args []any) {
	st.rests.wrote(key)
	if key != nil && st.wrote(key) {
		st.writeNow() // one statement changes a row once
	}
	st.writes = append(st.writes, written{c, key, args})
}

// runs is called before a strand runs statements of which a round knows nothing.
// What they write is not known either, so the rows that were read are forgotten.
func (st *strand) runs(all []statement) {
	st.writeNow()
	if slices.ContainsFunc(all, func(s statement) bool { return s.row == nil }) {
		clear(st.round.tables)
		st.round.order = nil
	}
}

// writeNow writes what a strand has written so far, so that it is there for what
// the strand does next. Only one that has the round to itself can do so; with
// others it leaves.
func (st *strand) writeNow() {
	r := st.round
	if !r.single {
		panic(leaving{})
	}
	if r.failed = r.flush([]*strand{st}, false); r.failed != nil {
		panic(leaving{})
	}
	for _, w := range st.writes {
		r.forget(w.key)
	}
	st.writes, st.adds = nil, nil
}

// forget has a row read again.
func (r *round) forget(key any) {
	for _, t := range r.order {
		t.forget(key)
	}
}

// flush writes what the strands have written, a statement for each kind of
// change, all sent together. Before the last writes of a transaction it locks what
// the actions rest on.
func (r *round) flush(strands []*strand, last bool) error {
	adding, err := r.addUp(strands)
	if err != nil {
		return err
	}
	var writes []statement
	if last {
		writes = r.locks.take()
	}
	writes = append(writes, adding...)
	rows := make(map[*change][][]any)
	var order []*change
	for _, st := range strands {
		for _, w := range st.writes {
			if _, known := rows[w.change]; !known {
				order = append(order, w.change)
			}
			rows[w.change] = append(rows[w.change], settled(w.args))
		}
	}
	for _, c := range order {
		writes = append(writes, c.statements(r.dialect, rows[c])...)
	}
	return r.sql.run(r.ctx, writes...)
}

// settled are arguments with the balances that are known now.
func settled(args []any) []any {
	for i, arg := range args {
		if a, ok := arg.(*addition); ok {
			args[i] = a.after
		}
	}
	return args
}
