package store

import (
	"context"
	"sync"
)

// A gatherer reads single rows for all who want one at the moment: while one read
// is under way, those who come wait together for the next. So each finds what was
// committed before it came, as if it had read by itself.
type gatherer[K comparable, V any] struct {
	source *source[K, V]
	view   func(context.Context, func(*ReadTx) error) error

	mu      sync.Mutex
	reading bool
	next    *gathering[K, V] // of those who wait; nil when nobody does
}

// A gathering is one read, of some keys.
type gathering[K comparable, V any] struct {
	keys  map[K]row[V]
	err   error
	ended chan struct{}
}

func (g *gatherer[K, V]) read(ctx context.Context, k K) (v V, found bool, err error) {
	g.mu.Lock()
	if g.next == nil {
		g.next = &gathering[K, V]{keys: make(map[K]row[V]), ended: make(chan struct{})}
	}
	mine := g.next
	mine.keys[k] = row[V]{}
	if !g.reading {
		g.reading = true
		go g.run()
	}
	g.mu.Unlock()
	select {
	case <-mine.ended:
		r := mine.keys[k]
		return r.value, r.found, mine.err
	case <-ctx.Done():
		return v, false, ctx.Err()
	}
}

// run reads until nobody waits.
func (g *gatherer[K, V]) run() {
	for {
		g.mu.Lock()
		now := g.next
		g.next = nil
		g.reading = now != nil
		g.mu.Unlock()
		if now == nil {
			return
		}
		keys := make([]K, 0, len(now.keys))
		for k := range now.keys {
			keys = append(keys, k)
		}
		now.err = g.view(context.Background(), func(tx *ReadTx) error {
			return g.source.readMany(tx, keys, now.keys)
		})
		close(now.ended)
	}
}
