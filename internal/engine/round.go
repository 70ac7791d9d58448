package engine

// A round runs Works that share a transaction side by side. Each Work runs until
// it wants a row. Then the rows that all of them want are read together, and the
// Works go on. When all of them have ended, what they write is written together.
// A Work is written as if it were alone, and sees none of this.
//
// The result is as if the Works had run one after the other: a Work that read or
// would write a row which an earlier Work of the round writes runs again in the
// next round. A Work that does something that a round does not know runs by
// itself, after the rounds.
type round struct {
	*transaction
	runners *runners
}

// run runs Works. It sets the outcomes of those that are done, and returns those
// that have to run in another round, and by themselves. The error is the
// transaction's.
func (r *round) run(works []*Work) (again, alone []*Work, err error) {
	strands := r.start(works, true, false)
	defer func() {
		for i := range strands {
			r.runners.giveBack(strands[i].runner)
		}
	}()
	for i := range strands {
		st := &strands[i]
		st.runner = r.runners.take()
		st.runner.strand = st
	}
	if err := r.advance(strands); err != nil {
		return nil, nil, err
	}
	var done []*strand
	for i := range strands {
		switch st := &strands[i]; {
		case st.left != nil:
			alone = append(alone, st.work)
		case st.dependsOnTaken():
			again = append(again, st.work)
		case st.work.outcome == nil: // otherwise it leaves no trace
			done = append(done, st)
			st.end()
		}
	}
	if err := r.flush(done...); err != nil {
		return nil, nil, err
	}
	for _, st := range done {
		for _, row := range st.written {
			row.taken, row.known = false, false
		}
	}
	return again, alone, nil
}

// advance runs all strands to their ends.
func (r *round) advance(strands []strand) error {
	live := make([]*runner, len(strands))
	for i := range strands {
		live[i] = strands[i].runner
	}
	for len(live) > 0 {
		waiting := live[:0]
		for _, one := range live {
			if one.resume() {
				waiting = append(waiting, one)
			}
		}
		live = waiting
		if err := r.readWanted(); err != nil {
			r.failed = err
			return err
		}
	}
	return nil
}

// end notes what a strand leaves behind that will be committed.
func (st *strand) end() {
	for _, row := range st.written {
		row.taken = true
	}
	for _, a := range st.adds {
		a.row().taken = true
	}
	st.t.depend(st)
	st.t.confirms = st.t.confirms || st.confirms
}

// alone runs a Work by itself. Its outcome is set; the error is the
// transaction's.
func (t *transaction) alone(w *Work, shared, atOnce bool) error {
	st := &t.start([]*Work{w}, shared, atOnce)[0]
	if atOnce {
		st.save()
	}
	st.execute()
	if t.failed != nil {
		return t.failed
	}
	if w.outcome != nil {
		return t.undo(st)
	}
	if len(st.kept) > 0 || len(st.adds) > 0 {
		if err := st.t.flush(st); err != nil {
			return err
		}
	}
	if st.savepoint {
		t.control(removeSavepoint)
	}
	t.depend(st)
	for _, row := range st.written {
		row.known = false
	}
	t.confirms = t.confirms || st.confirms
	return nil
}

// undo removes the trace of a Work that ran by itself and failed.
func (t *transaction) undo(st *strand) error {
	if !st.savepoint {
		return nil
	}
	t.forget()
	if st.broken != nil {
		t.failed = t.session.undo(t.ctx)
		return t.failed
	}
	t.control(gotoSavepoint)
	t.control(removeSavepoint)
	return nil
}
