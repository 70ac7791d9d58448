package engine

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
)

// goroutines are those on which a committer runs Works.
type goroutines struct{ ids sync.Map }

// add adds the current goroutine until the returned function is called.
func (g *goroutines) add() (remove func()) {
	id := goroutineID()
	g.ids.Store(id, true)
	return func() { g.ids.Delete(id) }
}

// runsThis reports whether the current goroutine is running a Work of the
// committer. The id of a goroutine is costly to get, so it is compared only if
// the stack shows that a Work runs.
func (g *goroutines) runsThis() bool {
	if !inWork() {
		return false
	}
	_, ok := g.ids.Load(goroutineID())
	return ok
}

// call runs a Work. It is not inlined, so that the stack shows it.
//
//go:noinline
func call(work func(*Tx) error, tx *Tx) error { return work(tx) }

// workPC is the program counter that the stack of a running Work contains.
var workPC = func() (pc uintptr) {
	_ = call(func(*Tx) error {
		var one [1]uintptr
		const here, work = 1, 1 // runtime.Callers itself and this function
		runtime.Callers(here+work, one[:])
		pc = one[0]
		return nil
	}, nil)
	return pc
}()

// inWork reports whether the current goroutine runs a Work of any committer.
func inWork() bool {
	var stack [64]uintptr
	const itself = 1
	for skip := itself; ; skip += len(stack) {
		n := runtime.Callers(skip, stack[:])
		for _, pc := range stack[:n] {
			if pc == workPC {
				return true
			}
		}
		if n < len(stack) {
			return false
		}
	}
}

func goroutineID() uint64 {
	var stack [64]byte
	text := bytes.TrimPrefix(stack[:runtime.Stack(stack[:], false)], []byte("goroutine "))
	number, _, _ := bytes.Cut(text, []byte(" "))
	id, _ := strconv.ParseUint(string(number), 10, 64)
	return id
}
