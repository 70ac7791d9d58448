package ipn

import (
	"crypto/rsa"
	"sync/atomic"
)

// CheckPublic exports the check of addresses, because a test has few addresses
// of its own.
var CheckPublic = checkPublic

// MayBePublic exports the check of hosts that a proxy is asked for.
var MayBePublic = mayBePublic

// WithoutAddresses exports the texts of errors.
var WithoutAddresses = withoutAddresses

// NextTry exports the schedule at moments that real tries reach only by chance.
var NextTry = nextTry

// How many deliveries can be under way.
const (
	Slots          = slots
	SlotsPerCaller = slotsPerCaller
)

// The fields of each kind of notification, those without a value too.
var (
	TransactionFields = composeTransaction
	TokenFields       = composeToken
)

// CountSignatures returns the number of signatures that s makes from now on.
func CountSignatures(s *Signer) *atomic.Int64 {
	var made atomic.Int64
	sign := s.sign
	s.sign = func(key *rsa.PrivateKey, text string) (string, error) {
		made.Add(1)
		return sign(key, text)
	}
	return &made
}
