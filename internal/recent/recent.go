// Package recent keeps what was read for a second, so that a client that sends
// many requests causes one read in that time.
package recent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// keptFor is how long a value is used after it was read. A value that is removed
	// from the store is used no longer than that.
	keptFor = time.Second
	// KeptMax is how many values are kept.
	KeptMax = 4096
)

// Reads reads values by their ids, and keeps each for a second. Set the fields,
// then use it. A value that it returns may therefore be a second old.
type Reads[V any] struct {
	// Find reads a value. A value that it answers with an error is not kept, so ids
	// that do not exist take no room.
	Find func(ctx context.Context, id string) (V, error)
	Now  func() time.Time // real time

	mu   sync.Mutex
	kept map[string]*lookup[V]
}

// A lookup is one read of a value. Requests that need the same value wait for
// the read that is under way.
type lookup[V any] struct {
	began time.Time
	done  chan struct{} // closed when the read has ended; the other fields are set then

	value V
	err   error
}

// Get returns the value of an id, or the error of Find.
func (r *Reads[V]) Get(ctx context.Context, id string) (V, error) {
	l, first := r.lookup(id, r.Now())
	if first {
		r.read(ctx, id, l)
		return l.value, l.err
	}
	select {
	case <-l.done:
		return l.value, l.err
	case <-ctx.Done():
		var none V
		return none, fmt.Errorf("waiting for a read: %w", ctx.Err())
	}
}

// lookup returns the lookup of an id that is fresh enough, or a new one, which
// the first to get it must carry out.
func (r *Reads[V]) lookup(id string, now time.Time) (l *lookup[V], first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l, ok := r.kept[id]; ok {
		if age := now.Sub(l.began); age >= 0 && age < keptFor {
			return l, false
		}
	}
	if r.kept == nil || len(r.kept) >= KeptMax {
		r.kept = make(map[string]*lookup[V])
	}
	l = &lookup[V]{began: now, done: make(chan struct{})}
	r.kept[id] = l
	return l, true
}

// read carries a lookup out. Others may wait for it, so it does not end with
// the request that began it.
func (r *Reads[V]) read(ctx context.Context, id string, l *lookup[V]) {
	l.err = errors.New("the read was interrupted")
	defer func() {
		if l.err != nil {
			r.drop(id, l)
		}
		close(l.done)
	}()
	l.value, l.err = r.Find(context.WithoutCancel(ctx), id)
}

func (r *Reads[V]) drop(id string, l *lookup[V]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept[id] == l {
		delete(r.kept, id)
	}
}

// Forget makes the next request for every id read its value again.
func (r *Reads[V]) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = nil
}

// Len is how many values are kept.
func (r *Reads[V]) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.kept)
}
