package party

import (
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// An AccessKey signs a caller's requests. A caller may have several, and each of
// them works.
type AccessKey struct {
	ID     string // 20 characters, public
	Secret holdfast.SecretKey
	Caller CallerID
	Name   string // for the operator
	// ReplacedBy is the key that a rotation has made in place of this one.
	ReplacedBy string
	Created    time.Time
	// Expires and Revoked are in real time, as for a JSON key. Zero means never.
	Expires, Revoked time.Time
	LastUsed         time.Time // to the minute; zero means never
}

// Usable returns nil if the key works at the given real time. Otherwise the error
// is ErrKeyRevoked or ErrKeyExpired.
func (k AccessKey) Usable(real time.Time) error { return usable(k.Expires, k.Revoked, real) }

// State is the state of the key at the given real time.
func (k AccessKey) State(real time.Time) KeyState {
	return keyState(k.Usable(real), k.ReplacedBy != "")
}

// NewestUsable returns the newest of some keys that work at the given real time.
func NewestUsable(keys []AccessKey, real time.Time) (newest AccessKey, found bool) {
	for _, k := range keys {
		if k.Usable(real) == nil && (!found || !k.Created.Before(newest.Created)) {
			newest, found = k, true
		}
	}
	return newest, found
}

// A KeyKind is one of the two kinds of keys that callers have.
type KeyKind string

// The kinds.
const (
	KindAccess KeyKind = "access" // signs requests of FPS; see AccessKey
	KindJSON   KeyKind = "json"   // is sent with requests of the JSON API; see JSONKey
)

// A KeyState says whether a key works.
type KeyState string

// The states. A key that is active or replaced works.
const (
	KeyActive   KeyState = "active"
	KeyReplaced KeyState = "replaced" // by a rotation, and it works for the overlap
	KeyExpired  KeyState = "expired"
	KeyRevoked  KeyState = "revoked"
)

func keyState(unusable error, replaced bool) KeyState {
	switch {
	case errors.Is(unusable, ErrKeyRevoked):
		return KeyRevoked
	case unusable != nil:
		return KeyExpired
	case replaced:
		return KeyReplaced
	}
	return KeyActive
}

func usable(expires, revoked, real time.Time) error {
	switch {
	case !revoked.IsZero():
		return ErrKeyRevoked
	case !expires.IsZero() && !real.Before(expires):
		return ErrKeyExpired
	}
	return nil
}
