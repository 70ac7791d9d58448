// Package signed finds out which caller signed a request. Both doors for signed
// requests use it: they read the fields of a signature, which have different
// names, and answer in their own words.
package signed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/recent"
)

// The reasons why a request is not signed by a caller.
var (
	ErrUnknownKey = errors.New("no caller has this access key, or the key has ended")
	ErrVersion    = errors.New("the caller may not use this version of the signature")
	ErrWrong      = errors.New("the signature was not made with the caller's key")
)

// keyBytesMax is the length of the longest access key that is looked for.
const keyBytesMax = 128

// A Signer is a caller with one of its access keys.
type Signer struct {
	Caller party.Caller
	Key    party.AccessKey
}

// Callers finds callers by their access keys. It keeps a caller for a second
// (package recent), so that a caller that sends many requests is read from the
// store once. The doors of a server share one. Set the fields, then use it.
//
// The caller that it returns may therefore be a second old. Actions read it
// again.
type Callers struct {
	// Find reads a key with its caller, as store.Reader.CallerByKey does.
	Find func(ctx context.Context, accessKeyID string) (party.Caller, party.AccessKey, bool, error)
	Now  func() time.Time // real time

	once sync.Once
	kept recent.Reads[Signer]
}

// ByKey returns the caller that an access key belongs to. It is ErrUnknownKey if
// there is no such key, or if the key has expired or was revoked.
func (c *Callers) ByKey(ctx context.Context, id string) (Signer, error) {
	if len(id) > keyBytesMax {
		return Signer{}, ErrUnknownKey
	}
	c.once.Do(func() { c.kept.Find, c.kept.Now = c.find, c.Now })
	s, err := c.kept.Get(ctx, id)
	if err == nil && s.Key.Usable(c.Now()) != nil {
		return Signer{}, ErrUnknownKey
	}
	return s, err
}

func (c *Callers) find(ctx context.Context, id string) (Signer, error) {
	caller, key, found, err := c.Find(ctx, id)
	switch {
	case err != nil:
		return Signer{}, fmt.Errorf("finding the caller: %w", err)
	case !found:
		return Signer{}, ErrUnknownKey
	}
	return Signer{caller, key}, nil
}

// Forget makes the next request of every caller read its caller again. Call it
// after a caller was changed.
func (c *Callers) Forget() { c.kept.Forget() }
