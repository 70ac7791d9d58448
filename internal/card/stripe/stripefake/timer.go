package stripefake

import (
	"container/heap"
	"time"
)

// A timer is something that the clock brings about.
type timer struct {
	at    time.Time
	order int // of timers for the same moment
	run   func()
}

// timers are a heap, the earliest first: very many holds lapse.
type timers struct {
	queue timerQueue
	made  int
}

func (t *timers) add(at time.Time, run func()) {
	t.made++
	heap.Push(&t.queue, timer{at, t.made, run})
}

// next takes the first timer that is due.
func (t *timers) next(now time.Time) (timer, bool) {
	if len(t.queue) == 0 || t.queue[0].at.After(now) {
		return timer{}, false
	}
	return heap.Pop(&t.queue).(timer), true
}

type timerQueue []timer

func (q timerQueue) Len() int { return len(q) }

func (q timerQueue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].order < q[j].order
	}
	return q[i].at.Before(q[j].at)
}

func (q timerQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *timerQueue) Push(x any) { *q = append(*q, x.(timer)) }

func (q *timerQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
