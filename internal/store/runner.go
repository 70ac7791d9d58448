package store

import "iter"

// A runner is a coroutine that takes one strand after the other to its end.
type runner struct {
	strand *strand // the one it runs; nil between two
	next   func() (wants, ok bool)
	stop   func()
	yield  func(wants bool) bool
}

func newRunner() *runner {
	r := &runner{}
	r.next, r.stop = iter.Pull(func(yield func(bool) bool) {
		r.yield = yield
		for {
			r.strand.run()
			r.strand = nil
			if !yield(false) {
				return
			}
		}
	})
	return r
}

// goOn lets the strand run until it wants a row, or has ended.
func (r *runner) goOn() (wants bool) {
	wants, _ = r.next()
	return wants
}

// wait is called by the strand. It reports whether the round goes on.
func (r *runner) wait() bool { return r.yield(true) }

// runners are kept with the stacks that they have grown, which costs more than
// the switching does.
type runners struct{ idle []*runner }

func (rs *runners) take() *runner {
	last := len(rs.idle) - 1
	if last < 0 {
		return newRunner()
	}
	r := rs.idle[last]
	rs.idle = rs.idle[:last]
	return r
}

// giveBack ends a runner whose strand did not come to its end.
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
