package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// MayMoveMoney refuses actions that move money of a caller whose books are
// wrong, until an operator has looked at them. Cancel, expiries and releases go
// on, so that senders get their money back. The refusal may pass, so it does not
// use up a CallerReference.
func MayMoveMoney(c party.Caller) error {
	if c.Stopped.IsZero() {
		return nil
	}
	return holdfast.Errorf(holdfast.InvalidAccountStateCaller,
		"your payments are stopped while the operator checks your books: nothing was moved, so send the same request later")
}

// A BooksNotice is the content of a letter to the operator about rows of the
// books that are wrong.
type BooksNotice struct {
	Found time.Time
	Rows  []Finding // the first ones
	More  int       // further ones that are not in Rows
}
