package store

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// ErrSignedOut: the session that an action is bound to has ended. Nothing was done.
var ErrSignedOut = errors.New("the session has ended")

type boundKey struct{}

// Bound binds what a signed-in browser asks for to its session: an Update with this
// context is ErrSignedOut unless the session is still there when it commits. A new
// password or the owner who ends the session is therefore never followed by a change
// that began before.
func Bound(ctx context.Context, s party.SignedIn) context.Context {
	return context.WithValue(ctx, boundKey{}, s)
}

// Unbound is for what needs no session, such as signing in or out.
func Unbound(ctx context.Context) context.Context {
	return context.WithValue(ctx, boundKey{}, party.SignedIn{})
}

// inSession adds to an action that it rests on the session which its context is bound
// to. The row is read and so locked, see rests.go.
func inSession(ctx context.Context, fn func(*Tx) error) func(*Tx) error {
	s, _ := ctx.Value(boundKey{}).(party.SignedIn)
	if s.ID == "" {
		return fn
	}
	return func(tx *Tx) error {
		_, there, err := tx.SignedIn(s.Party, s.ID)
		if err == nil && !there {
			err = ErrSignedOut
		}
		if err != nil {
			return err
		}
		return fn(tx)
	}
}
