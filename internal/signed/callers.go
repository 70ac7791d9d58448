// Package signed finds out which caller signed a request. Both doors use it:
// they read the fields of a signature, which have different names, and answer
// in their own words.
package signed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// The reasons why a request is not signed by a caller.
var (
	ErrUnknownKey = errors.New("no caller has this access key")
	ErrVersion    = errors.New("the caller may not use this version of the signature")
	ErrWrong      = errors.New("the signature was not made with the caller's key")
)

const (
	// keptFor is how long an access key and its caller are used after they were
	// read. A key that is removed from the store works no longer than that.
	keptFor = time.Second
	// keysMax is how many access keys are kept. Anybody can send an access key, but
	// only those that exist are kept.
	keysMax = 4096
	// keyBytesMax is the length of the longest access key that is looked for.
	keyBytesMax = 128
)

// A Signer is a caller with one of its access keys.
type Signer struct {
	Caller party.Caller
	Key    party.AccessKey
}

// Callers finds callers by their access keys. It keeps a caller for a second,
// so that a caller that sends many requests is read from the store once. All
// doors of a server share one. Set the fields, then use it.
//
// The caller that it returns may therefore be a second old. Actions read it
// again.
type Callers struct {
	// Find reads a key with its caller, as store.Reader.CallerByKey does.
	Find func(ctx context.Context, accessKeyID string) (party.Caller, party.AccessKey, bool, error)
	Now  func() time.Time // real time

	mu   sync.Mutex
	kept map[string]*lookup // by access key id
}

// A lookup is one read of an access key. Requests that need the same key wait
// for the read that is under way.
type lookup struct {
	began time.Time
	done  chan struct{} // closed when the read has ended; the other fields are set then

	signer Signer
	err    error
}

// ByKey returns the caller that an access key belongs to, or ErrUnknownKey.
func (c *Callers) ByKey(ctx context.Context, id string) (Signer, error) {
	if len(id) > keyBytesMax {
		return Signer{}, ErrUnknownKey
	}
	l, first := c.lookup(id, c.Now())
	if first {
		c.read(ctx, id, l)
		return l.signer, l.err
	}
	select {
	case <-l.done:
		return l.signer, l.err
	case <-ctx.Done():
		return Signer{}, fmt.Errorf("waiting for a caller: %w", ctx.Err())
	}
}

// lookup returns the lookup of a key that is fresh enough, or a new one, which
// the first to get it must carry out.
func (c *Callers) lookup(id string, now time.Time) (l *lookup, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, ok := c.kept[id]; ok {
		if age := now.Sub(l.began); age >= 0 && age < keptFor {
			return l, false
		}
	}
	if c.kept == nil || len(c.kept) >= keysMax {
		c.kept = make(map[string]*lookup)
	}
	l = &lookup{began: now, done: make(chan struct{})}
	c.kept[id] = l
	return l, true
}

// read carries a lookup out. Others may wait for it, so it does not end with
// the request that began it. A key that was not found is not kept.
func (c *Callers) read(ctx context.Context, id string, l *lookup) {
	l.err = errors.New("reading the caller was interrupted")
	defer func() {
		if l.err != nil {
			c.drop(id, l)
		}
		close(l.done)
	}()
	caller, key, found, err := c.Find(context.WithoutCancel(ctx), id)
	switch {
	case err != nil:
		l.err = fmt.Errorf("finding the caller: %w", err)
	case !found:
		l.err = ErrUnknownKey
	default:
		l.signer, l.err = Signer{caller, key}, nil
	}
}

func (c *Callers) drop(id string, l *lookup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept[id] == l {
		delete(c.kept, id)
	}
}

// Forget makes the next request of every caller read its caller again. Call it
// after a caller was changed.
func (c *Callers) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = nil
}
