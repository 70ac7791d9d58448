package party

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A Scope is one thing that a JSON key may do.
type Scope string

// The scopes. None includes another.
const (
	ScopeRead   Scope = "read"   // read everything of the caller
	ScopeHold   Scope = "hold"   // create, raise and renew holds, and create checkouts
	ScopeSettle Scope = "settle" // settle and release holds; with hold, pay at once
	ScopeRefund Scope = "refund" // refund payments
	ScopeManage Scope = "manage" // change webhook endpoints, and a sandbox's clock
)

// AllScopes are the scopes in the order in which they are shown.
var AllScopes = []Scope{ScopeRead, ScopeHold, ScopeSettle, ScopeRefund, ScopeManage}

// permission is what a role must have to do the same in the console.
func (s Scope) permission() Permission {
	switch s {
	case ScopeRead:
		return MayRead
	case ScopeHold, ScopeSettle:
		return MayActOnHolds
	case ScopeRefund:
		return MayRefund
	case ScopeManage:
	}
	return MayManageWebhooks
}

// Scopes are the scopes of a key: a list with blanks, in the order of AllScopes.
type Scopes string

// ParseScopes reads a list of scopes. It refuses an empty list and an unknown
// scope.
func ParseScopes(names []string) (Scopes, error) {
	var all []string
	for _, known := range AllScopes {
		if slices.Contains(names, string(known)) {
			all = append(all, string(known))
		}
	}
	for _, name := range names {
		if !slices.Contains(AllScopes, Scope(name)) {
			return "", fmt.Errorf("%q is not a scope; the scopes are %s", name, joinScopes(", "))
		}
	}
	if len(all) == 0 {
		return "", fmt.Errorf("a key needs a scope: %s", joinScopes(", "))
	}
	return Scopes(strings.Join(all, " ")), nil
}

func joinScopes(separator string) string {
	var all []string
	for _, scope := range AllScopes {
		all = append(all, string(scope))
	}
	return strings.Join(all, separator)
}

// List returns the scopes one by one.
func (s Scopes) List() (all []Scope) {
	for _, name := range strings.Fields(string(s)) {
		all = append(all, Scope(name))
	}
	return all
}

// Has reports whether a scope is in the list.
func (s Scopes) Has(scope Scope) bool {
	for name := range strings.FieldsSeq(string(s)) {
		if Scope(name) == scope {
			return true
		}
	}
	return false
}

// A JSONKeyID names a JSON key, such as "J01K…". It is public, and a part of the
// key's text.
type JSONKeyID string

// A JSONKey is a bearer key for the JSON API. Only the hash of its text is kept.
type JSONKey struct {
	ID     JSONKeyID
	Caller CallerID
	Hash   KeyHash
	Name   string // for the operator
	Scopes Scopes
	// HoldLimit bounds one hold, settle or refund. DayLimit bounds what is held, what
	// is settled and what is refunded in one day, each by itself. The zero Amount
	// means no limit.
	HoldLimit, DayLimit money.Amount
	// Chain is the id of the first key of a chain of rotations. The keys of a chain
	// share their use of the day limit, so a rotation does not double it.
	Chain JSONKeyID
	// ReplacedBy is the key that a rotation has made in place of this one.
	ReplacedBy JSONKeyID
	Created    time.Time
	// Expires and Revoked are in real time: a moved sandbox clock locks nobody out.
	// Zero means never.
	Expires, Revoked time.Time
	LastUsed         time.Time // to the minute; zero means never
}

// A KeyError says why a bearer key is not accepted.
type KeyError string

// The reasons.
const (
	ErrKeyUnknown   KeyError = "key_unknown"
	ErrKeyRevoked   KeyError = "key_revoked"
	ErrKeyExpired   KeyError = "key_expired"
	ErrKeyWrongMode KeyError = "key_wrong_mode"
)

