package store

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// ErrSignedOut: the session of the action has ended. Nothing was done.
var ErrSignedOut = errors.New("the session has ended")

type boundKey struct{}

// Bound binds the requests of a signed-in browser to its session. An Update
// with this context fails with ErrSignedOut unless the session still exists at
// the commit. So once a new password or its owner has ended a session, no
// change commits that began in it.
func Bound(ctx context.Context, s party.SignedIn) context.Context {
	return context.WithValue(ctx, boundKey{}, s)
}

// Unbound removes the session from a context, for actions that need none, such
// as signing in or out.
func Unbound(ctx context.Context) context.Context {
	return context.WithValue(ctx, boundKey{}, party.SignedIn{})
}

// inSession makes an action depend on the session that its context is bound to.
// An action that writes also writes the session's row, as its last row. So on
// PostgreSQL it conflicts with a transaction that ends the session: of the two,
// the one that commits later runs again and sees the other's rows.
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
		if err := fn(tx); err != nil || !tx.sql.Writes() {
			return err
		}
		return tx.restOnSignedIn(s.Party, s.ID)
	}
}
