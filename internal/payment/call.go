package payment

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A CallCode says why a call of the JSON API was refused, where FPS has no code
// for it. Programs branch on it.
type CallCode string

// The codes.
const (
	CallKeyInvalid      CallCode = "idempotency_key_invalid"
	CallKeyReused       CallCode = "idempotency_key_reused"
	CallReferenceInUse  CallCode = "reference_in_use"
	CallScopeMissing    CallCode = "scope_missing"
	CallHoldLimit       CallCode = "key_limit_exceeded"
	CallDayLimit        CallCode = "key_day_limit_exceeded"
	CallMetadataInvalid CallCode = "metadata_invalid"
	CallDeadlineInvalid CallCode = "deadline_invalid"
	CallNetworkOnce     CallCode = "network_settles_once"
)

// A CallError is a refusal that only the JSON API has. A refused call leaves no
// trace, so its idempotency key stays free.
type CallError struct {
	Code    CallCode
	Message string // one sentence for the caller; it never contains a secret
	// Fields are JSON pointers to the fields of the body that the refusal is about.
	Fields []string
	Scope  party.Scope // that the key lacks; only with CallScopeMissing
}

func (e *CallError) Error() string { return string(e.Code) + ": " + e.Message }

func callErrorf(code CallCode, format string, args ...any) *CallError {
	return &CallError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// A Call is the record of a call of the JSON API that was carried out. It is kept
// for good.
type Call struct {
	Caller      party.CallerID
	Idempotency string
	Action      string   // such as "POST /v1/holds"
	Body        string   // canonical; see [CanonicalBody]
	Objects     []string // ids of what the call made or changed, the main one first
	Created     time.Time
}

// Again returns nil if the same call comes again. Otherwise the error is a
// CallError that names the fields that differ.
func (c Call) Again(action, body string) error {
	if c.Action != action {
		return callErrorf(CallKeyReused, "the idempotency key was used for another action at %s: %s", stamp(c.Created),
			c.Action)
	}
	if c.Body == body {
		return nil
	}
	refused := callErrorf(CallKeyReused, "the idempotency key was used with another body at %s", stamp(c.Created))
	refused.Fields = Differences(c.Body, body)
	return refused
}

// CheckIdempotencyKey refuses a key that is not 1 to ReferenceMax visible ASCII
// characters. The key is also the reference of a hold or refund without one.
func CheckIdempotencyKey(key string) error {
	hidden := func(c rune) bool { return c <= ' ' || c > '~' }
	if key == "" || len(key) > ReferenceMax || strings.ContainsFunc(key, hidden) {
		return callErrorf(CallKeyInvalid, "an idempotency key has 1 to %d visible ASCII characters", ReferenceMax)
	}
	return nil
}

// CheckScope refuses a call whose key lacks a scope.
func CheckScope(k party.JSONKey, needed party.Scope) error {
	if k.Scopes.Has(needed) {
		return nil
	}
	refused := callErrorf(CallScopeMissing, "the key %s does not have the scope %s", k.ID, needed)
	refused.Scope = needed
	return refused
}

// ReferenceInUse refuses a reference that another request has used.
func ReferenceInUse(r Request) error {
	refused := callErrorf(CallReferenceInUse, "the reference %q was used by another request at %s", r.Reference,
		stamp(r.Received))
	refused.Fields = []string{"/reference"}
	return refused
}

// CheckDeadline refuses the deadline of a new hold that is not from one minute to
// seven days ahead.
func CheckDeadline(deadline, now time.Time) error {
	if left := deadline.Sub(now); left >= time.Minute && left <= ReserveLifeMax {
		return nil
	}
	refused := callErrorf(CallDeadlineInvalid,
		"the deadline of a hold is from one minute to seven days ahead; it is now %s", stamp(now))
	refused.Fields = []string{"/deadline"}
	return refused
}

// A KeyDay is what a chain of keys has used of its day limit, for one scope. The
// day is one of the caller's time, in UTC.
type KeyDay struct {
	Chain  party.JSONKeyID
	Day    time.Time // its beginning
	Scope  party.Scope
	Amount money.Amount
}

// KeyDayOf is the day that counts at the given time of the caller.
func KeyDayOf(k party.JSONKey, scope party.Scope, now time.Time) KeyDay {
	return KeyDay{
		Chain: k.Chain, Day: now.UTC().Truncate(24 * time.Hour), Scope: scope, Amount: money.Micros(0),
	}
}

// A KeyUse is what a call takes of the limits of its key.
type KeyUse struct {
	Scope party.Scope
	// Amount is what the call holds, settles or refunds. It counts in the day, even if
	// the card network declines it later: a stolen key must not try cards for free.
	Amount money.Amount
	// Whole is the size of the hold after the call, if it raises one; otherwise it is
	// not given.
	Whole money.Amount
}

// Use counts a use in the day, and refuses one that a limit of the key does not
// allow.
func (d KeyDay) Use(k party.JSONKey, u KeyUse) (KeyDay, error) {
	whole := u.Amount
	if u.Whole.Given() {
		whole = u.Whole
	}
	if k.HoldLimit.Given() && whole.Cmp(k.HoldLimit) > 0 {
		return d, callErrorf(CallHoldLimit, "%v is more than the %v that the key %s may %s at once", whole, k.HoldLimit, k.ID,
			u.Scope)
	}
	d.Amount = d.Amount.Add(u.Amount)
	if k.DayLimit.Given() && d.Amount.Cmp(k.DayLimit) > 0 {
		return d, callErrorf(CallDayLimit, "the key %s may %s %v in a day; %v of it is left until %s", k.ID, u.Scope,
			k.DayLimit, k.DayLimit.Sub(d.Amount.Sub(u.Amount)), stamp(d.Day.Add(24*time.Hour)))
	}
	return d, nil
}

// Metadata is what a caller keeps with an object, for its own use.
type Metadata map[string]string

// Limits of metadata.
const (
	MetadataKeysMax  = 20
	MetadataNameMax  = 40  // characters of a key
	MetadataValueMax = 500 // characters
)

// Check refuses metadata that is too large. Keys are visible text. The error
// points to the key that is wrong.
func (m Metadata) Check() error {
	if len(m) > MetadataKeysMax {
		refused := callErrorf(CallMetadataInvalid, "metadata has at most %d keys", MetadataKeysMax)
		refused.Fields = []string{"/metadata"}
		return refused
	}
	for name, value := range m {
		var problem string
		switch {
		case !party.ValidLine(name) || utf8.RuneCountInString(name) > MetadataNameMax:
			problem = fmt.Sprintf("a key of metadata is one line of 1 to %d visible characters", MetadataNameMax)
		case !utf8.ValidString(value) || utf8.RuneCountInString(value) > MetadataValueMax:
			problem = fmt.Sprintf("a value of metadata has at most %d characters", MetadataValueMax)
		case strings.ContainsFunc(value, isControl):
			problem = "a value of metadata has no control characters, except for line breaks and tabs"
		default:
			continue
		}
		refused := callErrorf(CallMetadataInvalid, "%s", problem)
		refused.Fields = []string{pointerTo("/metadata", name)}
		return refused
	}
	return nil
}

func isControl(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\r' && c != '\t' }

// With returns the metadata with the keys of more, which replace keys with the
// same name. It refuses a result that is too large.
func (m Metadata) With(more Metadata) (Metadata, error) {
	all := make(Metadata, len(m)+len(more))
	for _, some := range []Metadata{m, more} {
		for name, value := range some {
			all[name] = value
		}
	}
	return all, all.Check()
}
