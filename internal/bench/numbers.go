package bench

import (
	"fmt"
	"sync/atomic"

	"github.com/holdfast-pay/holdfast"
)

// numbers are order numbers, which each merchant counts, as shops do. They are
// the CallerReferences.
type numbers struct {
	run  string // distinguishes them from those of other runs
	last []atomic.Int64
}

func newNumbers(run string, merchants int) *numbers {
	return &numbers{run: run, last: make([]atomic.Int64, merchants)}
}

func (n *numbers) next(merchant int) holdfast.CallerReference {
	return holdfast.CallerReference(fmt.Sprintf("%s-%09d", n.run, n.last[merchant].Add(1)))
}
