package processor

import (
	"crypto/rand"
	"math/big"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// IDs makes identifiers. Tests use a counter; servers use RandomIDs.
type IDs interface {
	Transaction() holdfast.TransactionID // 35 characters of [0-9A-Z]
	Token() holdfast.TokenID             // 64 characters of [0-9A-Z]
	// "P" parties, "C" callers, "I" instruments, "A" addresses, "V" visits, "S" sessions, "K" passkeys, "M" mails
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
	return holdfast.TransactionID("1" + r.timed(34))
}

// Token returns an id of 64 characters.
func (r RandomIDs) Token() holdfast.TokenID { return holdfast.TokenID(r.timed(64)) }

// Other returns the prefix and 25 characters.
func (r RandomIDs) Other(prefix string) string { return prefix + r.timed(25) }

// Secret returns random characters only, without the time.
func (RandomIDs) Secret(size int) string { return random(size, base62) }

func (r RandomIDs) timed(size int) string {
	digits := strings.ToUpper(big.NewInt(r.Now().UnixMicro()).Text(36))
	return strings.Repeat("0", max(0, timeDigits-len(digits))) + digits + random(size-timeDigits, base36)
}

// random draws characters of an alphabet with equal probability: it discards
// bytes that are not below the largest multiple of the alphabet's size.
func random(size int, alphabet string) string {
	out := make([]byte, 0, size)
	buffer := make([]byte, size+size/4+8)
	limit := 256 - 256%len(alphabet)
	for len(out) < size {
		rand.Read(buffer) // never fails; see crypto/rand
		for _, b := range buffer {
			if int(b) < limit && len(out) < size {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

func (p *Processor) ids() IDs {
	if p.IDs != nil {
		return p.IDs
	}
	return RandomIDs{Now: p.Now}
}
