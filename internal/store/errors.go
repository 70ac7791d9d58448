package store

import (
	"errors"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

// Errors of the engine that Update and View return; see package engine.
var (
	ErrBusy        = engine.ErrBusy
	ErrLocked      = engine.ErrLocked
	ErrFull        = engine.ErrFull
	ErrStale       = engine.ErrStale
	ErrNoSpace     = engine.ErrNoSpace
	ErrUnreachable = engine.ErrUnreachable
	ErrClosed      = engine.ErrClosed
)

// IsUnavailable reports whether an error says that the same request may succeed
// later, because the store could not be written or read at the moment, or is paused.
func IsUnavailable(err error) bool { return errors.Is(err, ErrPaused) || engine.IsUnavailable(err) }
