package payment

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"
)

// A TokenHandle names a token on the pages of the party that gave it, such as
// "hof1hc5600-mfrggzdf…". It is of no use to anybody else: ids of tokens are
// between their callers and us, and stand on no page. It is mostly letters, since
// what looks for numbers of cards in logs would take digits for one.
type TokenHandle string

const (
	handleBytes = 16 // of the id's hash
	handleBase  = 36 // of the time
)

var handleLetters = base32.StdEncoding.WithPadding(base32.NoPadding)

// Handle is the token's.
func (t Token) Handle() TokenHandle {
	sum := sha256.Sum256([]byte(t.ID))
	at := strconv.FormatInt(t.Installed.UnixMicro(), handleBase)
	return TokenHandle(at + "-" + strings.ToLower(handleLetters.EncodeToString(sum[:handleBytes])))
}

// Installed is when the token was made that the handle may be of; ok is false for
// what is no handle.
func (h TokenHandle) Installed() (at time.Time, ok bool) {
	micros, digest, _ := strings.Cut(string(h), "-")
	n, err := strconv.ParseInt(micros, handleBase, 64)
	return time.UnixMicro(n).UTC(), err == nil && len(digest) == handleLetters.EncodedLen(handleBytes)
}
