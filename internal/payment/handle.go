package payment

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"
)

// A TokenHandle names a token on the pages of the party that gave it, such as
// "hof1hc5600-mfrggzdf…". It is useless to anybody else. Pages never show token
// ids, which only callers may know. A handle is mostly letters, so that
// scanners for card numbers in logs do not mistake it for one.
type TokenHandle string

const (
	handleBytes = 16 // of the token id's hash
	handleBase  = 36 // of the digits of its time
)

var handleLetters = base32.StdEncoding.WithPadding(base32.NoPadding)

// Handle is the token's handle.
func (t Token) Handle() TokenHandle {
	sum := sha256.Sum256([]byte(t.ID))
	at := strconv.FormatInt(t.Installed.UnixMicro(), handleBase)
	return TokenHandle(at + "-" + strings.ToLower(handleLetters.EncodeToString(sum[:handleBytes])))
}

// Installed is the time at which the handle's token was made. ok is false if
// the handle is malformed. The token need not exist.
func (h TokenHandle) Installed() (at time.Time, ok bool) {
	micros, digest, _ := strings.Cut(string(h), "-")
	n, err := strconv.ParseInt(micros, handleBase, 64)
	return time.UnixMicro(n).UTC(), err == nil && len(digest) == handleLetters.EncodedLen(handleBytes)
}
