package payment

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// ReferenceLife is the time for which a CallerReference is remembered (Storing
// Values in Your Database: seven days). Afterwards it can be used again.
const ReferenceLife = 7 * 24 * time.Hour

// A Digest shows whether two requests are the same. It covers the action and
// every business parameter, but not the key, time stamp, signature or version.
type Digest [sha256.Size]byte

// DigestOf makes the digest of a typed request, which is a struct. It covers
// the names and values of the fields that are set. So a field that a later
// version adds does not change the digest of a request without it.
func DigestOf(action string, request any) Digest {
	text := append(make([]byte, 0, 512), action...)
	text = append(text, '\n')
	fields := reflect.ValueOf(request)
	for i := range fields.NumField() {
		field := fields.Field(i)
		if field.IsZero() {
			continue
		}
		text = append(text, fields.Type().Field(i).Name...)
		text = append(text, '=')
		if field.Kind() == reflect.String { // nearly all are; the rest takes longer
			text = strconv.AppendQuote(text, field.String())
		} else {
			text = strconv.AppendQuote(text, fmt.Sprint(field.Interface()))
		}
		text = append(text, '\n')
	}
	return sha256.Sum256(text)
}

// A Request is the record of a decided request: its digest, and the transaction
// it made or the refusal it got.
type Request struct {
	Caller      party.CallerID
	Reference   holdfast.CallerReference
	Digest      Digest
	Transaction holdfast.TransactionID // empty for a refusal
	Refusal     *holdfast.Error        // nil for a transaction
	Received    time.Time              // the caller's time
}

// Again decides on a reference that is used a second time. free means that its
// first use is forgotten. Otherwise err is nil for the same request and
// DuplicateRequest for a different one.
func (r Request) Again(digest Digest, now time.Time) (free bool, err error) {
	switch {
	case r.Forgotten(now):
		return true, nil
	case r.Digest != digest:
		return false, holdfast.Errorf(holdfast.DuplicateRequest, "CallerReference %q was used for a different request at %s",
			r.Reference, stamp(r.Received))
	}
	return false, nil
}

// Forgotten reports whether the reference may be used again.
func (r Request) Forgotten(now time.Time) bool { return !now.Before(r.Received.Add(ReferenceLife)) }

// Remembered reports whether a refusal is stored, so that the same request gets
// it again. A request that may succeed later is not recorded.
func Remembered(e *holdfast.Error) bool { return !e.Retriable() }
