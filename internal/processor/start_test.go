package processor

import (
	"sync"
	"testing"
)

// Work goes to a goroutine that waits for it, and no work is lost when the
// processor stops.
func TestGoroutinesAreUsedAgain(t *testing.T) {
	p := New(nil, Config{BooksEvery: -1})
	var mu sync.Mutex
	done, begun := 0, 0
	for range 4 * idleMax {
		var working sync.WaitGroup
		working.Add(1)
		if p.start(func() {
			defer working.Done()
			mu.Lock()
			done++
			mu.Unlock()
		}) {
			begun++
		}
		working.Wait()
	}
	if waiting := p.idling.Load(); waiting >= idleMax {
		t.Errorf("%d goroutines wait after one piece of work at a time", waiting)
	}
	gate := make(chan struct{})
	for range 2 * idleMax {
		p.start(func() { <-gate })
	}
	close(gate)
	p.Close()
	if waiting := p.idling.Load(); waiting > idleMax {
		t.Errorf("%d goroutines waited for work, more than %d", waiting, idleMax)
	}
	if done != begun || p.start(func() {}) {
		t.Errorf("%d of %d pieces of work were done, or more began after the end", done, begun)
	}
}

// BenchmarkStart starts work that needs some stack, as a question to a network
// does.
func BenchmarkStart(b *testing.B) {
	p := New(nil, Config{BooksEvery: -1})
	defer p.Close()
	done := make(chan int)
	b.ReportAllocs()
	for b.Loop() {
		p.start(func() { done <- deep(6) })
		<-done
	}
}

// deep uses half a kilobyte of stack for each level.
//
//go:noinline
func deep(levels int) int {
	var some [512]byte
	for i := range some {
		some[i] = byte(levels + i)
	}
	if levels == 0 {
		return int(some[3])
	}
	return deep(levels-1) + int(some[7])
}
