package payment

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// ReferenceLife is how long a CallerReference is remembered (Storing Values in
// Your Database: seven days). Afterwards it is free again.
const ReferenceLife = 7 * 24 * time.Hour

// A Digest tells whether two requests are the same: action and every business
// parameter, but not key, time stamp, signature or version.
type Digest [sha256.Size]byte

// DigestOf makes the digest of a typed request, which is a struct: the names
// and values of the fields that are given. A field that comes with a later
// version changes no digest of a request that does not use it.
func DigestOf(action string, request any) Digest {
	sum := sha256.New()
	fmt.Fprintln(sum, action)
	fields := reflect.ValueOf(request)
	for i := range fields.NumField() {
		if field := fields.Field(i); !field.IsZero() {
			fmt.Fprintf(sum, "%s=%q\n", fields.Type().Field(i).Name, fmt.Sprint(field.Interface()))
		}
	}
	return Digest(sum.Sum(nil))
}

// A Request is what is remembered of a request that was decided: what it was,
// and the transaction it made or the refusal it got.
type Request struct {
	Caller      party.CallerID
	Reference   holdfast.CallerReference
	Digest      Digest
	Transaction holdfast.TransactionID // empty for a refusal
	Refusal     *holdfast.Error        // nil for a transaction
	Received    time.Time              // the caller's
}

// Again answers a reference that is met a second time: whether it is free, and
// if not, whether this is the same request (nil) or another (DuplicateRequest).
func (r Request) Again(digest Digest, now time.Time) (free bool, err error) {
	switch {
	case !now.Before(r.Received.Add(ReferenceLife)):
		return true, nil
	case r.Digest != digest:
		return false, holdfast.Errorf(holdfast.DuplicateRequest, "CallerReference %q was used for a different request at %s",
			r.Reference, stamp(r.Received))
	}
	return false, nil
}

// Remembered reports whether a refusal is a decision to keep: one that the same
// request, sent again, cannot escape. What may succeed later leaves no trace.
func Remembered(e *holdfast.Error) bool { return !e.Retriable() }