// Error is a sentence for the caller.
func (e KeyError) Error() string {
	switch e {
	case ErrKeyRevoked:
		return "the key was revoked"
	case ErrKeyExpired:
		return "the key has expired"
	case ErrKeyWrongMode:
		return "a key that begins with " + testPrefix + " works only for a sandbox caller, and one that begins with " +
			livePrefix + " only for a live one"
	case ErrKeyUnknown:
	}
	return "the key is not known here"
}

// Usable returns nil if the key works for its caller at the given real time.
// Otherwise the error is a KeyError.
func (k JSONKey) Usable(real time.Time) error { return usable(k.Expires, k.Revoked, real) }

// State is the state of the key at the given real time.
func (k JSONKey) State(real time.Time) KeyState { return keyState(k.Usable(real), k.ReplacedBy != "") }

// Open returns nil if a key that was sent is this one, and works for its caller at
// the given real time. Otherwise the error is a KeyError.
func (k JSONKey) Open(sent SentKey, c Caller, real time.Time) error {
	switch {
	case subtle.ConstantTimeCompare(k.Hash[:], sent.hash[:]) != 1:
		return ErrKeyUnknown
	case sent.live == c.Sandbox:
		return ErrKeyWrongMode
	}
	return k.Usable(real)
}

// A KeyHash is the SHA-256 of a key's text. The text has 256 random bits, so a
// slow hash would add nothing.
type KeyHash [sha256.Size]byte

// A SentKey is what is known of the text of a key: not the text itself, so it
// cannot be logged.
type SentKey struct {
	ID   JSONKeyID
	live bool
	hash KeyHash
}

// The form of a key: the prefix, the key's id, an underscore, the secret, and a
// checksum of everything before. The prefix and the checksum let a scanner of
// source code recognise a key that was published by mistake. The checksum also
// lets the server refuse a mistyped key without a look-up.
const (
	testPrefix   = "hf_test_"
	livePrefix   = "hf_live_"
	keyIDMax     = 40
	keyCheckSize = 6
	// KeySecretSize is the number of base-62 characters of a secret: they have as
	// many bits as 32 bytes.
	KeySecretSize = 43
)

const keyDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// KeyText returns the text of a new key. The secret has KeySecretSize characters
// of base 62. Without them, KeyText panics.
func KeyText(id JSONKeyID, secret string, c Caller) (text string, hash KeyHash) {
	prefix := livePrefix
	if c.Sandbox {
		prefix = testPrefix
	}
	text = prefix + string(id) + "_" + secret
	text += keyCheck(text)
	sent, err := ParseKey(text)
	if err != nil || sent.ID != id {
		panic("party: the id or the secret of a new key has a wrong form")
	}
	return text, sent.hash
}

// ParseKey reads the text of a key. A text that cannot be a key is ErrKeyUnknown.
func ParseKey(text string) (SentKey, error) {
	rest, live := strings.CutPrefix(text, livePrefix)
	if !live {
		var test bool
		if rest, test = strings.CutPrefix(text, testPrefix); !test {
			return SentKey{}, ErrKeyUnknown
		}
	}
	id, secret, found := strings.Cut(rest, "_")
	if !found || id == "" || len(id) > keyIDMax || len(secret) != KeySecretSize+keyCheckSize ||
		!inDigits(id, keyDigits[:36]) || !inDigits(secret, keyDigits) {
		return SentKey{}, ErrKeyUnknown
	}
	if body := text[:len(text)-keyCheckSize]; keyCheck(body) != text[len(body):] {
		return SentKey{}, ErrKeyUnknown
	}
	return SentKey{ID: JSONKeyID(id), live: live, hash: sha256.Sum256([]byte(text))}, nil
}

func inDigits(text, digits string) bool {
	for _, c := range []byte(text) {
		if strings.IndexByte(digits, c) < 0 {
			return false
		}
	}
	return true
}

// keyCheck is the CRC-32 of a text, in base 62.
func keyCheck(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var check [keyCheckSize]byte
	for i := range check {
		check[keyCheckSize-1-i] = keyDigits[sum%62]
		sum /= 62
	}
	return string(check[:])
}
