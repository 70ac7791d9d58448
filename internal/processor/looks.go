package processor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
)

const (
	// lookKept is how long the result of a look is used again. A page that waits
	// for the network loads itself again only after a longer time.
	lookKept = 2 * time.Second
	// looksMax is the number of remembered looks. Above it, a new look removes the old
	// ones.
	looksMax = 4096
)

// looks bound the questions that browsers cause: about each hold or page at most
// one is under way, and its result is used again for a while. The zero value is
// ready.
type looks[T any] struct {
	mu   sync.Mutex
	last map[string]*look[T]
}

// A look is a question about a hold or page for the browser of its buyer.
type look[T any] struct {
	done chan struct{} // closed when the look has ended; found, err and ended are set then

	found T
	err   error
	ended time.Time

	// returned says that the buyer has come back from the network or the bank. After
	// that, only a page that loads itself again waits for further looks.
	returned bool
	hurried  bool // a caller's question, not a background one
}

func (l *look[T]) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// at returns the look whose result is to be used. If begin is true, it is new and
// must be carried out with carryOut. returns says that the buyer comes back, which
// counts only once.
func (ls *looks[T]) at(key string, now time.Time, returns bool) (l *look[T], begin bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	last, known := ls.last[key]
	if known && !last.over() {
		last.returned = last.returned || returns
		return last, false
	}
	l = &look[T]{done: make(chan struct{}), returned: returns, hurried: true}
	if known {
		l.hurried = returns && !last.returned
		l.returned = returns || last.returned
		if age := now.Sub(last.ended); !l.hurried && age >= 0 && age < lookKept {
			return last, false
		}
	}
	if len(ls.last) >= looksMax {
		for key, l := range ls.last {
			if l.over() && now.Sub(l.ended) >= lookKept {
				delete(ls.last, key)
			}
		}
	}
	if ls.last == nil {
		ls.last = make(map[string]*look[T])
	}
	ls.last[key] = l
	return l, true
}

// carryOut asks, and gives the result to all that wait for it. The question goes on
// when the browser has left.
func (l *look[T]) carryOut(ctx context.Context, now func() time.Time, ask func(context.Context) (T, error)) {
	defer func() {
		if broken := recover(); broken != nil { // a network's code must not end the server
			l.err = fmt.Errorf("panic: %v", broken)
		}
		l.ended = now()
		close(l.done)
	}()
	if !l.hurried {
		ctx = card.Background(ctx)
	}
	l.found, l.err = ask(ctx)
}

// wait returns the result of the look with a key, which it may begin. ok is false if
// there is none in time.
func (ls *looks[T]) wait(
	ctx context.Context, p *Processor, key string, returns bool, patience time.Duration,
	ask func(context.Context) (T, error),
) (found T, ok bool, err error) {
	l, begin := ls.at(key, p.now(), returns)
	if begin && !p.start(func() { l.carryOut(p.untilStopped(), p.now, ask) }) {
		l.carryOut(ctx, p.now, func(context.Context) (T, error) { return found, ErrNetwork }) // the server is ending
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-l.done:
		return l.found, true, l.err
	case <-timer.C:
	case <-ctx.Done():
	}
	return found, false, nil
}
