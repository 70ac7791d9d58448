package processor

import (
	"crypto/sha256"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// IDs makes identifiers. Tests use a counter; servers use RandomIDs.
type IDs interface {
	Transaction() holdfast.TransactionID // 35 characters of [0-9A-Z]
	Token() holdfast.TokenID             // 64 characters of [0-9A-Z]
	// "P" parties, "C" callers, "I" instruments, "A" addresses, "V" visits, "S" sessions, "K" passkeys, "M" mails,
	// "J" JSON keys, "W" webhook endpoints, "H" page holds, "N" accounts at card networks,
	// "Q" approvals
	Other(prefix string) string
	Secret(size int) string // size characters for keys, unguessable
}

// RandomIDs makes unguessable identifiers that start with the time, so that an
// index on them grows at one end.
type RandomIDs struct{ Now func() time.Time }

const (
	base36     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	base62     = base36 + "abcdefghijklmnopqrstuvwxyz"
	timeDigits = 10 // base-36 digits of microseconds: enough until 2085
)

// Transaction returns an id that begins with 1, like the transaction ids of
// FPS.
func (r RandomIDs) Transaction() holdfast.TransactionID {
	return holdfast.TransactionID(r.timed("1", 34))
}

// Token returns an id of 64 characters.
func (r RandomIDs) Token() holdfast.TokenID { return holdfast.TokenID(r.timed("", 64)) }

// Other returns the prefix and 25 characters.
func (r RandomIDs) Other(prefix string) string { return r.timed(prefix, 25) }

// Secret returns random characters only, without the time.
func (RandomIDs) Secret(size int) string { return identity.Random(size, base62) }

// timed returns the prefix and size characters: the time in base 36, and random
// ones.
func (r RandomIDs) timed(prefix string, size int) string {
	var digits [timeDigits]byte
	micro := r.Now().UnixMicro()
	for i := range digits {
		digits[timeDigits-1-i] = base36[micro%36]
		micro /= 36
	}
	return prefix + string(digits[:]) + identity.Random(size-timeDigits, base36)
}

func (p *Processor) ids() IDs {
	if p.IDs != nil {
		return p.IDs
	}
	return RandomIDs{Now: p.Now}
}

// ErrRepeated refuses to make an object a second time for the same form.
var ErrRepeated = errors.New("this was done already")

// idOf is a new id. With the random key of a form it is the same for each time that
// the form is sent for a caller, so that only the first one makes an object.
func (p *Processor) idOf(prefix string, caller party.CallerID, once string) string {
	if once == "" {
		return p.ids().Other(prefix)
	}
	return prefix + digest(string(caller)+once, 25)
}

// digest returns characters of [0-9A-Z] that depend on a text alone.
func digest(text string, size int) string {
	sum := sha256.Sum256([]byte(text))
	return strings.ToUpper(new(big.Int).SetBytes(sum[:]).Text(36))[:size]
}
