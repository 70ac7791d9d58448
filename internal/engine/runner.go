package engine

import "iter"

// A runner is a coroutine that runs one strand after the other to its end.
type runner struct {
	strand *strand // that it runs; nil between two
	next   func() (wants, ok bool)
	stop   func()
	yield  func(wants bool) bool
}

func newRunner(known *goroutines) *runner {
	r := &runner{}
	r.next, r.stop = iter.Pull(func(yield func(bool) bool) {
		defer known.add()()
		r.yield = yield
		for {
			r.strand.execute()
			r.strand = nil
			if !yield(false) {
				return
			}
		}
	})
	return r
}

// resume runs the strand until it wants a row or has ended.
func (r *runner) resume() (wants bool) {
	wants, _ = r.next()
	return wants
}

// wait is called by the strand. It reports whether the round goes on.
func (r *runner) wait() bool { return r.yield(true) }

// runners are kept, because their stacks have grown, and growing them costs more
// than switching between them.
type runners struct {
	known *goroutines
	idle  []*runner
}

func (rs *runners) take() *runner {
	last := len(rs.idle) - 1
	if last < 0 {
		return newRunner(rs.known)
	}
	r := rs.idle[last]
	rs.idle = rs.idle[:last]
	return r
}

// giveBack ends a runner whose strand has not ended: the strand's read fails, and
// its Work returns.
func (rs *runners) giveBack(r *runner) {
	if r.strand != nil {
		r.stop()
		return
	}
	rs.idle = append(rs.idle, r)
}

func (rs *runners) close() {
	for _, r := range rs.idle {
		r.stop()
	}
}
