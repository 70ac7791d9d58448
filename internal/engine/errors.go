package engine

import (
	"errors"
	"fmt"
)

// Errors of Update that are not the Work's own. View has ErrUnreachable and
// ErrLocked, too.
var (
	// ErrBusy: other transactions changed the same rows each time that the Work
	// ran. Nothing was done. The same request may succeed later.
	ErrBusy = errors.New("the store is busy")
	// ErrLocked is ErrBusy if another process has locked the SQLite file.
	ErrLocked = fmt.Errorf("%w: another process has locked the database", ErrBusy)
	// ErrFull: the queue is full. Nothing was done. The same request may succeed
	// later.
	ErrFull = errors.New("too many wait for the store")
	// ErrStale: a row is no longer as the Work has read it.
	ErrStale = errors.New("the row changed meanwhile")
	// ErrNoSpace: the database has no space left. Nothing was done.
	ErrNoSpace = errors.New("the database has no space left")
	// ErrUnreachable: the database went away or did not answer in time. The Work
	// may have been done or not. The same request tells.
	ErrUnreachable = errors.New("the database cannot be reached")
	// ErrClosed: the engine is closed.
	ErrClosed = errors.New("the store is closed")
	// ErrNested: a Work called Update, Complete or Background. It would wait for
	// its own end.
	ErrNested = errors.New("an Update inside an Update would wait for its own end")
)

// errDoubtful: nobody knows whether the commit has happened.
var errDoubtful = fmt.Errorf("%w: the answer to a commit was lost", ErrUnreachable)

// IsUnavailable reports whether the same request may succeed later, because the
// database could not be written or read at the moment.
func IsUnavailable(err error) bool {
	for _, one := range []error{ErrBusy, ErrFull, ErrUnreachable, ErrNoSpace, ErrClosed} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}
